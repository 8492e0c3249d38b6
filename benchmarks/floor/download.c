// Floor: downloads a list of http://127.0.0.1:PORT/NAME URLs into a directory over 32 keep-alive connections on epoll.
// Small bodies go by recv and write through one buffer, big ones by splice through a pipe.
#define _GNU_SOURCE
#include "../load/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { connections_at_most = 32, buffer_size = 128 * 1024, pipe_size = 1024 * 1024, splice_above = 128 * 1024 };

struct connection {
    int fd, file;
    int pipe[2];
    long long left;  // bytes of the body still to come; -1 while the head is awaited
    size_t head_size;
    char head[4096];  // only a head that arrives in pieces is kept here
    const char* name;
};

static char buffer[buffer_size];
static char* next_url;
static int directory, epoll, port, active;

static void fail(const struct connection* connection, const char* what) {
    fprintf(stderr, "download floor: %s: %s\n", connection->name, what);
    exit(1);
}

// Takes the next URL of the list and asks for it, or closes the connection when there is none.
static void request_next(struct connection* connection) {
    if (next_url == NULL || *next_url == '\0') {
        close(connection->fd);
        --active;
        return;
    }
    char* url = next_url;
    next_url = strchr(url, '\n');
    if (next_url != NULL) *next_url++ = '\0';
    char* path = strchr(url + sizeof "http://" - 1, '/');
    if (path == NULL) exit(2);
    connection->name = strrchr(url, '/') + 1;
    connection->left = -1;
    connection->head_size = 0;
    char request[2048];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", path, port);
    if (send(connection->fd, request, (size_t)size, MSG_NOSIGNAL) != size) fail(connection, "send");
}

static void write_all(const struct connection* connection, const char* data, size_t size) {
    while (size != 0) {
        ssize_t written = write(connection->file, data, size);
        if (written < 0) fail(connection, strerror(errno));
        data += written;
        size -= (size_t)written;
    }
}

static void take_body(struct connection* connection, const char* data, size_t size) {
    if ((long long)size > connection->left) fail(connection, "more bytes than promised");
    write_all(connection, data, size);
    connection->left -= (long long)size;
}

static long long content_length(const struct connection* connection, const char* head, const char* end) {
    if (strncmp(head, "HTTP/1.1 200", 12) != 0) fail(connection, "status is not 200");
    for (const char* line = head; line < end;) {
        if (strncasecmp(line, "content-length:", 15) == 0) return atoll(line + 15);
        line = (const char*)memchr(line, '\n', (size_t)(end - line)) + 1;
    }
    fail(connection, "no content-length");
    return 0;
}

static void take_head(struct connection* connection, char* data, size_t size) {
    char* head = data;
    if (connection->head_size != 0) {
        if (connection->head_size + size > sizeof connection->head) fail(connection, "a long head in pieces");
        memcpy(connection->head + connection->head_size, data, size);
        head = connection->head;
        size += connection->head_size;
    }
    char* end = memmem(head, size, "\r\n\r\n", 4);
    if (end == NULL) {
        if (size > sizeof connection->head) fail(connection, "a long head");
        if (head != connection->head) memcpy(connection->head, head, size);
        connection->head_size = size;
        return;
    }
    connection->left = content_length(connection, head, end + 2);
    connection->file = openat(directory, connection->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (connection->file < 0) fail(connection, strerror(errno));
    end += 4;
    if (end != head + size) take_body(connection, end, (size_t)(head + size - end));
}

static void splice_body(struct connection* connection) {
    if (connection->pipe[0] == 0) {
        if (pipe2(connection->pipe, O_CLOEXEC | O_NONBLOCK) != 0) fail(connection, strerror(errno));
        fcntl(connection->pipe[0], F_SETPIPE_SZ, pipe_size);
    }
    size_t wanted = connection->left < pipe_size ? (size_t)connection->left : pipe_size;
    ssize_t size = splice(connection->fd, NULL, connection->pipe[1], NULL, wanted, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) fail(connection, "the body stopped short");
    connection->left -= size;
    while (size > 0) {
        ssize_t moved = splice(connection->pipe[0], NULL, connection->file, NULL, (size_t)size, SPLICE_F_MOVE);
        if (moved <= 0) fail(connection, strerror(errno));
        size -= moved;
    }
}

static void on_readable(struct connection* connection) {
    if (connection->left > splice_above) {
        splice_body(connection);
    } else {
        ssize_t size = recv(connection->fd, buffer, sizeof buffer, 0);
        if (size < 0 && errno == EAGAIN) return;
        if (size <= 0) fail(connection, "the connection was closed");
        if (connection->left < 0) {
            take_head(connection, buffer, (size_t)size);
        } else {
            take_body(connection, buffer, (size_t)size);
        }
    }
    if (connection->left == 0) {
        close(connection->file);
        request_next(connection);
    }
}

static char* read_list(const char* path) {
    FILE* file = fopen(path, "r");
    if (file == NULL) die(path);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char* text = calloc(1, size + 1);
    if (text == NULL || fread(text, 1, size, file) != size) die(path);
    fclose(file);
    return text;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: download LIST DIRECTORY\n");
        return 2;
    }
    next_url = read_list(argv[1]);
    if (sscanf(next_url, "http://127.0.0.1:%d/", &port) != 1) return 2;
    directory = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) die(argv[2]);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    static struct connection connections[connections_at_most];
    for (int i = 0; i < connections_at_most && next_url != NULL && *next_url != '\0'; ++i) {
        struct connection* connection = &connections[i];
        connection->fd = connect_to(port);
        fcntl(connection->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) die("epoll_ctl");
        ++active;
        request_next(connection);
    }
    while (active > 0) {
        struct epoll_event events[connections_at_most];
        int count = epoll_wait(epoll, events, connections_at_most, 30 * 1000);
        if (count == 0 || (count < 0 && errno != EINTR)) die("epoll_wait");
        for (int i = 0; i < count; ++i) on_readable(events[i].data.ptr);
    }
}
