#include "task/loop.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "engine/operation/descriptor_read.hpp"
#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

// One loop at a time takes the process's signals: the outermost that asked.
std::atomic<loop*> signal_loop{nullptr};
std::atomic<int> signal_descriptor{-1};
std::atomic<std::uint64_t> signal_bits{0};
constexpr std::array<int, 2> taken_signals{SIGINT, SIGTERM};
std::array<struct sigaction, 2> actions_before;  // the program's own come back

int make_eventfd() {
    int fd = ::eventfd(0, EFD_CLOEXEC);
    if (fd < 0) throw error(errno, "eventfd", "event loop");
    return fd;
}

}  // namespace

/// The standing read of the eventfd by which other threads and signal handlers end a wait.
class loop::wake_operation final : public descriptor_read {
public:
    wake_operation(loop& owner, int fd) : descriptor_read(fd, &count_, sizeof count_), owner_(owner) {}
    void complete(completion done) noexcept override {
        if (done.result == -ECANCELED || ending) return;
        owner_.submit(*this);
    }
    bool ending = false;  // a thread's last word may come in the place of the cancellation: then it is not begun again

private:
    loop& owner_;
    std::uint64_t count_ = 0;
};

resident::~resident() {
    if (listed_) loop::current().release(*this);
}

loop& loop::current() {
    if (!current_) throw std::logic_error("leat: used outside leat::run");
    return *current_;
}

loop::loop(bool catches_signals)
    : wake_fd_(make_eventfd()),
      engine_(select_engine()),
      pool_(wake_fd_.get()),
      waker_(std::make_unique<wake_operation>(*this, wake_fd_.get())),
      catches_signals_(catches_signals),
      outer_(current_) {
    ready_.reserve(64);
    batch_.reserve(64);
    current_ = this;
    try {
        submit(*waker_);
    } catch (...) {
        current_ = outer_;
        throw;
    }
    loop* none = nullptr;
    if (catches_signals_ && signal_loop.compare_exchange_strong(none, this)) {
        signal_bits = 0;
        signal_descriptor = wake_fd_.get();
        ::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error of the write, not the end of the process
        struct sigaction action {};
        action.sa_handler = &loop::on_signal;
        action.sa_flags = SA_RESTART;
        for (std::size_t i = 0; i < taken_signals.size(); ++i) ::sigaction(taken_signals[i], &action, &actions_before[i]);
    } else {
        catches_signals_ = false;
    }
}

loop::~loop() {
    if (catches_signals_) {
        for (std::size_t i = 0; i < taken_signals.size(); ++i) ::sigaction(taken_signals[i], &actions_before[i], nullptr);
        signal_descriptor = -1;
        signal_loop = nullptr;
    }
    waker_->ending = true;
    cancel(*waker_);
    while (waker_->in_flight()) engine_->wait(std::chrono::milliseconds(100));
    engine_->close(wake_fd_.release());
    current_ = outer_;
}

void loop::on_signal(int signal) {
    int saved = errno;
    signal_bits |= std::uint64_t{1} << signal;
    std::uint64_t one = 1;
    if (int fd = signal_descriptor; fd >= 0) [[maybe_unused]] auto n = ::write(fd, &one, sizeof one);
    errno = saved;
}

void loop::deliver_signals() {
    std::uint64_t bits = signal_bits.exchange(0);
    for (int signal = 1; bits >> signal != 0 && signal < 64; ++signal) {
        if (!(bits >> signal & 1)) continue;
        bool dealt_with = false;
        for (std::size_t i = 0; i < listeners_.size(); ++i) dealt_with |= listeners_[i]->on_signal(signal);
        if (dealt_with) continue;
        if (!root_) {
            cut_short_ = true;  // what is still closing gets no more time
            continue;
        }
        if (ending_signal_ == 0) ending_signal_ = signal;
        root_->cancel();
    }
}

void loop::listen(signal_listener& listener) { listeners_.push_back(&listener); }
void loop::unlisten(signal_listener& listener) noexcept { std::erase(listeners_, &listener); }

