#include "engine/pool/thread_pool.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>

namespace leat::detail {
namespace {

// Its only purpose is that a blocking call returns EINTR. SIGURG does nothing by default, so a stray one is harmless.
constexpr int interrupt_signal = SIGURG;

void install_interrupt() {
    struct sigaction current {};
    ::sigaction(interrupt_signal, nullptr, &current);
    if (current.sa_handler != SIG_DFL) return;
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(interrupt_signal, &action, nullptr);
}

}  // namespace

thread_pool::~thread_pool() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    arrived_.notify_all();
    auto running = [this] { return std::any_of(workers_.begin(), workers_.end(), [](auto& w) { return w.running != nullptr; }); };
    while (running()) {
        interrupt_again();
        ended_changed_.wait_for(lock, interrupt_every);
    }
    lock.unlock();
    for (worker& w : workers_) w.thread.join();
}

void thread_pool::submit(operation& op) {
    std::lock_guard lock(mutex_);
    for (auto* room : {&ended_, &delivering_})
        if (room->capacity() <= unfinished_) room->reserve(2 * unfinished_ + 8);
    queue_.push_back(&op);
    op.in_flight_ = true;
    ++unfinished_;
    op.cancelling_ = false;
    if (idle_ < queue_.size() && workers_.size() < most_threads) {
        if (workers_.empty()) install_interrupt();
        // Signals belong to the thread that runs the loop, but for the one that interrupts.
        sigset_t all, before;
        ::sigfillset(&all);
        ::sigdelset(&all, interrupt_signal);
        ::pthread_sigmask(SIG_BLOCK, &all, &before);
        const std::size_t count = workers_.size();
        try {
            worker& added = workers_.emplace_back();
            added.thread = std::thread([this, &added] { work(added); });
        } catch (...) {  // no more threads to be had, or no memory: those that run have to do
            if (workers_.size() > count) workers_.pop_back();
            if (workers_.empty()) {
                queue_.pop_back();
                ended_.push_back({&op, {.result = -EAGAIN}});
                wake_loop();
            }
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    } else {
        arrived_.notify_one();
    }
}

void thread_pool::cancel(operation& op) {
    std::lock_guard lock(mutex_);
    if (auto at = std::find(queue_.begin(), queue_.end(), &op); at != queue_.end()) {
        op.cancelling_ = true;
        queue_.erase(at);
        ended_.push_back({&op, {.result = -ECANCELED}});
        wake_loop();
        return;
    }
    for (worker& w : workers_) {
        if (w.running != &op || op.cancelling_) continue;
        op.cancelling_ = true;
        if (op.how_ != operation::waits_for::file) continue;
        interrupting_ = true;
        ::pthread_kill(w.thread.native_handle(), interrupt_signal);
    }
}

/// A signal may have come just before its call began to block. True if such a call still runs.
bool thread_pool::interrupt_again() {
    bool runs = false;
    for (worker& w : workers_) {
        if (!w.running || !w.running->cancelling_ || w.running->how_ != operation::waits_for::file) continue;
        ::pthread_kill(w.thread.native_handle(), interrupt_signal);
        runs = true;
    }
    return runs;
}

void thread_pool::wake_loop() noexcept {
    std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake_, &one, sizeof one);
}

void thread_pool::deliver() {
    if (unfinished_ == 0) return;
    {
        std::lock_guard lock(mutex_);
        delivering_.swap(ended_);
        if (interrupting_) interrupting_ = interrupt_again();
    }
    for (std::size_t i = 0; i < delivering_.size(); ++i) {  // by index: what is submitted meanwhile may make room
        const auto [op, done] = delivering_[i];
        --unfinished_;
        op->in_flight_ = false;
        op->complete(done);
    }
    delivering_.clear();
}

void thread_pool::wait_for(operation& op) {
    std::unique_lock lock(mutex_);
    if (auto at = std::find(queue_.begin(), queue_.end(), &op); at != queue_.end()) {
        queue_.erase(at);
    } else {
        auto has_ended = [&] { return std::any_of(ended_.begin(), ended_.end(), [&](auto& e) { return e.op == &op; }); };
        ended_changed_.wait(lock, has_ended);
        std::erase_if(ended_, [&](auto& e) { return e.op == &op; });
    }
    op.in_flight_ = false;
    --unfinished_;
}

void thread_pool::work(worker& self) {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;
        operation& op = *queue_.front();
        queue_.pop_front();
        self.running = &op;
        completion done;
        do {
            lock.unlock();
            done = op.attempt({});
            lock.lock();
        } while (done.result == -EINTR && !op.cancelling_);
        if (done.result == -EINTR) done.result = -ECANCELED;
        self.running = nullptr;
        ended_.push_back({&op, done});
        ended_changed_.notify_all();
        wake_loop();
    }
}

}  // namespace leat::detail
