#include <liburing.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>

#include "fault/points.hpp"

// Operations of io_uring. What is to fail becomes a NOP on its way in, and gets its errno on its way out; what stands (an accept, a receive) may fail at
// whatever it delivers, and what it would have delivered after that is swallowed. For that, each submission carries a number of its own.

namespace leat::fault {
namespace {

struct running {
    __u64 operation = 0;
    __u8 opcode = 0;
    bool stands = false;
    bool swallowed = false;
    int error = 0;
};

std::mutex mutex;  // loops may be of several threads
std::map<__u64, running> submitted;   // by number
std::map<__u64, __u64> latest;        // the number of an operation
__u64 next_number = 1;
struct progress {
    unsigned sent = 0;
    unsigned seen = 0;
};
std::map<io_uring*, progress> rings;

std::span<const int> ways_of(__u8 opcode) {
    static constexpr int accepting[] = {EMFILE, ENFILE, ENOMEM, ECONNABORTED, EPERM};
    static constexpr int connecting[] = {ECONNREFUSED, ETIMEDOUT, ENETUNREACH};
    static constexpr int sending[] = {EPIPE, ECONNRESET, ENOBUFS, ENOMEM, short_transfer};
    static constexpr int receiving[] = {ECONNRESET, ETIMEDOUT, ENOMEM, short_transfer};
    static constexpr int opening[] = {EACCES, EMFILE, ENOENT, ENOSPC};
    static constexpr int reading[] = {EIO, EAGAIN, short_transfer};
    static constexpr int writing[] = {ENOSPC, EIO, EDQUOT, short_transfer};
    static constexpr int syncing[] = {EIO, ENOSPC};
    static constexpr int closing[] = {EIO, EINTR};
    static constexpr int naming[] = {EACCES, EIO, ENOENT, ENOSPC};
    static constexpr int polling[] = {ENOMEM};
    switch (opcode) {
        case IORING_OP_ACCEPT: return accepting;
        case IORING_OP_CONNECT: return connecting;
        case IORING_OP_SEND: return sending;
        case IORING_OP_RECV: return receiving;
        case IORING_OP_OPENAT: return opening;
        case IORING_OP_READ: return reading;
        case IORING_OP_WRITE: return writing;
        case IORING_OP_FSYNC: return syncing;
        case IORING_OP_CLOSE: return closing;
        case IORING_OP_POLL_ADD: return polling;
        case IORING_OP_STATX:
        case IORING_OP_RENAMEAT:
        case IORING_OP_UNLINKAT:
        case IORING_OP_MKDIRAT: return naming;
        default: return {};
    }
}

const char* name_of(__u8 opcode) {
    switch (opcode) {
        case IORING_OP_ACCEPT: return "io_uring accept";
        case IORING_OP_CONNECT: return "io_uring connect";
        case IORING_OP_SEND: return "io_uring send";
        case IORING_OP_RECV: return "io_uring recv";
        case IORING_OP_OPENAT: return "io_uring openat";
        case IORING_OP_READ: return "io_uring read";
        case IORING_OP_WRITE: return "io_uring write";
        case IORING_OP_FSYNC: return "io_uring fsync";
        case IORING_OP_CLOSE: return "io_uring close";
        case IORING_OP_POLL_ADD: return "io_uring poll";
        default: return "io_uring operation";
    }
}

void look_at_submissions(io_uring* ring) {
    std::lock_guard lock(mutex);
    uncounted ours;  // the maps allocate
    auto& [sent, seen] = rings[ring];
    for (; sent != ring->sq.sqe_tail; ++sent) {
        io_uring_sqe& sqe = ring->sq.sqes[sent & ring->sq.ring_mask];
        if (sqe.opcode == IORING_OP_ASYNC_CANCEL) {
            if (auto known = latest.find(sqe.addr); known != latest.end()) sqe.addr = known->second;
            continue;
        }
        if (sqe.user_data == 0) continue;
        running now{sqe.user_data, sqe.opcode, false, false, 0};
        now.stands = (sqe.opcode == IORING_OP_ACCEPT && (sqe.ioprio & IORING_ACCEPT_MULTISHOT)) || (sqe.opcode == IORING_OP_RECV && (sqe.ioprio & IORING_RECV_MULTISHOT));
        const __u64 number = next_number++;
        // The loop reads its own eventfd by eight bytes, which cannot fail.
        const bool own = sqe.opcode == IORING_OP_READ && sqe.len == 8;
        const int way = own ? 0 : point(name_of(sqe.opcode), ways_of(sqe.opcode));
        if (way == short_transfer) {
            if (!now.stands && sqe.len > 1) {
                sqe.len = 1;
                sqe.msg_flags = sqe.opcode == IORING_OP_SEND ? sqe.msg_flags & ~static_cast<__u32>(MSG_WAITALL) : sqe.msg_flags;
            }
        } else if (way != 0) {
            now.error = way;
            if (way == EPIPE || way == ECONNRESET || way == ETIMEDOUT) ::syscall(SYS_shutdown, sqe.fd, SHUT_RDWR);  // it is true from then on
            now.stands = false;
            if (sqe.opcode != IORING_OP_CLOSE) {
                io_uring_prep_nop(&sqe);
                sqe.flags = 0;
            }
        }
        latest[now.operation] = number;
        submitted[number] = now;
        sqe.user_data = number;
    }
}

void look_at_completions(io_uring* ring) {
    std::lock_guard lock(mutex);
    uncounted ours;
    auto& [sent, seen] = rings[ring];
    const unsigned tail = io_uring_smp_load_acquire(ring->cq.ktail);
    for (; seen != tail; ++seen) {
        io_uring_cqe& cqe = ring->cq.cqes[seen & ring->cq.ring_mask];
        auto known = submitted.find(cqe.user_data);
        if (cqe.user_data == 0 || known == submitted.end()) continue;
        running& op = known->second;
        const bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
        if (op.swallowed) {
            if (op.opcode == IORING_OP_ACCEPT && cqe.res >= 0) ::syscall(SYS_close, cqe.res);
            cqe.user_data = 0;
        } else {
            cqe.user_data = op.operation;
            if (op.error != 0) cqe.res = -op.error, cqe.flags = 0;
            if (op.stands && cqe.res >= 0) {
                static constexpr int accepted[] = {EMFILE, ENFILE, ECONNABORTED};
                static constexpr int received[] = {ECONNRESET, ETIMEDOUT};
                const bool accepts = op.opcode == IORING_OP_ACCEPT;
                const int way = accepts ? point("io_uring accept, later", accepted) : point("io_uring recv, later", received);
                if (way != 0) {
                    if (accepts) ::syscall(SYS_close, cqe.res);
                    cqe.res = -way;
                    cqe.flags &= ~static_cast<__u32>(IORING_CQE_F_MORE);
                    op.swallowed = more;
                    if (more) {
                        io_uring_sqe* stop = io_uring_get_sqe(ring);
                        io_uring_prep_rw(IORING_OP_ASYNC_CANCEL, stop, -1, nullptr, 0, 0);
                        stop->addr = known->first;
                        io_uring_sqe_set_data(stop, nullptr);
                        sent = ring->sq.sqe_tail;
                    }
                }
            }
        }
        if (!more) {
            if (auto last = latest.find(op.operation); last != latest.end() && last->second == known->first) latest.erase(last);
            submitted.erase(known);
        }
    }
}

/// Entering the kernel may itself fail; then nothing is submitted.
int entering() {
    static constexpr int ways[] = {EINTR, EAGAIN};
    return point("io_uring_enter", ways);
}

}  // namespace
}  // namespace leat::fault

