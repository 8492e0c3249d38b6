// Load: N connections in flight; each connects, sends a line of 64 bytes, reads it back and closes, and then the next takes its place, for a
// fixed count of them or until the time is up. Every reply is compared.
//
// Whoever closes first keeps the port in TIME_WAIT: here, with a reset-free close after the reply. A connection binds to one of the addresses
// 127.0.0.2 to 127.0.0.254 in turn, so that the ports of one address do not run out.
#define _GNU_SOURCE
#include "connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { line_size = 64, sources = 253, events_at_once = 512 };

struct visit {
    int fd;
    bool sent;
    size_t received;
};

static char line[line_size];
static int epoll, port;
static long begun, done, wanted;

static void fail(const char* what) {
    fprintf(stderr, "churn load: %s\n", what);
    exit(1);
}

static void begin(struct visit* visit) {
    int yes = 1;
    visit->sent = false;
    visit->received = 0;
    visit->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (visit->fd < 0) die("churn load: socket");
    setsockopt(visit->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (unsigned)(begun % sources));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(visit->fd, (struct sockaddr*)&from, sizeof from) != 0) die("churn load: bind");
    if (connect(visit->fd, (struct sockaddr*)&to, sizeof to) != 0 && errno != EINPROGRESS) die("churn load: connect");
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = visit};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, visit->fd, &event) != 0) die("churn load: epoll_ctl");
    ++begun;
}

static void on_event(struct visit* visit) {
    if (!visit->sent) {
        if (send(visit->fd, line, line_size, MSG_NOSIGNAL) != line_size) die("churn load: send");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = visit};
        if (epoll_ctl(epoll, EPOLL_CTL_MOD, visit->fd, &event) != 0) die("churn load: epoll_ctl");
        visit->sent = true;
        return;
    }
    char reply[line_size];
    ssize_t size = recv(visit->fd, reply, line_size - visit->received, 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size < 0) die("churn load: recv");
    if (size == 0) fail("the server closed a connection before its reply");
    if (memcmp(reply, line + visit->received, (size_t)size) != 0) fail("a reply differs from its line");
    visit->received += (size_t)size;
    if (visit->received < line_size) return;
    close(visit->fd);
    ++done;
    if (begun < wanted) begin(visit);
}

int main(int argc, char** argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: churn PORT IN_FLIGHT CONNECTIONS SECONDS\n");
        return 2;
    }
    port = atoi(argv[1]);
    int in_flight = atoi(argv[2]);
    wanted = atol(argv[3]);
    double limit = atof(argv[4]);
    if (in_flight < 1 || wanted < in_flight) fail("bad numbers");
    memset(line, 'x', line_size - 1);
    line[line_size - 1] = '\n';
    struct visit* visits = calloc((size_t)in_flight, sizeof *visits);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (visits == NULL || epoll < 0) die("churn load: start");
    double start = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < in_flight; ++i) begin(&visits[i]);
    while (done < begun) {
        static struct epoll_event events[events_at_once];
        int ready = epoll_wait(epoll, events, events_at_once, 10 * 1000);
        if (ready == 0) fail("no reply for ten seconds");
        if (ready < 0 && errno != EINTR) die("churn load: epoll_wait");
        for (int i = 0; i < ready; ++i) on_event(events[i].data.ptr);
        if (seconds_of(CLOCK_MONOTONIC) - start > limit) wanted = begun;
    }
    report((double)done, seconds_of(CLOCK_MONOTONIC) - start, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}
