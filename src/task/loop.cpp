#include "task/loop.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "debug/names.hpp"
#include "engine/operation/descriptor_read.hpp"
#include "leat/debug/tasks.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "task/caught_signals.hpp"

namespace leat::detail {
namespace {

/// In shared_loop::signals: not a signal, but the wish for the task tree.
constexpr std::uint64_t dump_tasks = 1;

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
        if (!last_ && done.result != -ECANCELED) owner_.submit(*this);
    }
    /// What was written before the cancellation may win over it.
    void end() noexcept {
        last_ = true;
        owner_.cancel(*this);
    }

private:
    loop& owner_;
    std::uint64_t count_ = 0;
    bool last_ = false;
};

resident::~resident() {
    if (listed_) loop::current().release(*this);
}

loop& loop::current() {
    if (!current_) throw std::logic_error("leat: used outside leat::run");
    return *current_;
}

loop::loop(const settings& chosen)
    : wake_fd_(make_eventfd()),
      shared_(std::make_shared<shared_loop>(wake_fd_.get(), chosen.set)),
      engine_(select_engine(chosen.first)),
      pool_(wake_fd_.get()),
      waker_(std::make_unique<wake_operation>(*this, wake_fd_.get())),
      catches_signals_(chosen.catches_signals),
      dumps_tasks_(chosen.dumps_tasks),
      slow_callback_(chosen.slow_callback),
      outer_(current_) {
    ready_.reserve(64);
    batch_.reserve(64);
    current_ = this;
    shared_->engine = engine_->name().data();
    try {
        enlist(shared_);
        submit(*waker_);
    } catch (...) {
        strike(*shared_);
        current_ = outer_;
        throw;
    }
    catches_signals_ = catches_signals_ && begin_looking(wake_fd_.get());
    if (!catches_signals_) return;
    ::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error of the write, not the end of the process
    take_signal(SIGINT);
    take_signal(SIGTERM);
    if (dumps_tasks_) take_signal(SIGUSR1);
}

loop::~loop() {
    if (catches_signals_) {
        give_signal(SIGINT);
        give_signal(SIGTERM);
        if (dumps_tasks_) give_signal(SIGUSR1);
        end_looking();
    }
    shared_->mail.close();
    shared_->mail.forget_wake_descriptor();
    strike(*shared_);
    waker_->end();
    while (waker_->in_flight()) engine_->wait(std::chrono::milliseconds(100));
    engine_->close(wake_fd_.release());
    current_ = outer_;
}

/// The loop that looks after the process's signals passes them on: those that end programs to the loops started with it, the others to all.
void loop::share_signals(std::uint64_t come) {
    constexpr std::uint64_t ending = bit_of(SIGINT) | bit_of(SIGTERM);
    std::uint64_t for_all = come & ~ending;
    if ((come & bit_of(SIGUSR1)) != 0 && dumps_tasks_) for_all |= dump_tasks;
    if (for_all != 0)
        for (const auto& each : live_loops()) each->raise(for_all);
    if ((come & ending) == 0) return;
    if (!shared_->set) return shared_->raise(come & ending);
    for (const auto& each : shared_->set->loops()) each->raise(come & ending);
}

void loop::deliver_signals() {
    const std::uint64_t bits = shared_->signals.exchange(0);
    if (bits & dump_tasks) debug::print_tasks();
    for (int signal = 1; signal < 64; ++signal) {
        if (!(bits & bit_of(signal))) continue;
        const bool dealt_with = tell_listeners(signal, true) || tell_listeners(signal, false);
        if (!dealt_with && (signal == SIGINT || signal == SIGTERM)) end_by(signal);
    }
}

bool loop::tell_listeners(int signal, bool claiming) noexcept {
    bool dealt_with = false;
    for (std::size_t i = 0; i < listeners_.size(); ++i)
        if (listeners_[i]->claims() == claiming) dealt_with |= listeners_[i]->on_signal(signal);
    return dealt_with;
}

void loop::end_by(int signal) noexcept {
    if (!root_) {
        cut_short_ = true;  // what is still closing gets no more time
        guests_.cancel_children();
        return;
    }
    if (ending_signal_ == 0) ending_signal_ = signal;
    root_->cancel();
}

void loop::listen(signal_listener& listener) { listeners_.push_back(&listener); }
void loop::unlisten(signal_listener& listener) noexcept { std::erase(listeners_, &listener); }

void loop::make_ready(context& strand) noexcept {
    if (strand.ready_slot != 0) return;
    try {
        ready_.push_back(&strand);
        strand.ready_slot = static_cast<std::uint32_t>(ready_.size());
    } catch (...) {  // who wakes a strand cannot be told: it is looked for, when its turn has come
        strand.ready_slot = without_place;
        crowded_ = true;
    }
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
            if (!*at) dirty_end_ = at;
            break;
        }
    writer.dirty_ = false;
}

