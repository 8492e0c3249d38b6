// Floor: lines of 64 bytes, each copied into a buffer of 256 KiB that write(2) empties when it is full.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { capacity = 256 * 1024 };

static char buffer[capacity];
static size_t filled;
static int fd;

static bool flush(void) {
    for (size_t done = 0; done < filled;) {
        ssize_t size = write(fd, buffer + done, filled - done);
        if (size < 0) return false;
        done += (size_t)size;
    }
    filled = 0;
    return true;
}

static bool write_line(const char* line, size_t size) {
    if (capacity - filled < size && !flush()) return false;
    memcpy(buffer + filled, line, size);
    filled += size;
    return true;
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return 1;
    char line[64];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    // The size is read from memory, as a writer that takes any line has to.
    volatile size_t size = sizeof line;
    long count = atol(argv[2]);
    for (long i = 0; i < count; ++i) {
        if (!write_line(line, size)) return 1;
    }
    return flush() && close(fd) == 0 ? 0 : 1;
}
