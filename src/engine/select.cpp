#include <cstdlib>
#include <ctime>
#include <stdexcept>

#include "engine/engine.hpp"
#include "leat/log/log.hpp"

namespace leat::detail {

std::unique_ptr<engine> select_engine(bool announce) {
    const log::level told_at = announce ? log::level::info : log::level::debug;
    const char* asked = std::getenv("LEAT_ENGINE");
    const std::string_view choice = asked ? asked : "";
    if (choice == "epoll") {
        log::message(told_at, "engine: epoll (LEAT_ENGINE=epoll)");
        return make_epoll_engine();
    }
    if (!choice.empty() && choice != "uring" && choice != "auto")
        throw std::invalid_argument("LEAT_ENGINE=" + std::string{choice} + ": expected uring, epoll or auto");
    std::string why_not;
    if (auto made = make_uring_engine(why_not)) {
        log::message(told_at, "engine: io_uring ({})", choice == "uring" ? "LEAT_ENGINE=uring" : "every operation it needs is there");
        return made;
    }
    // Asked for by name and refused is worth a warning; the fallback by itself is everyday life in a container.
    if (choice == "uring")
        log::message(announce ? log::level::warn : told_at, "engine: epoll, though LEAT_ENGINE=uring: {}", why_not);
    else
        log::message(told_at, "engine: epoll, since io_uring is not available: {}", why_not);
    return make_epoll_engine();
}

namespace {

time_point read_clock(clockid_t clock) noexcept {
    timespec now;
    ::clock_gettime(clock, &now);
    return time_point{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
}

}  // namespace

time_point clock_now() noexcept { return read_clock(CLOCK_MONOTONIC); }
time_point coarse_now() noexcept { return read_clock(CLOCK_MONOTONIC_COARSE); }

}  // namespace leat::detail
