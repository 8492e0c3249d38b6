// Floor: line echo on epoll. Level-triggered, one recv for an event, the lines' replies coalesced into one send.
#define _GNU_SOURCE
#include "lines.h"
#include "listen.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { buffer_size = 64 * 1024, events_at_once = 512 };

struct connection {
    int fd;
    struct carry carry;
    char* pending;  // what a short send left over; NULL when everything was sent
    size_t pending_size;
};

static int epoll;
static char input[buffer_size];
static char* output;
static size_t output_capacity;

static void watch(struct connection* connection, int operation, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(epoll, operation, connection->fd, &event) != 0) die("epoll_ctl");
}

static void destroy(struct connection* connection) {
    close(connection->fd);
    free(connection->carry.data);
    free(connection->pending);
    free(connection);
}

// Returns false if the connection broke. While something is pending nothing is read, so memory stays bounded.
static bool send_all(struct connection* connection, const char* data, size_t size) {
    ssize_t sent = send(connection->fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) sent = 0;
    if ((size_t)sent == size) return true;
    connection->pending_size = size - (size_t)sent;
    connection->pending = malloc(connection->pending_size);
    if (connection->pending == NULL) abort();
    memcpy(connection->pending, data + sent, connection->pending_size);
    watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
    return true;
}

static bool on_readable(struct connection* connection) {
    ssize_t received = recv(connection->fd, input, sizeof input, 0);
    if (received <= 0) return received < 0 && errno == EAGAIN;
    size_t room = connection->carry.size + (size_t)received;
    if (room > output_capacity) {
        output_capacity = room * 2;
        free(output);
        output = malloc(output_capacity);
        if (output == NULL) abort();
    }
    size_t size = take_lines(&connection->carry, input, (size_t)received, output);
    return size == 0 || send_all(connection, output, size);
}

static bool on_writable(struct connection* connection) {
    char* data = connection->pending;
    connection->pending = NULL;
    bool fine = send_all(connection, data, connection->pending_size);
    free(data);
    if (fine && connection->pending == NULL) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    return fine;
}

static void accept_all(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection* connection = calloc(1, sizeof *connection);
        if (connection == NULL) abort();
        connection->fd = fd;
        watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char** argv) {
    int listener = listen_and_print_port(argc, argv);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event accepting = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &accepting) != 0) die("epoll");
    output_capacity = buffer_size;
    output = malloc(output_capacity);
    static struct epoll_event events[events_at_once];
    for (;;) {
        int count = epoll_wait(epoll, events, events_at_once, -1);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; ++i) {
            struct connection* connection = events[i].data.ptr;
            if (connection == NULL) {
                accept_all(listener);
            } else if (!(connection->pending != NULL ? on_writable(connection) : on_readable(connection))) {
                destroy(connection);
            }
        }
    }
}
