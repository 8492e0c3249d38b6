// Load: as echo, behind TLS: N connections, each with `depth` lines of 64 bytes in flight, closed loop, for a fixed count of lines or until the
// time is up. Certificates are not verified. Every byte of the replies is compared. `bulk` instead sends so many MB over each connection, `fetch` asks for them and receives.
#define _GNU_SOURCE
#include "connect.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>

enum { line_size = 64, maximum_depth = 1024, events_at_once = 512 };

struct connection {
    int fd;
    SSL* ssl;
    size_t received;  // bytes of the line now arriving
};

static char lines[maximum_depth * line_size];
static char replies[maximum_depth * line_size];
static long answered, wanted, outstanding;

static void fail(const char* what) {
    fprintf(stderr, "tls echo load: %s\n", what);
    exit(1);
}

static void send_lines(const struct connection* connection, long count) {
    size_t size = (size_t)count * line_size, written = 0;
    if (SSL_write_ex(connection->ssl, lines, size, &written) != 1 || written != size) fail("a write failed");
}

static void on_readable(struct connection* connection) {
    size_t size = 0;
    int done = SSL_read_ex(connection->ssl, replies, sizeof replies, &size);
    if (done != 1) {
        if (SSL_get_error(connection->ssl, done) == SSL_ERROR_WANT_READ) return;
        fail("a connection broke");
    }
    size_t first = line_size - connection->received;
    size_t head = size < first ? size : first;
    if (memcmp(replies, lines + connection->received, head) != 0 || memcmp(replies + head, lines, size - head) != 0) {
        fail("a reply differs from its line");
    }
    connection->received += size;
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

static void bulk(struct connection* connections, int count, long megabytes) {
    static char piece[64 * 1024];
    size_t written = 0;
    for (long sent = 0; sent < megabytes * 16; ++sent)
        for (int i = 0; i < count; ++i)
            if (SSL_write_ex(connections[i].ssl, piece, sizeof piece, &written) != 1) fail("a write failed");
    // The server's own end tells that it has everything.
    for (int i = 0; i < count; ++i) {
        SSL_shutdown(connections[i].ssl);
        shutdown(connections[i].fd, SHUT_WR);
        while (recv(connections[i].fd, piece, sizeof piece, 0) > 0) {}
    }
}

static void fetch(struct connection* connections, int count, long megabytes) {
    static char piece[64 * 1024];
    char line[32];
    size_t size = 0;
    int length = snprintf(line, sizeof line, "%ld\n", megabytes);
    for (int i = 0; i < count; ++i) {
        if (SSL_write_ex(connections[i].ssl, line, (size_t)length, &size) != 1) fail("a write failed");
        long long received = 0;
        int done;
        while ((done = SSL_read_ex(connections[i].ssl, piece, sizeof piece, &size)) == 1) received += (long long)size;
        if (SSL_get_error(connections[i].ssl, done) != SSL_ERROR_ZERO_RETURN) fail("a connection broke");
        if (received != (long long)megabytes << 20) fail("not as many bytes as were asked for");
        SSL_shutdown(connections[i].ssl);
        shutdown(connections[i].fd, SHUT_WR);
    }
}

int main(int argc, char** argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: tls_echo PORT CONNECTIONS DEPTH LINES SECONDS\n       tls_echo PORT CONNECTIONS bulk|fetch MEGABYTES 0\n");
        return 2;
    }
    int port = atoi(argv[1]), count = atoi(argv[2]), depth = atoi(argv[3]);
    int is_fetch = strcmp(argv[3], "fetch") == 0, is_bulk = is_fetch || strcmp(argv[3], "bulk") == 0;
    wanted = atol(argv[4]);
    double limit = atof(argv[5]);
    if (!is_bulk && (count < 1 || depth < 1 || depth > maximum_depth || wanted < (long)count * depth)) fail("bad numbers");
    for (size_t i = 0; i < sizeof lines; ++i) {
        lines[i] = i % line_size == line_size - 1 ? '\n' : (char)('a' + i % line_size % 26);
    }
    struct connection* connections = calloc((size_t)count, sizeof *connections);
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (connections == NULL || context == NULL || epoll < 0) die("tls echo load: start");
    for (int i = 0; i < count; ++i) {
        connections[i].fd = connect_to(port);
        connections[i].ssl = SSL_new(context);
        if (connections[i].ssl == NULL || SSL_set_fd(connections[i].ssl, connections[i].fd) != 1) fail("no connection");
        if (SSL_connect(connections[i].ssl) != 1) fail("the handshake failed");
        if (!is_bulk) fcntl(connections[i].fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) != 0) die("epoll_ctl");
    }
    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (is_bulk) {
        (is_fetch ? fetch : bulk)(connections, count, wanted);
        report((double)wanted * count, seconds_of(CLOCK_MONOTONIC) - began, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        return 0;
    }
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
