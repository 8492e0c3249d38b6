#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <vector>

#include "engine/engine.hpp"
#include "engine/uring/buffer_ring.hpp"

#if defined(__SANITIZE_THREAD__)
#define LEAT_WATCHES_RACES
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define LEAT_WATCHES_RACES
#endif
#endif
#ifdef LEAT_WATCHES_RACES
#include <sanitizer/tsan_interface.h>
#endif

namespace leat::detail {
namespace {

/// liburing maps and unmaps a ring by system calls of its own, which ThreadSanitizer does not see: a ring at the place of one that another thread
/// has given back looks to it like the same memory. The kernel gives a place away only once it is unmapped; that is what it is told here.
#ifdef LEAT_WATCHES_RACES
char places;
void before_unmapping() noexcept { __tsan_release(&places); }
void after_mapping() noexcept { __tsan_acquire(&places); }
#else
void before_unmapping() noexcept {}
void after_mapping() noexcept {}
#endif

constexpr unsigned submission_entries = 512;
constexpr unsigned completion_entries = 4096;

// One enter a tick carries everything, and completions run only inside it: a third less CPU than interrupting the thread for each.
constexpr unsigned setup_flags =
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;

constexpr std::initializer_list<std::pair<int, const char*>> needed_opcodes = {
    {IORING_OP_RECV, "RECV"},         {IORING_OP_SEND, "SEND"},         {IORING_OP_ACCEPT, "ACCEPT"},
    {IORING_OP_CONNECT, "CONNECT"},   {IORING_OP_POLL_ADD, "POLL_ADD"}, {IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
    {IORING_OP_READ, "READ"},         {IORING_OP_WRITE, "WRITE"},       {IORING_OP_OPENAT, "OPENAT"},
    {IORING_OP_FSYNC, "FSYNC"},       {IORING_OP_SPLICE, "SPLICE"},     {IORING_OP_RENAMEAT, "RENAMEAT"},
    {IORING_OP_SENDMSG, "SENDMSG"},   {IORING_OP_RECVMSG, "RECVMSG"},   {IORING_OP_FALLOCATE, "FALLOCATE"},
    {IORING_OP_STATX, "STATX"},       {IORING_OP_UNLINKAT, "UNLINKAT"}, {IORING_OP_MKDIRAT, "MKDIRAT"},
    {IORING_OP_LINKAT, "LINKAT"},     {IORING_OP_SYMLINKAT, "SYMLINKAT"},
};

std::string reason(const char* call, int errno_value) {
    return std::string{call} + ": " + std::strerror(errno_value) + " (errno " + std::to_string(errno_value) + ")";
}

/// The first thing that is missing, or an empty string.
std::string missing_part(io_uring& ring) {
    std::unique_ptr<io_uring_probe, decltype(&::free)> probe{io_uring_get_probe_ring(&ring), &::free};
    if (!probe) return "the kernel cannot be asked for its opcodes";
    for (auto [opcode, name] : needed_opcodes)
        if (!io_uring_opcode_supported(probe.get(), opcode)) return std::string{"opcode "} + name + " is missing";
    return {};
}

}  // namespace

class uring_engine final : public engine {
public:
    static std::unique_ptr<engine> make(std::string& why_not) {
        auto made = std::unique_ptr<uring_engine>(new uring_engine);
        io_uring_params parameters{};
        parameters.flags = setup_flags;
        parameters.cq_entries = completion_entries;
        if (int failed = io_uring_queue_init_params(submission_entries, &made->ring_, &parameters); failed < 0) {
            // EINVAL: a kernel before 6.1, whose ways of running completions cost more than epoll.
            why_not = failed == -EINVAL ? "the kernel lacks DEFER_TASKRUN (Linux 6.1)" : reason("io_uring_setup", -failed);
            return nullptr;
        }
        after_mapping();
        made->open_ = true;
        why_not = missing_part(made->ring_);
        if (!why_not.empty()) return nullptr;
        if (int failed = made->buffers_.attach(made->ring_); failed < 0) {
            why_not = reason("io_uring buffer ring", -failed);
            return nullptr;
        }
        if (int failed = made->try_entering(); failed < 0) {
            why_not = reason("io_uring_enter", -failed);
            return nullptr;
        }
        io_uring_register_ring_fd(&made->ring_);  // saves a descriptor look-up an enter; not having it is no loss
        return made;
    }

