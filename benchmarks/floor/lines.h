// The line splitting both raw echo servers share: whole lines go to an output buffer, a partial one is carried over.
#pragma once

#include <stdlib.h>
#include <string.h>

struct carry {
    char* data;  // owned only while a line is incomplete, so that an idle connection holds no buffer
    size_t size;
};

// Appends the whole lines of `in` to `out`, which has room for the carry and the input, and returns the bytes added.
static inline size_t take_lines(struct carry* carry, const char* in, size_t size, char* out) {
    const char* end = in + size;
    char* to = out;
    for (const char* newline; in < end && (newline = memchr(in, '\n', (size_t)(end - in))) != NULL;) {
        size_t length = (size_t)(newline + 1 - in);
        if (carry->size != 0) {
            memcpy(to, carry->data, carry->size);
            to += carry->size;
            free(carry->data);
            *carry = (struct carry){0};
        }
        memcpy(to, in, length);
        to += length;
        in += length;
    }
    if (in < end) {
        size_t rest = (size_t)(end - in);
        carry->data = realloc(carry->data, carry->size + rest);
        if (carry->data == NULL) abort();
        memcpy(carry->data + carry->size, in, rest);
        carry->size += rest;
    }
    return (size_t)(to - out);
}
