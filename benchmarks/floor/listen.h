// What every raw server starts with: a non-blocking listener on 127.0.0.1 whose port is printed for the harness.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static inline void die(const char* what) {
    perror(what);
    exit(1);
}

// TCP_NODELAY is set on the listener: accepted sockets inherit it, so it costs nothing for each connection.
static inline int listen_and_print_port(int argc, char** argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) die("bind");
    if (listen(fd, 4096) != 0) die("listen");
    socklen_t size = sizeof address;
    getsockname(fd, (struct sockaddr*)&address, &size);
    signal(SIGPIPE, SIG_IGN);
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}
