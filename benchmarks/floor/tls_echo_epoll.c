// Floor: TLS line echo on epoll, OpenSSL on the socket itself: what a program without a library pays. Level-triggered; for an event everything
// that has come is decrypted, and the lines' replies are encrypted as one record.
// usage: tls_echo_epoll PORT CERTIFICATE KEY [sink|ahead]
//   sink: receive and drop, for bulk; ahead: OpenSSL reads what its buffer holds in one call, and not a record in two
#define _GNU_SOURCE
#include "lines.h"
#include "listen.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { buffer_size = 64 * 1024, events_at_once = 512 };

struct connection {
    int fd;
    SSL* ssl;
    struct carry carry;
    char* pending;  // what could not be written; NULL when everything was
    size_t pending_size;
};

static int epoll;
static bool sink, ahead;
static SSL_CTX* context;
static char input[buffer_size];
static char* output;
static size_t output_capacity;

static void watch(struct connection* connection, int operation, unsigned events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(epoll, operation, connection->fd, &event) != 0) die("epoll_ctl");
}

static void destroy(struct connection* connection) {
    SSL_free(connection->ssl);
    close(connection->fd);
    free(connection->carry.data);
    free(connection->pending);
    free(connection);
}

static bool waits(const struct connection* connection, int result, int* why) {
    *why = SSL_get_error(connection->ssl, result);
    return *why == SSL_ERROR_WANT_READ || *why == SSL_ERROR_WANT_WRITE;
}

// Returns false if the connection broke. While something is pending nothing is read, so memory stays bounded.
static bool send_all(struct connection* connection, const char* data, size_t size) {
    size_t written = 0;
    while (written < size) {
        size_t now = 0;
        int done = SSL_write_ex(connection->ssl, data + written, size - written, &now), why;
        if (done == 1) {
            written += now;
            continue;
        }
        if (!waits(connection, done, &why)) return false;
        char* rest = malloc(size - written);
        if (rest == NULL) abort();
        memcpy(rest, data + written, size - written);
        connection->pending = rest;
        connection->pending_size = size - written;
        watch(connection, EPOLL_CTL_MOD, why == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN);
        return true;
    }
    return true;
}

static bool on_readable(struct connection* connection) {
    ERR_clear_error();
    for (;;) {
        size_t received = 0;
        int done = SSL_read_ex(connection->ssl, input, sizeof input, &received), why;
        if (done != 1) return waits(connection, done, &why);
        if (!sink) {
            size_t room = connection->carry.size + received;
            if (room > output_capacity) {
                output_capacity = room * 2;
                free(output);
                output = malloc(output_capacity);
                if (output == NULL) abort();
            }
            size_t size = take_lines(&connection->carry, input, received, output);
            if (size != 0 && !send_all(connection, output, size)) return false;
            if (connection->pending != NULL) return true;
        }
        // Level-triggered: what has not been read is told again, but for what OpenSSL has read ahead.
        if (received < 16 * 1024 && !(ahead && SSL_has_pending(connection->ssl))) return true;
    }
}

static bool on_writable(struct connection* connection) {
    ERR_clear_error();
    char* data = connection->pending;
    connection->pending = NULL;
    bool fine = send_all(connection, data, connection->pending_size);
    free(data);
    if (!fine || connection->pending != NULL) return fine;
    watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    return SSL_has_pending(connection->ssl) == 0 || on_readable(connection);
}

static void accept_all(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct connection* connection = calloc(1, sizeof *connection);
        if (connection == NULL) abort();
        connection->fd = fd;
        connection->ssl = SSL_new(context);
        if (connection->ssl == NULL || SSL_set_fd(connection->ssl, fd) != 1) abort();
        SSL_set_accept_state(connection->ssl);
        watch(connection, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char** argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: tls_echo_epoll PORT CERTIFICATE KEY [sink|ahead]\n");
        return 2;
    }
    sink = argc > 4 && strcmp(argv[4], "sink") == 0;
    ahead = argc > 4 && strcmp(argv[4], "ahead") == 0;
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (ahead) SSL_CTX_set_read_ahead(context, 1);
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
