// Load: sends a number of bytes over one connection, 1 MB at a call, then waits until the server has closed its side,
// so that everything has been received when it reports.
#include "connect.h"

static char buffer[1024 * 1024];

int main(int argc, char** argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bulk PORT BYTES\n");
        return 2;
    }
    int fd = connect_to(atoi(argv[1]));
    long long total = atoll(argv[2]), left = total;
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    while (left > 0) {
        size_t size = left < (long long)sizeof buffer ? (size_t)left : sizeof buffer;
        ssize_t sent = send(fd, buffer, size, MSG_NOSIGNAL);
        if (sent <= 0) die("send");
        left -= sent;
    }
    shutdown(fd, SHUT_WR);
    if (recv(fd, buffer, sizeof buffer, 0) != 0) die("the server did not close in order");
    report((double)total, seconds_of(CLOCK_MONOTONIC) - began, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}
