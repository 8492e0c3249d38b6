// Floor: bytes received and dropped on epoll, one recv into a 64 KB buffer for an event.
#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static char buffer[64 * 1024];

int main(int argc, char** argv) {
    int listener = listen_and_print_port(argc, argv);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) die("epoll");
    struct epoll_event events[64];
    for (;;) {
        int count = epoll_wait(epoll, events, 64, -1);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; ++i) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                if (fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
                continue;
            }
            ssize_t received = recv(fd, buffer, sizeof buffer, 0);
            if (received == 0 || (received < 0 && errno != EAGAIN)) close(fd);
        }
    }
}