    ~uring_engine() override {
        if (!open_) return;
        buffers_.detach(ring_);
        before_unmapping();
        io_uring_queue_exit(&ring_);
    }

    void submit(operation& op) override {
        op.in_flight_ = true;
        op.cancelling_ = false;
        io_uring_sqe& sqe = next_sqe();
        op.prepare(sqe);
        io_uring_sqe_set_data(&sqe, &op);
    }

    void cancel(operation& op) override {
        if (!op.in_flight_ || op.cancelling_) return;
        op.cancelling_ = true;
        io_uring_sqe& sqe = next_sqe();
        io_uring_prep_cancel(&sqe, &op, 0);
        io_uring_sqe_set_data(&sqe, nullptr);
    }

    void wait(duration timeout) override {
        if (timeout == duration::zero()) {
            if (io_uring_sq_ready(&ring_) != 0 || io_uring_cq_ready(&ring_) == 0) flush_and_peek();
        } else if (io_uring_cq_ready(&ring_) == 0) {
            io_uring_cqe* first = nullptr;
            if (timeout < duration::zero()) {
                io_uring_submit_and_wait(&ring_, 1);
            } else {
                __kernel_timespec limit{timeout.count() / 1'000'000'000, timeout.count() % 1'000'000'000};
                io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
            }
        } else {
            flush_and_peek();
        }
        deliver();
    }

    void close(int fd) noexcept override { ::close(fd); }
    void forget(int) noexcept override {}
    std::string_view name() const noexcept override { return "io_uring"; }
    bool runs_files() const noexcept override { return true; }

private:
    uring_engine() = default;

    /// A filter may let a ring be made and refuse its use. 0, or -errno.
    int try_entering() noexcept {
        io_uring_sqe* nothing = io_uring_get_sqe(&ring_);
        io_uring_prep_nop(nothing);
        io_uring_sqe_set_data(nothing, nullptr);
        if (int failed = io_uring_submit_and_wait(&ring_, 1); failed < 0) return failed;
        io_uring_cq_advance(&ring_, io_uring_cq_ready(&ring_));
        return 0;
    }

    io_uring_sqe& next_sqe() {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        while (!sqe) {  // the queue is full: let the kernel take it
            io_uring_submit(&ring_);
            sqe = io_uring_get_sqe(&ring_);
        }
        return *sqe;
    }

    void flush_and_peek() noexcept {
        // Entered only when there is something to send or the kernel has work that waits for us.
        bool work_waits = (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
        if (io_uring_sq_ready(&ring_) != 0 || work_waits) io_uring_submit_and_get_events(&ring_);
    }

    void deliver() {
        unsigned head;
        unsigned seen = 0;
        io_uring_cqe* cqe;
        io_uring_for_each_cqe(&ring_, head, cqe) {
            ++seen;
            auto* op = static_cast<operation*>(io_uring_cqe_get_data(cqe));
            if (op) deliver_one(*op, *cqe);
        }
        io_uring_cq_advance(&ring_, seen);
        buffers_.publish();
        for (operation* op : starved_) {
            if (op->cancelling_) {
                op->in_flight_ = false;
                op->complete({.result = -ECANCELED});
            } else {
                submit(*op);
            }
        }
        starved_.clear();
    }

    void deliver_one(operation& op, const io_uring_cqe& cqe) {
        completion done{.result = cqe.res, .more = (cqe.flags & IORING_CQE_F_MORE) != 0};
        if (cqe.res == -ENOBUFS && !done.more) {  // all buffers were lent out: on again once this round has returned them
            starved_.push_back(&op);
            return;
        }
        if (!done.more) op.in_flight_ = false;
        if (cqe.flags & IORING_CQE_F_BUFFER) {
            auto id = static_cast<unsigned short>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
            done.data = buffers_.data(id);
            op.complete(done);
            buffers_.give_back(id);
        } else {
            op.complete(done);
        }
    }

    io_uring ring_{};
    bool open_ = false;
    buffer_ring buffers_;
    std::vector<operation*> starved_;
};

std::unique_ptr<engine> make_uring_engine(std::string& why_not) { return uring_engine::make(why_not); }

}  // namespace leat::detail
