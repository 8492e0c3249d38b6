// Floor: what OpenSSL's own bytes cost: blocking SSL_read or SSL_write on the socket, one connection at a time, no event loop at all.
// usage: tls_bulk_blocking PORT CERTIFICATE KEY sink|source [ahead]
//   sink: receive and drop; source: send as many MB as the peer's first line says
//   ahead: OpenSSL reads as much as its buffer holds (64 KB), and not each record in two calls
#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static char piece[64 * 1024];

static void receive_all(SSL* ssl) {
    size_t received = 0;
    while (SSL_read_ex(ssl, piece, sizeof piece, &received) == 1) {}
}

static void send_all(SSL* ssl) {
    char line[64] = "";
    size_t size = 0;
    if (SSL_read_ex(ssl, line, sizeof line - 1, &size) != 1) return;
    for (long left = atol(line) * 16; left > 0; --left)
        if (SSL_write_ex(ssl, piece, sizeof piece, &size) != 1) return;
}

int main(int argc, char** argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: tls_bulk_blocking PORT CERTIFICATE KEY sink|source [ahead]\n");
        return 2;
    }
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_use_certificate_chain_file(context, argv[2]) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[3], SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
        return 1;
    }
    if (argc > 5) {
        SSL_CTX_set_read_ahead(context, 1);
        SSL_CTX_set_default_read_buffer_len(context, sizeof piece);
    }
    int listener = listen_and_print_port(argc, argv);
    for (;;) {
        struct pollfd incoming = {.fd = listener, .events = POLLIN};
        if (poll(&incoming, 1, -1) < 0 && errno != EINTR) die("poll");
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        SSL* ssl = SSL_new(context);
        if (ssl == NULL || SSL_set_fd(ssl, fd) != 1) abort();
        if (SSL_accept(ssl) == 1) {
            if (strcmp(argv[4], "sink") == 0)
                receive_all(ssl);
            else
                send_all(ssl);
            SSL_shutdown(ssl);
        }
        SSL_free(ssl);
        close(fd);
    }
}