void loop::flush_dirty() noexcept {
    while (dirty_) {
        flushable* writer = dirty_;
        dirty_ = writer->next_dirty_;
        if (!dirty_) dirty_end_ = &dirty_;
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

bool loop::resume(context& strand) noexcept {
    shared_->counters.resumes.add();
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
            return false;
        }
        frame = done->parent;
        strand.top = frame;  // the ended one goes with the expression that awaited it
    }
    running = before;
    return true;
}

void loop::run_ready() {
    batch_.swap(ready_);
    const bool watched = slow_callback_ > duration::zero() && !batch_.empty();
    time_point began = watched ? coarse_now() : time_point{};
    for (std::size_t i = 0; i < batch_.size(); ++i) {
        context* strand = batch_[i];
        if (!strand) continue;
        batch_[i] = nullptr;
        strand->ready_slot = 0;
        budget = inline_budget;
        const std::source_location from = strand->top->waits_at;
        const bool goes_on = resume(*strand);
        if (!watched) continue;
        const time_point ended = coarse_now();
        if (ended - began >= slow_callback_) [[unlikely]] report_held(ended - began, from, goes_on ? strand : nullptr);
        began = ended;
    }
    batch_.clear();
    if (crowded_) [[unlikely]] run_those_without_place();
}

/// The first strand below that is ready and has no place in the queue.
context* loop::next_without_place(context* above) noexcept {
    for (context* each = above->first_child; each; each = each->next) {
        if (each->ready_slot == without_place) return each;
        if (context* found = next_without_place(each)) return found;
    }
    return nullptr;
}

void loop::run_those_without_place() noexcept {
    crowded_ = false;
    const auto next = [this]() -> context* {
        if (root_ && root_->ready_slot == without_place) return root_;
        context* found = root_ ? next_without_place(root_) : nullptr;
        return found ? found : next_without_place(&guests_);
    };
    while (context* strand = next()) {
        strand->ready_slot = 0;
        budget = inline_budget;
        resume(*strand);
        if (crowded_) return;  // again without a place: the others' turn first
    }
}

/// Between two awaits a task has the thread to itself: the two lines say where to look.
void loop::report_held(duration held, std::source_location from, const context* strand) noexcept {
    shared_->counters.held_too_long.add();
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(held).count();
    try {
        const std::string begin = from.line() == 0 ? "its beginning" : debug::line_of(from);
        const std::string end = !strand || !strand->top || strand->top->waits_at.line() == 0 ? "its end" : debug::line_of(strand->top->waits_at);
        const std::string_view name = from.line() != 0 ? debug::function_only(from.function_name())
                                      : strand && strand->top ? debug::function_only(strand->top->waits_at.function_name())
                                                              : "a task";
        log::warn("the loop was held for {} ms: {} ran from {} to {} without giving way", milliseconds, name, begin, end);
    } catch (...) {  // no memory for the text
    }
}

void loop::turn() {
    run_ready();
    enter_kernel();
}

void loop::enter_kernel() {
    loop_counters& counts = shared_->counters;
    counts.turns.add();
    flush_dirty();
    engine_->deliver_known();
    duration timeout{-1};
    if (!ready_.empty() || crowded_ || shared_->mail.any()) {
        timeout = duration::zero();
    } else if (!timers_.empty()) {
        timeout = std::max(timers_.earliest() - clock_now(), duration::zero());
    }
    if (pool_.interrupting()) timeout = timeout < duration::zero() ? thread_pool::interrupt_every : std::min(timeout, thread_pool::interrupt_every);
    if (turn_began_ != time_point{}) counts.note_latency(clock_now() - std::exchange(turn_began_, time_point{}));
    engine_->wait(timeout);
    if (counts.turns.value() % loop_counters::sampled == 0) turn_began_ = clock_now();
    pool_.deliver();
    if (shared_->mail.any()) shared_->mail.deliver();
    if (catches_signals_)
        if (const std::uint64_t come = signals_come(); come != 0) share_signals(come);
    if (shared_->signals.load(std::memory_order_relaxed) != 0) deliver_signals();
    if (!timers_.empty()) timers_.fire(clock_now());
}

void loop::run_until(const bool& done) {
    for (;;) {
        run_ready();
        if (done) return;
        if (shared_->set && shared_->set->failed() && root_) root_->cancel();
        enter_kernel();
    }
}

void loop::part() {
    if (loop_set* set = shared_->set.get())
        while (!set->all_ended()) turn();
    while (guests_.first_child) {
        guests_.cancel_children();
        turn();
    }
    shared_->mail.close();
}

void loop::finish(duration linger) {
    while (!end_listeners_.empty()) {
        end_listener* last = end_listeners_.back();
        end_listeners_.pop_back();
        last->loop_ends();
    }
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
