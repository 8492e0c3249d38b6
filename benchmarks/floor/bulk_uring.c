// Floor: bytes received and dropped on io_uring, one single-shot recv into a 64 KB buffer at a time.
#define _GNU_SOURCE
#include "listen.h"

#include <errno.h>
#include <liburing.h>
#include <unistd.h>

enum { accepting = -1 };

static char buffer[64 * 1024];
static struct io_uring ring;

static void submit(int listener, int fd) {
    struct io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) die("io_uring_get_sqe");
    if (fd == accepting) {
        io_uring_prep_accept(sqe, listener, NULL, NULL, SOCK_CLOEXEC);
    } else {
        io_uring_prep_recv(sqe, fd, buffer, sizeof buffer, 0);
    }
    io_uring_sqe_set_data64(sqe, (__u64)(unsigned)fd);
}

int main(int argc, char** argv) {
    int listener = listen_and_print_port(argc, argv);
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    if (io_uring_queue_init_params(256, &ring, &params) != 0) die("io_uring_queue_init_params");
    submit(listener, accepting);
    for (;;) {
        int submitted = io_uring_submit_and_wait(&ring, 1);
        if (submitted < 0 && submitted != -EINTR) die("io_uring_submit_and_wait");
        for (struct io_uring_cqe* cqe; io_uring_peek_cqe(&ring, &cqe) == 0;) {
            int fd = (int)io_uring_cqe_get_data64(cqe), result = cqe->res;
            io_uring_cqe_seen(&ring, cqe);
            if (fd == accepting) {
                submit(listener, accepting);
                if (result >= 0) submit(listener, result);
            } else if (result > 0) {
                submit(listener, fd);
            } else {
                close(fd);
            }
        }
    }
}
