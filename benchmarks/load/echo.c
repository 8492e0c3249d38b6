// Load: N connections, each with `depth` lines of 64 bytes in flight, closed loop, for a fixed count of lines or until
// the time is up. Every byte of the replies is compared. On epoll, since a generator on io_uring cost as much for a line;
// the JSON report says how busy it was.
#define _GNU_SOURCE
#include "connect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

enum { line_size = 64, maximum_depth = 1024, events_at_once = 512 };

struct connection {
    int fd;
    size_t received;  // bytes of the line now arriving
};

static char lines[maximum_depth * line_size];
static char replies[maximum_depth * line_size];
static long answered, wanted, outstanding;

static void fail(const char* what) {
    fprintf(stderr, "echo load: %s\n", what);
    exit(1);
}

// A closed loop never has more in flight than the socket buffers hold, so a short send is an error of the set-up.
static void send_lines(const struct connection* connection, long count) {
    ssize_t size = count * line_size;
    if (send(connection->fd, lines, (size_t)size, MSG_NOSIGNAL) != size) die("echo load: send");
}

static void on_readable(struct connection* connection) {
    ssize_t size = recv(connection->fd, replies, sizeof replies, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) die("echo load: recv");
    if (size == 0) fail("the server closed a connection");
    // The lines are all alike, so whatever arrives is a piece of them from where the last line stopped.
    size_t first = line_size - connection->received;
    size_t head = (size_t)size < first ? (size_t)size : first;
    if (memcmp(replies, lines + connection->received, head) != 0 ||
        memcmp(replies + head, lines, (size_t)size - head) != 0) {
        fail("a reply differs from its line");
    }
    connection->received += (size_t)size;
    long complete = (long)(connection->received / line_size);
    connection->received %= line_size;
    answered += complete;
    outstanding -= complete;
    long more = wanted - answered - outstanding;
    if (complete < more) more = complete;
    if (more <= 0) return;
    outstanding += more;
    send_lines(connection, more);
}

int main(int argc, char** argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: echo PORT CONNECTIONS DEPTH LINES SECONDS\n");
        return 2;
    }
    int port = atoi(argv[1]), count = atoi(argv[2]), depth = atoi(argv[3]);
    wanted = atol(argv[4]);
    double limit = atof(argv[5]);
    if (count < 1 || depth < 1 || depth > maximum_depth || wanted < (long)count * depth) fail("bad numbers");
    for (size_t i = 0; i < sizeof lines; ++i) {
        lines[i] = i % line_size == line_size - 1 ? '\n' : (char)('a' + i % line_size % 26);
    }
    struct connection* connections = calloc((size_t)count, sizeof *connections);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || epoll < 0) die("echo load: start");
    for (int i = 0; i < count; ++i) {
        connections[i].fd = connect_to(port);
        fcntl(connections[i].fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) != 0) die("epoll_ctl");
    }
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    outstanding = (long)count * depth;
    for (int i = 0; i < count; ++i) send_lines(&connections[i], depth);
    while (outstanding > 0) {
        static struct epoll_event events[events_at_once];
        int ready = epoll_wait(epoll, events, events_at_once, 10 * 1000);
        if (ready == 0) fail("no reply for ten seconds");
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < ready; ++i) on_readable(events[i].data.ptr);
        // Out of time: what is in flight is still waited for, nothing new is sent.
        if (seconds_of(CLOCK_MONOTONIC) - began > limit) wanted = answered + outstanding;
    }
    report((double)answered, seconds_of(CLOCK_MONOTONIC) - began, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}
