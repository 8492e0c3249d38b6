#include "leat/io/copy.hpp"

#include <algorithm>

#include "io/send_file.hpp"

namespace leat {
namespace {

constexpr std::uint64_t everything = ~std::uint64_t{0};

/// Through the buffers: one copy, from the buffer read into to the buffer written from.
template <class From, class To>
task<std::uint64_t> copy_through(From& from, To& to, std::uint64_t most) {
    std::uint64_t moved = 0;
    while (moved < most) {
        auto piece = co_await from.read(bytes{static_cast<std::size_t>(std::min<std::uint64_t>(most - moved, 64 * 1024))});
        if (!piece) break;
        co_await to.write(*piece);
        moved += piece->size();
    }
    co_return moved;
}

}  // namespace

task<std::uint64_t> copy(stream_reader& from, stream_writer& to) { return copy_through(from, to, everything); }
task<std::uint64_t> copy(stream_reader& from, file& to) { return copy_through(from, to, everything); }
task<std::uint64_t> copy(file& from, file& to) { return copy_through(from, to, everything); }

task<std::uint64_t> copy(file& from, stream_writer& to, std::uint64_t count) {
    std::uint64_t moved = 0;
    while (moved < count) {
        std::uint64_t now = 0;
        if (count - moved >= detail::worth_sending_whole) now = co_await detail::send_file(from, to, count - moved);
        // What is not in the page cache is read without blocking, a window at a time, and small files are cheaper this way.
        if (now == 0) now = co_await copy_through(from, to, std::min(count - moved, detail::window_of_a_read));
        if (now == 0) break;
        moved += now;
    }
    co_return moved;
}
task<std::uint64_t> copy(file& from, stream_writer& to) { return copy(from, to, everything); }

}  // namespace leat
