// Load: opens connections up to each given count, one line sent and read back on each, prints the count, and holds them
// until a line arrives on standard input, so that the harness can read the server's memory in between.
#include "connect.h"

#include <string.h>

static const char line[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk\n";

static void exchange(int fd) {
    char reply[sizeof line];
    size_t size = sizeof line - 1, received = 0;
    if (send(fd, line, size, MSG_NOSIGNAL) != (ssize_t)size) die("send");
    while (received < size) {
        ssize_t got = recv(fd, reply + received, size - received, 0);
        if (got <= 0) die("recv");
        received += (size_t)got;
    }
    if (memcmp(reply, line, size) != 0) {
        fprintf(stderr, "idle load: a reply differs from its line\n");
        exit(1);
    }
}

int main(int argc, char** argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: idle PORT COUNT...\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int open = 0;
    for (int i = 2; i < argc; ++i) {
        for (int count = atoi(argv[i]); open < count; ++open) exchange(connect_to(atoi(argv[1])));
        printf("%d\n", open);
        fflush(stdout);
        if (getchar() == EOF) break;
    }
}
