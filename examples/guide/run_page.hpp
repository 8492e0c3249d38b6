#pragma once
#include <leat/leat.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// What the pages need to run by themselves: somebody to talk to, an end for what goes on for ever, and a way to look at the outcome.
namespace guide {

inline void expect(bool true_here, std::string_view what) {
    if (!true_here) throw std::runtime_error("the page does not do what it says: " + std::string{what});
}

inline leat::task<> echo(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

/// For what never ends by itself: it has some turns, and is cancelled.
inline leat::task<> stopped_after_some_turns(leat::task<> endless) {
    leat::task_group group;
    group.spawn(std::move(endless));
    for (int i = 0; i < 50; ++i) co_await leat::yield();
    group.cancel();
    co_await group.join();
}

}  // namespace guide
