#pragma once
#include <cstddef>

namespace tool {

/// What can be drawn on. Asked anew for each drawing, since windows change their size.
struct screen {
    std::size_t columns = 80;
    std::size_t rows = 24;
    bool unicode = true;
};

/// Is it a terminal?
bool is_terminal(int fd) noexcept;
/// Is it one on which lines can be redrawn (not TERM=dumb)?
bool can_redraw(int fd) noexcept;
/// Its size from the kernel, else from COLUMNS and LINES, else 80 by 24; and whether the locale's text is UTF-8.
screen screen_of(int fd) noexcept;

}  // namespace tool
