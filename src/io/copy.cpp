#include "leat/io/copy.hpp"

#include <algorithm>

#include "fs/file_core.hpp"
#include "net/tcp_stream.hpp"

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
task<std::uint64_t> copy(file& from, stream_writer& to) { return copy_through(from, to, everything); }
task<std::uint64_t> copy(file& from, stream_writer& to, std::uint64_t count) { return copy_through(from, to, count); }

}  // namespace leat
