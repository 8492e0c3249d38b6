#pragma once
#include <concepts>
#include <cstddef>
#include <string_view>
#include <utility>

#include "leat/io/bytes.hpp"
#include "leat/io/detail/transport.hpp"

namespace leat {

/// The receiving side of a connection (asyncio.StreamReader).
///
/// What a read returns is a view, valid until the next read on this reader, whatever arrives meanwhile. At most one read at a time:
/// a second is a std::logic_error. Reads lose no byte when they are cancelled: what has arrived stays for the next one. While nobody
/// reads, at most the limit and what was already on its way is kept; then the peer has to wait.
/// Errors of each read: `leat::error` with the peer's address when the connection breaks; it comes after the bytes that arrived before.
/// Threads: the loop's own. Allocates: buffers from a pool of the loop, none while the connection is idle.
class stream_reader {
public:
    stream_reader() = default;
    /// For leat's own layers.
    explicit stream_reader(detail::transport& of) noexcept : of_(&of) {}
    stream_reader(stream_reader&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    stream_reader& operator=(stream_reader&& other) noexcept {
        if (this != &other) {
            drop();
            of_ = std::exchange(other.of_, nullptr);
        }
        return *this;
    }
    ~stream_reader() { drop(); }

    /// Reads what is there, at most `most` bytes; waits only if nothing is.
    /// Completes when: there is a byte, or the end. @return `optional<string_view>`; nullopt at the end of the stream.
    /// Errors: as above. Cancellation: nothing is lost, call again. Source: asyncio StreamReader.read(n).
    detail::some_read read(bytes most = {static_cast<std::size_t>(-1)}) noexcept { return {*of_, most.count}; }

    /// Reads a line, its '\n' kept; the last one may lack it.
    /// Completes when: a whole line is there, or the end. @return `optional<string_view>`; nullopt at the end of the stream.
    /// Errors: `limit_error` if no '\n' comes within the limit (default: the reader's, 64 KiB); the bytes stay, so that one may read on with a larger
    /// limit or take the piece with `read()`. Cancellation: nothing is lost, call again. Source: asyncio StreamReader.readline.
    detail::line_read read_line() noexcept { return {*of_, of_->limit}; }
    /// The same with a limit of this call's own.
    detail::line_read read_line(bytes limit) noexcept { return {*of_, limit.count}; }

    /// Reads up to and including a separator; of several, the one whose match ends first. The separators must live until the await returns.
    /// Completes when: a separator is there, or the end. @return `optional<string_view>` with the separator; nullopt if the stream ends before the first byte.
    /// Errors: `incomplete_read` if it ends later, `limit_error` as for read_line; the bytes stay in the reader in both cases.
    /// Cancellation: nothing is lost, call again. Source: asyncio StreamReader.readuntil.
    template <class... Separator>
        requires(sizeof...(Separator) > 0 && (std::convertible_to<const Separator&, std::string_view> && ...))
    detail::until_read<sizeof...(Separator)> read_until(const Separator&... separators) noexcept {
        return {*of_, of_->limit, separators...};
    }
    /// The same with a limit of this call's own, on what comes before and with the separator.
    template <class... Separator>
        requires(sizeof...(Separator) > 0 && (std::convertible_to<const Separator&, std::string_view> && ...))
    detail::until_read<sizeof...(Separator)> read_until(bytes limit, const Separator&... separators) noexcept {
        return {*of_, limit.count, separators...};
    }

    /// Reads exactly `count` bytes (at most 1 GiB, in one piece).
    /// Completes when: they are there, or the end. @return `string_view`. Errors: `incomplete_read` if the stream ends before; the bytes that came stay in the reader.
    /// Cancellation: nothing is lost, call again. Source: asyncio StreamReader.readexactly.
    detail::exact_read read_exactly(std::size_t count) noexcept { return {*of_, count}; }

    /// Is the end reached and everything read? Never waits.
    bool at_eof() const noexcept { return of_->input_at_end && of_->input.empty(); }
    /// What `read` would return now; valid as a read's view.
    std::string_view buffered() const noexcept { return of_->input.unread(); }
    /// The longest line, and how much is kept while nobody reads. Default 64 KiB.
    bytes limit() const noexcept { return {of_->limit}; }
    /// Changes that from the next read on.
    void set_limit(bytes limit) noexcept { of_->limit = detail::input_stream::as_limit(limit.count); }

    /// Is it a connection's? Not when it was moved from, or made without one.
    explicit operator bool() const noexcept { return of_ != nullptr; }
    /// For leat's own layers.
    detail::transport* transport() const noexcept { return of_; }

private:
    void drop() noexcept {
        if (of_) std::exchange(of_, nullptr)->reader_dropped();
    }
    detail::transport* of_ = nullptr;
};

}  // namespace leat
