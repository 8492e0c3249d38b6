#include "task/error_trace.hpp"

#include <array>
#include <cstddef>
#include <source_location>
#include <utility>
#include <vector>

#include "debug/names.hpp"
#include "leat/task/detail/context.hpp"

namespace leat::detail {
namespace {

/// The places one exception passed. The frames are gone when it is reported, so they are noted on the way.
struct trace {
    std::exception_ptr error;
    std::vector<std::source_location> places;
};

// A few errors may be on their way at once, in tasks side by side. Kept by thread, and only until others take their place.
thread_local std::array<trace, 8> recent;
thread_local std::size_t next_slot = 0;

trace& trace_for(const std::exception_ptr& error) {
    for (trace& known : recent)
        if (known.error == error) return known;
    trace& fresh = recent[next_slot++ % recent.size()];
    fresh.error = error;
    fresh.places.clear();
    return fresh;
}

}  // namespace

void promise_base::fail() noexcept {
    error = std::current_exception();
    if (is_cancelled(error) || waits_at.line() == 0) return;
    try {
        trace_for(error).places.push_back(waits_at);
    } catch (...) {
        // No memory: the error itself goes on, without this place.
    }
}

std::string trace_of(const std::exception_ptr& error) {
    std::string text;
    for (const trace& known : recent) {
        if (known.error != error) continue;
        for (const auto& place : known.places) text.append("  in ").append(debug::place_of(place)).append("\n");
    }
    return text;
}

std::vector<std::source_location> take_trace(const std::exception_ptr& error) noexcept {
    if (error)
        for (trace& known : recent)
            if (known.error == error) {
                known.error = nullptr;
                return std::exchange(known.places, {});
            }
    return {};
}

void adopt_trace(const std::exception_ptr& error, std::vector<std::source_location> places) noexcept {
    if (error && !places.empty()) trace_for(error).places = std::move(places);
}

}  // namespace leat::detail
