#include "task/shared_loop.hpp"

#include <algorithm>

namespace leat::detail {
namespace {

struct registry {
    std::mutex mutex;
    std::vector<std::shared_ptr<shared_loop>> loops;
};

/// Never destroyed: a thread's loop may outlive main.
registry& every_loop() {
    static auto* only = new registry;
    return *only;
}

}  // namespace

std::vector<std::shared_ptr<shared_loop>> live_loops() {
    auto& all = every_loop();
    std::lock_guard lock{all.mutex};
    return all.loops;
}

void enlist(const std::shared_ptr<shared_loop>& begun) {
    auto& all = every_loop();
    std::lock_guard lock{all.mutex};
    const auto gap = std::ranges::find_if(all.loops, [n = 0U](auto& known) mutable { return known->number != n++; });
    begun->number = static_cast<std::uint32_t>(gap - all.loops.begin());
    all.loops.insert(gap, begun);
}

void strike(const shared_loop& ended) noexcept {
    auto& all = every_loop();
    std::lock_guard lock{all.mutex};
    std::erase_if(all.loops, [&](auto& known) { return known.get() == &ended; });
}

void loop_set::join(std::size_t index, std::shared_ptr<shared_loop> member) {
    std::unique_lock lock{mutex_};
    loops_[index] = std::move(member);
    if (--missing_ == 0) changed_.notify_all();
    changed_.wait(lock, [&] { return missing_ == 0 || given_up_; });
    if (given_up_) throw abandoned{};
}

void loop_set::give_up() noexcept {
    std::lock_guard lock{mutex_};
    given_up_ = true;
    failed_ = true;
    unfinished_ = 0;
    changed_.notify_all();
    for (const auto& member : loops_)
        if (member) member->mail.wake();
}

void loop_set::task_ended(bool with_error) noexcept {
    if (with_error) failed_.store(true);
    const bool last = unfinished_.fetch_sub(1) == 1;
    if (!with_error && !last) return;
    for (const auto& member : loops_)
        if (member) member->mail.wake();
}

}  // namespace leat::detail
