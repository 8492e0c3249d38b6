// A blocking connection to the server under test on 127.0.0.1, and the clocks the load generators report.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static inline void die(const char* what) {
    perror(what);
    exit(1);
}

static inline int connect_to(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) die("connect");
    return fd;
}

static inline double seconds_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// One JSON line for the harness: how much was done, how long it took, and how busy this generator was itself.
static inline void report(double units, double wall, double cpu) {
    printf("{\"units\": %.0f, \"seconds\": %.6f, \"load_cpu\": %.6f}\n", units, wall, cpu);
    fflush(stdout);
}
