// Rival: line echo on libuv. The lines of one read are answered by one uv_try_write; only what does not fit at once
// becomes a uv_write. The shared input buffer is handed out by the allocation callback.
#include "../floor/lines.h"

#include <stdio.h>
#include <uv.h>

struct client {
    uv_tcp_t handle;
    struct carry carry;
};

struct later {
    uv_write_t request;
    char data[];
};

static char input[64 * 1024];
static char* output;
static size_t output_capacity;

static void on_closed(uv_handle_t* handle) {
    struct client* client = (struct client*)handle;
    free(client->carry.data);
    free(client);
}

static void on_written(uv_write_t* request, int status) {
    (void)status;
    free(request);
}

static void allocate(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(input, sizeof input);
}

static void write_all(struct client* client, size_t size) {
    uv_stream_t* stream = (uv_stream_t*)&client->handle;
    uv_buf_t buffer = uv_buf_init(output, (unsigned)size);
    int written = uv_try_write(stream, &buffer, 1);
    if (written < 0) written = 0;
    if ((size_t)written == size) return;
    struct later* later = malloc(sizeof *later + size - (size_t)written);
    if (later == NULL) abort();
    memcpy(later->data, output + written, size - (size_t)written);
    buffer = uv_buf_init(later->data, (unsigned)(size - (size_t)written));
    uv_write(&later->request, stream, &buffer, 1, on_written);
}

static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    struct client* client = (struct client*)stream;
    if (size < 0) {
        uv_close((uv_handle_t*)stream, on_closed);
        return;
    }
    size_t room = client->carry.size + (size_t)size;
    if (room > output_capacity) {
        output_capacity = room * 2;
        free(output);
        output = malloc(output_capacity);
        if (output == NULL) abort();
    }
    size_t lines = take_lines(&client->carry, buffer->base, (size_t)size, output);
    if (lines != 0) write_all(client, lines);
}

static void on_connection(uv_stream_t* server, int status) {
    if (status < 0) return;
    struct client* client = calloc(1, sizeof *client);
    if (client == NULL) abort();
    uv_tcp_init(server->loop, &client->handle);
    if (uv_accept(server, (uv_stream_t*)&client->handle) != 0) {
        uv_close((uv_handle_t*)&client->handle, on_closed);
        return;
    }
    uv_tcp_nodelay(&client->handle, 1);
    uv_read_start((uv_stream_t*)&client->handle, allocate, on_read);
}

int main(int argc, char** argv) {
    uv_loop_t* loop = uv_default_loop();
    uv_tcp_t server;
    struct sockaddr_in address;
    int size = sizeof address;
    uv_tcp_init(loop, &server);
    uv_ip4_addr("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0, &address);
    if (uv_tcp_bind(&server, (struct sockaddr*)&address, 0) != 0) return 1;
    if (uv_listen((uv_stream_t*)&server, 4096, on_connection) != 0) return 1;
    uv_tcp_getsockname(&server, (struct sockaddr*)&address, &size);
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
