// Rival: the lines of a file with getline(3), with its own buffer or with one of the given size. The buffer is ours,
// since glibc ignores the size when it allocates one itself.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    FILE* file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) return 1;
    size_t buffer_size = argc > 2 ? (size_t)atol(argv[2]) : 0;
    if (buffer_size != 0) setvbuf(file, malloc(buffer_size), _IOFBF, buffer_size);
    char* line = NULL;
    size_t capacity = 0;
    long count = 0, total = 0;
    for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
        ++count;
        total += size;
    }
    printf("%ld %ld\n", count, total);
}