void loop::make_ready(context& strand) {
    if (strand.ready_slot != 0) return;
    ready_.push_back(&strand);
    strand.ready_slot = static_cast<std::uint32_t>(ready_.size());
}

void loop::take_from_ready(context& strand) noexcept {
    // The strand is in the queue that fills or in the batch that runs; slots of the two may coincide.
    std::size_t index = strand.ready_slot - 1;
    strand.ready_slot = 0;
    if (index < ready_.size() && ready_[index] == &strand)
        ready_[index] = nullptr;
    else if (index < batch_.size() && batch_[index] == &strand)
        batch_[index] = nullptr;
}

void loop::forget_dirty(flushable& writer) noexcept {
    if (!writer.dirty_) return;
    for (flushable** at = &dirty_; *at; at = &(*at)->next_dirty_)
        if (*at == &writer) {
            *at = writer.next_dirty_;
            break;
        }
    writer.dirty_ = false;
}

void loop::flush_dirty() noexcept {
    while (dirty_) {
        flushable* writer = dirty_;
        dirty_ = writer->next_dirty_;
        writer->dirty_ = false;
        writer->flush();
    }
}

void loop::adopt(resident& object) noexcept {
    object.listed_ = true;
    object.previous_ = nullptr;
    object.next_ = residents_;
    if (residents_) residents_->previous_ = &object;
    residents_ = &object;
}

void loop::release(resident& object) noexcept {
    if (!object.listed_) return;
    object.listed_ = false;
    (object.previous_ ? object.previous_->next_ : residents_) = object.next_;
    if (object.next_) object.next_->previous_ = object.previous_;
}

void loop::resume(context& strand) noexcept {
    promise_base* frame = strand.top;
    if (strand.leaf) {
        strand.leaf->context_ = nullptr;
        strand.leaf = nullptr;
    }
    context* before = std::exchange(running, &strand);
    for (;;) {
        ended = nullptr;
        frame->handle().resume();
        promise_base* done = std::exchange(ended, nullptr);
        if (!done) break;
        if (!done->parent) {
            running = before;
            strand.top = nullptr;
            strand.finished(strand);
            return;
        }
        frame = done->parent;
        strand.top = frame;  // the ended one goes with the expression that awaited it
    }
    running = before;
}

void loop::run_ready() {
    batch_.swap(ready_);
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        context* strand = batch_[i];
        if (!strand) continue;
        batch_[i] = nullptr;
        strand->ready_slot = 0;
        budget = inline_budget;
        resume(*strand);
    }
    batch_.clear();
}

void loop::turn() {
    run_ready();
    enter_kernel();
}

void loop::enter_kernel() {
    flush_dirty();
    engine_->deliver_known();
    duration timeout{-1};
    if (!ready_.empty()) {
        timeout = duration::zero();
    } else if (!timers_.empty()) {
        timeout = std::max(timers_.earliest() - clock_now(), duration::zero());
    }
    engine_->wait(timeout);
    pool_.deliver();
    if (signal_bits.load(std::memory_order_relaxed) != 0 && catches_signals_) deliver_signals();
    if (!timers_.empty()) timers_.fire(clock_now());
}

void loop::run_until(const bool& done) {
    for (;;) {
        run_ready();
        if (done) return;
        enter_kernel();
    }
}

void loop::finish(duration linger) {
    const time_point deadline = clock_now() + linger;
    struct alarm final : timer {
        void expired() noexcept override { rang = true; }
        bool rang = false;
    } limit;
    limit.arm_at(deadline);
    flush_dirty();
    while (residents_ && !limit.rang && !cut_short_) {
        run_ready();
        flush_dirty();
        engine_->deliver_known();  // which may have released the last of them: then there is nothing to wait for
        if (residents_) enter_kernel();
    }
    // Each object may take another turn or two to hear from the kernel; it is released when it has.
    while (residents_) {
        for (resident* object = residents_; object;) {
            resident* following = object->next_;
            object->abort();
            object = following;
        }
        limit.arm(std::chrono::milliseconds(5));  // the interruption of a call that was about to block may come too early: again
        if (residents_) turn();
    }
}

}  // namespace leat::detail
