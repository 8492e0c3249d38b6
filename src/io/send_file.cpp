#include "io/send_file.hpp"

#include <algorithm>
#include <cerrno>

#include "engine/file_calls.hpp"
#include "engine/operation/poll.hpp"
#include "fs/file_core.hpp"
#include "leat/task/sleep.hpp"
#include "net/tcp_stream.hpp"
#include "task/operation_awaiter.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t piece = 256 * 1024;                    // of which the cache is asked each time
constexpr std::uint64_t let_others_run = 4 * 1024 * 1024;  // bytes without a wait

struct writable_poll : poll_operation {
    explicit writable_poll(int fd) noexcept : poll_operation(fd, direction::out) {}
    void unclaimed(int) noexcept {}
};

/// Is the page cache likely to hold this? Its last byte is asked for: read-ahead fills from the front.
bool is_cached(int file, std::int64_t offset, std::size_t size) noexcept {
    char byte;
    return read_cached(file, &byte, 1, offset + static_cast<std::int64_t>(size) - 1) == 1;
}

}  // namespace

task<std::uint64_t> send_file(file& from, stream_writer& to, std::uint64_t most) {
    auto* stream = dynamic_cast<tcp_stream*>(to.transport());
    file_core* source = from.core();
    if (!stream || stream->layered() || !source || !source->open() || !source->known().direct) co_return 0;
    co_await from.flush();
    source->rewind_reader();
    const std::int64_t size = size_of(source->descriptor());
    std::uint64_t sent = 0;
    std::uint64_t since_wait = 0;
    while (sent < most) {
        const std::int64_t at = source->position();
        if (at >= size) break;
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>({most - sent, piece, static_cast<std::uint64_t>(size - at)}));
        if (!is_cached(source->descriptor(), at, wanted)) break;
        if (to.buffered() != 0) co_await transport_waiter(*stream, transport_waiter::event::all_sent);
        if (stream->closed()) throw error(EPIPE, "write after close", stream->subject());
        const long n = send_directly(stream->descriptor(), source->descriptor(), at, wanted);
        if (n == -EAGAIN) {
            since_wait = 0;
            auto* poll = new held_operation<writable_poll>(stream->descriptor());
            co_await operation_awaiter<writable_poll>("send file", poll);
            continue;
        }
        if (n < 0) throw error(static_cast<int>(-n), "write", stream->subject());
        if (n == 0) break;
        source->advance(n);
        sent += static_cast<std::uint64_t>(n);
        since_wait += static_cast<std::uint64_t>(n);
        if (since_wait >= let_others_run) {
            since_wait = 0;
            co_await yield();
        }
    }
    co_return sent;
}

}  // namespace leat::detail
