#include "task/caught_signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <string>

#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

std::atomic<bool> looked_after{false};
std::atomic<int> descriptor{-1};
std::atomic<std::uint64_t> come{0};

struct taken {
    int times = 0;
    struct sigaction before {};
};
std::mutex mutex;
std::array<taken, 64> every;  // by number

void on_signal(int signal) {
    const int saved = errno;
    come |= bit_of(signal);
    const std::uint64_t one = 1;
    if (const int fd = descriptor; fd >= 0) [[maybe_unused]] const auto n = ::write(fd, &one, sizeof one);
    errno = saved;
}

}  // namespace

void take_signal(int signal) {
    if (!looked_after) throw std::logic_error("signals: no loop of this process handles them (run_options::handle_signals)");
    const std::string name = "number " + std::to_string(signal);
    if (signal < 1 || signal >= static_cast<int>(every.size())) throw error(EINVAL, "catch signal", name);
    std::lock_guard lock{mutex};
    taken& one = every[static_cast<std::size_t>(signal)];
    if (one.times == 0) {
        struct sigaction action {};
        action.sa_handler = &on_signal;
        action.sa_flags = SA_RESTART;
        if (::sigaction(signal, &action, &one.before) != 0) throw error(errno, "catch signal", name);
    }
    ++one.times;
}

void give_signal(int signal) noexcept {
    std::lock_guard lock{mutex};
    taken& one = every[static_cast<std::size_t>(signal)];
    if (--one.times == 0) ::sigaction(signal, &one.before, nullptr);
}

bool begin_looking(int wake_descriptor) noexcept {
    if (looked_after.exchange(true)) return false;
    come = 0;
    descriptor = wake_descriptor;
    return true;
}

void end_looking() noexcept {
    descriptor = -1;
    looked_after = false;
}

std::uint64_t signals_come() noexcept { return come.load(std::memory_order_relaxed) == 0 ? 0 : come.exchange(0); }

}  // namespace leat::detail
