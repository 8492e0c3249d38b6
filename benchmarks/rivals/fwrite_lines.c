// Rival: lines of 64 bytes written with fwrite(3), with its own buffer or with one of the given size. The buffer is
// ours, since glibc ignores the size when it allocates one itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    FILE* file = fopen(argv[1], "w");
    if (file == NULL) return 1;
    size_t buffer_size = argc > 3 ? (size_t)atol(argv[3]) : 0;
    if (buffer_size != 0) setvbuf(file, malloc(buffer_size), _IOFBF, buffer_size);
    char line[64];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    long count = atol(argv[2]);
    for (long i = 0; i < count; ++i) {
        if (fwrite(line, 1, sizeof line, file) != sizeof line) return 1;
    }
    return fclose(file) == 0 ? 0 : 1;
}
