#include "terminal/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace tool {
namespace {

std::string_view environment(const char* name) noexcept {
    const char* value = std::getenv(name);
    return value ? std::string_view{value} : std::string_view{};
}

std::size_t number_in(const char* name, std::size_t otherwise) noexcept {
    const auto text = environment(name);
    std::size_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    return ec == std::errc{} && end == text.data() + text.size() && value > 0 && value < 10'000 ? value : otherwise;
}

bool locale_is_utf8() noexcept {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const auto value = environment(name);
        if (value.empty()) continue;
        for (std::string_view spelling : {"UTF-8", "utf-8", "utf8", "UTF8"})
            if (value.find(spelling) != std::string_view::npos) return true;
        return false;
    }
    return false;
}

}  // namespace

bool is_terminal(int fd) noexcept { return ::isatty(fd) == 1; }

bool can_redraw(int fd) noexcept { return is_terminal(fd) && environment("TERM") != "dumb"; }

screen screen_of(int fd) noexcept {
    screen found{.columns = 0, .rows = 0, .unicode = locale_is_utf8()};
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0) {
        found.columns = size.ws_col;
        found.rows = size.ws_row;
    }
    // A serial line has no size that the kernel knows of.
    if (found.columns == 0) found.columns = number_in("COLUMNS", 80);
    if (found.rows == 0) found.rows = number_in("LINES", 24);
    return found;
}

}  // namespace tool
