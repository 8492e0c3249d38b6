#include "leat/log/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <iterator>

#include "log/escape.hpp"
#include "log/queue.hpp"
#include "log/sinks.hpp"

namespace leat::log {
namespace {

constexpr std::size_t longest_message = 16 << 10;

constexpr std::array<std::string_view, 7> names{"trace", "debug", "info", "warn", "error", "critical", "off"};

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The threshold where the program does not choose one.
level environment_level() noexcept {
    const char* name = std::getenv("LEAT_LOG");
    if (!name || !*name) return level::info;
    const auto known = parse_level(name);
    if (!known) warn("LEAT_LOG={} is not a level (trace, debug, info, warn, error, critical, off)", name);
    return known.value_or(level::info);
}

/// Before main, so that enabled() is one load and needs not ask whether anybody has looked yet.
[[maybe_unused]] const bool environment_was_read = (set_level(environment_level()), true);

}  // namespace

void setup(const options& chosen) {
    settings kept{chosen};
    if (!kept.file.empty()) check_writable(kept.file);
    queue::instance().configure(std::move(kept));
    set_level(chosen.level ? *chosen.level : environment_level());
}

std::optional<level> parse_level(std::string_view name) noexcept {
    const auto same = [&](std::string_view known) { return std::ranges::equal(name, known, {}, lower); };
    if (same("warning")) return level::warn;
    const auto found = std::ranges::find_if(names, same);
    if (found == names.end()) return std::nullopt;
    return static_cast<level>(found - names.begin());
}

std::string_view to_string(level of) noexcept { return names[static_cast<std::size_t>(of)]; }

bool flush(std::chrono::milliseconds wait) noexcept { return queue::instance().flush(wait); }

std::uint64_t dropped() noexcept { return queue::instance().dropped(); }

void detail::write(level at, fmt::string_view text, fmt::format_args values) noexcept {
    try {
        fmt::memory_buffer line;
        try {
            fmt::vformat_to(std::back_inserter(line), text, values);
        } catch (const std::exception& error) {
            line.clear();
            fmt::format_to(std::back_inserter(line), "a message could not be formatted: {} (\"{}\")", error.what(), text);
        }
        if (line.size() > longest_message) {
            const auto kept = cut({line.data(), line.size()}, longest_message).size();
            const auto left_out = line.size() - kept;
            line.resize(kept);
            fmt::format_to(std::back_inserter(line), "… ({} bytes more)", left_out);
        }
        queue::instance().append(at, {line.data(), line.size()});
    } catch (...) {  // no memory, or a formatter that throws what is no exception
        queue::instance().count_dropped();
    }
}

}  // namespace leat::log
