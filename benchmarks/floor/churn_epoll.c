// Floor: connections that come and go, on epoll. Each is accepted, its lines are echoed, and it is closed when the peer has ended.
// Level-triggered, one recv for an event; the descriptor leaves the epoll set with its close.
#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { line_limit = 4096, events_at_once = 512 };

struct connection {
    int fd;
    size_t size;  // of the line so far
    char line[line_limit];
};

static int epoll;
static struct connection* spare;  // a closed one, used again first: the common case needs no malloc

static void destroy(struct connection* connection) {
    close(connection->fd);
    if (spare == NULL)
        spare = connection;
    else
        free(connection);
}

static void on_readable(struct connection* connection) {
    ssize_t received = recv(connection->fd, connection->line + connection->size, line_limit - connection->size, 0);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) return destroy(connection);
    connection->size += (size_t)received;
    char* end = memrchr(connection->line, '\n', connection->size);
    if (end == NULL) {
        if (connection->size == line_limit) destroy(connection);
        return;
    }
    size_t whole = (size_t)(end + 1 - connection->line);
    // A line or two always fit into an empty socket buffer.
    if (send(connection->fd, connection->line, whole, MSG_NOSIGNAL) != (ssize_t)whole) return destroy(connection);
    connection->size -= whole;
    memmove(connection->line, end + 1, connection->size);
}

static void accept_all(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection* connection = spare != NULL ? spare : malloc(sizeof *connection);
        if (connection == NULL) abort();
        if (connection == spare) spare = NULL;
        connection->fd = fd;
        connection->size = 0;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    }
}

int main(int argc, char** argv) {
    int listener = listen_and_print_port(argc, argv);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &accepting) != 0) die("epoll");
    static struct epoll_event events[events_at_once];
    for (;;) {
        int count = epoll_wait(epoll, events, events_at_once, -1);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; ++i) {
            struct connection* connection = events[i].data.ptr;
            if (connection == NULL)
                accept_all(listener);
            else
                on_readable(connection);
        }
    }
}
