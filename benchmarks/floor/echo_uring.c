// Floor: line echo on io_uring. One enter a tick carries everything: multishot accept, multishot receives into a shared
// ring of provided buffers, and at most one send for each connection.
#define _GNU_SOURCE
#include "lines.h"
#include "listen.h"

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { queue_entries = 4096, buffer_count = 512, buffer_size = 4096, output_size = 8192, group = 0 };
enum tag { tag_receive, tag_send, tag_accept, tag_mask = 3 };

struct output {
    struct output* next_free;
    size_t size, capacity;
    char data[];
};

struct connection {
    struct connection* next_dirty;
    struct output *filling, *sending;
    size_t sent;
    struct carry carry;
    int fd;
    bool dirty, receiving;
};

static struct io_uring ring;
static struct io_uring_buf_ring* provided;
static char* buffers;
static struct output* free_outputs;  // last in, first out: the one still in the cache is taken again
static struct connection* dirty_list;
static int listener;

static struct io_uring_sqe* next_sqe(void) {
    struct io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
        if (sqe == NULL) die("io_uring_get_sqe");
    }
    return sqe;
}

static void set_tag(struct io_uring_sqe* sqe, void* pointer, enum tag tag) {
    io_uring_sqe_set_data64(sqe, (uint64_t)(uintptr_t)pointer | tag);
}

static void arm_accept(void) {
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_multishot_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    set_tag(sqe, NULL, tag_accept);
}

static void arm_receive(struct connection* connection) {
    struct io_uring_sqe* sqe = next_sqe();
    io_uring_prep_recv_multishot(sqe, connection->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = group;
    set_tag(sqe, connection, tag_receive);
    connection->receiving = true;
}

static void submit_send(struct connection* connection) {
    struct io_uring_sqe* sqe = next_sqe();
    struct output* output = connection->sending;
    io_uring_prep_send(sqe, connection->fd, output->data + connection->sent, output->size - connection->sent,
                       MSG_NOSIGNAL);
    set_tag(sqe, connection, tag_send);
}

static struct output* new_output(size_t room) {
    struct output* output = free_outputs;
    if (output != NULL && room <= output->capacity) {
        free_outputs = output->next_free;
    } else {
        size_t capacity = room > output_size ? room : output_size;
        output = malloc(sizeof *output + capacity);
        if (output == NULL) abort();
        output->capacity = capacity;
    }
    output->size = 0;
    return output;
}

static void release(struct output* output) {
    if (output->capacity != output_size) {
        free(output);
        return;
    }
    output->next_free = free_outputs;
    free_outputs = output;
}

static void give_back(unsigned id) {
    io_uring_buf_ring_add(provided, buffers + (size_t)id * buffer_size, buffer_size, (unsigned short)id,
                          io_uring_buf_ring_mask(buffer_count), 0);
    io_uring_buf_ring_advance(provided, 1);
}

static void destroy_if_idle(struct connection* connection) {
    if (connection->receiving || connection->sending != NULL || connection->dirty) return;
    close(connection->fd);
    free(connection->carry.data);
    if (connection->filling != NULL) release(connection->filling);
    free(connection);
}

static void on_accept(struct io_uring_cqe* cqe) {
    if (cqe->res >= 0) {
        struct connection* connection = calloc(1, sizeof *connection);
        if (connection == NULL) abort();
        connection->fd = cqe->res;
        arm_receive(connection);
    }
    if (!(cqe->flags & IORING_CQE_F_MORE)) arm_accept();
}

static void echo(struct connection* connection, const char* data, size_t size) {
    size_t room = connection->carry.size + size;
    struct output* output = connection->filling;
    if (output == NULL) {
        output = new_output(room);
    } else if (output->size + room > output->capacity) {
        struct output* larger = new_output((output->size + room) * 2);
        memcpy(larger->data, output->data, output->size);
        larger->size = output->size;
        release(output);
        output = larger;
    }
    output->size += take_lines(&connection->carry, data, size, output->data + output->size);
    connection->filling = output;
    if (!connection->dirty) {
        connection->dirty = true;
        connection->next_dirty = dirty_list;
        dirty_list = connection;
    }
}

static void on_receive(struct connection* connection, struct io_uring_cqe* cqe) {
    connection->receiving = (cqe->flags & IORING_CQE_F_MORE) != 0;
    if (cqe->flags & IORING_CQE_F_BUFFER) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        if (cqe->res > 0) echo(connection, buffers + (size_t)id * buffer_size, (size_t)cqe->res);
        give_back(id);
    }
    if (connection->receiving) return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS) {
        arm_receive(connection);
    } else {
        destroy_if_idle(connection);
    }
}

static void on_send(struct connection* connection, struct io_uring_cqe* cqe) {
    if (cqe->res > 0) {
        connection->sent += (size_t)cqe->res;
        if (connection->sent < connection->sending->size) {
            submit_send(connection);
            return;
        }
    }
    release(connection->sending);
    connection->sending = connection->filling;
    connection->filling = NULL;
    connection->sent = 0;
    if (connection->sending != NULL && connection->sending->size != 0 && cqe->res > 0) {
        submit_send(connection);
        return;
    }
    if (connection->sending != NULL) release(connection->sending);
    connection->sending = NULL;
    if (!connection->receiving) destroy_if_idle(connection);
}

static void send_dirty(void) {
    while (dirty_list != NULL) {
        struct connection* connection = dirty_list;
        dirty_list = connection->next_dirty;
        connection->dirty = false;
        if (connection->sending == NULL && connection->filling != NULL) {
            if (connection->filling->size != 0) {
                connection->sending = connection->filling;
                connection->sent = 0;
                submit_send(connection);
            } else {
                release(connection->filling);
            }
            connection->filling = NULL;
        }
        if (!connection->receiving) destroy_if_idle(connection);
    }
}

static void start_ring(void) {
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = 4 * queue_entries,
    };
    if (io_uring_queue_init_params(queue_entries, &ring, &params) != 0) die("io_uring_queue_init_params");
    size_t ring_size = buffer_count * sizeof(struct io_uring_buf);
    size_t total = ring_size + (size_t)buffer_count * buffer_size;
    provided = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (provided == MAP_FAILED) die("mmap");
    buffers = (char*)provided + ring_size;
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)provided, .ring_entries = buffer_count, .bgid = group};
    if (io_uring_register_buf_ring(&ring, &registration, 0) != 0) die("io_uring_register_buf_ring");
    io_uring_buf_ring_init(provided);
    for (unsigned id = 0; id < buffer_count; ++id) give_back(id);
}

int main(int argc, char** argv) {
    listener = listen_and_print_port(argc, argv);
    start_ring();
    arm_accept();
    for (;;) {
        int submitted = io_uring_submit_and_wait(&ring, 1);
        if (submitted < 0 && submitted != -EINTR) die("io_uring_submit_and_wait");
        unsigned head, seen = 0;
        struct io_uring_cqe* cqe;
        io_uring_for_each_cqe(&ring, head, cqe) {
            ++seen;
            uint64_t data = io_uring_cqe_get_data64(cqe);
            struct connection* connection = (struct connection*)(uintptr_t)(data & ~(uint64_t)tag_mask);
            switch ((enum tag)(data & tag_mask)) {
                case tag_accept: on_accept(cqe); break;
                case tag_receive: on_receive(connection, cqe); break;
                default: on_send(connection, cqe); break;
            }
        }
        io_uring_cq_advance(&ring, seen);
        send_dirty();
    }
}