#define LEAT_FAULT_ENTER(name, parameters, arguments)          \
    extern "C" int __real_##name parameters;                   \
    extern "C" int __wrap_##name parameters {                  \
        if (const int way = leat::fault::entering(); way != 0) return -way; \
        leat::fault::look_at_submissions(ring);                \
        const int result = __real_##name arguments;            \
        leat::fault::look_at_completions(ring);                \
        return result;                                         \
    }
LEAT_FAULT_ENTER(io_uring_submit, (io_uring* ring), (ring))
LEAT_FAULT_ENTER(io_uring_submit_and_wait, (io_uring* ring, unsigned least), (ring, least))
LEAT_FAULT_ENTER(io_uring_submit_and_get_events, (io_uring* ring), (ring))
LEAT_FAULT_ENTER(io_uring_submit_and_wait_timeout, (io_uring* ring, io_uring_cqe** first, unsigned least, __kernel_timespec* limit, sigset_t* mask), (ring, first, least, limit, mask))

extern "C" void __real_io_uring_queue_exit(io_uring* ring);
extern "C" void __wrap_io_uring_queue_exit(io_uring* ring) {
    {
        std::lock_guard lock(leat::fault::mutex);
        leat::fault::rings.erase(ring);
    }
    __real_io_uring_queue_exit(ring);
}
