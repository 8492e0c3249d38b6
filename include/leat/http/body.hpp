#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "leat/io/detail/input_stream.hpp"
#include "leat/task/task.hpp"

namespace leat {
class file;
class stream_writer;
}  // namespace leat

namespace leat::detail {

class http_exchange;

/// Waits for a server, and is told when that has taken too long.
class stall_listener {
public:
    /// `in_total`: the time for the whole request is over; else the server has merely been silent for too long.
    virtual void stalled(bool in_total) noexcept = 0;

protected:
    ~stall_listener() = default;
};

/// An awaited part of a response: its head, or the next piece of its body.
class message_read : protected read_operation, private stall_listener {
public:
    bool await_ready() noexcept;
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return begin(frame.promise(), at);
    }

protected:
    enum class part : std::uint8_t { head, piece };
    message_read(http_exchange& of, part wanted) noexcept;
    ~message_read();
    /// Null unless it failed. Throws `cancelled`.
    std::exception_ptr outcome();
    std::exception_ptr head_outcome();

    http_exchange& of_;

private:
    bool begin(promise_base& frame, std::source_location at);
    bool take_message() noexcept override;
    bool has_piece() const noexcept;
    bool take_decoded() noexcept;
    void give_back() noexcept override;
    void stalled(bool in_total) noexcept override;
    const char* describe() const noexcept override { return part_ == part::head ? "http response head" : "http body read"; }

    part part_;
    bool timed_ = false;
};

class body_read final : message_read {
public:
    explicit body_read(http_exchange& of) noexcept : message_read(of, part::piece) {}
    using message_read::await_ready;
    using message_read::await_suspend;
    std::optional<std::string_view> await_resume() {
        if (state_ == has_value) [[likely]] return view();
        if (auto failed = outcome()) std::rethrow_exception(failed);
        return std::nullopt;
    }
    result<std::optional<std::string_view>> finish() {
        if (state_ == has_value) return std::optional{view()};
        if (auto failed = outcome()) return failure{std::move(failed)};
        return std::optional<std::string_view>{};
    }
};

}  // namespace leat::detail

namespace leat::http {

/// The body of a response, read piece by piece as it arrives. Belongs to its response and dies with it.
class body {
public:
    /// Reads the next piece, as many bytes as are there.
    /// Completes when: a piece has arrived, or the body has ended. Overlap: one read at a time (std::logic_error).
    /// @return `optional<string_view>`, into the connection's buffer, valid until the next read on this body; nullopt at the end of a complete body. Reading
    /// again then answers nullopt.
    /// Errors: truncated_error if the connection ends before the body does; protocol_error; tls_error; leat::timeout_error after client_options::read_timeout
    /// without a byte, or when the time for the whole request is over. Each names the URL; after one every read fails with it.
    /// Cancellation: no byte is lost, call again. Threads: the loop's own. Allocates: never. Source: aiohttp StreamReader.readany.
    detail::body_read read() noexcept { return detail::body_read{*of_}; }

    /// Bytes of the body that have been read or copied so far.
    std::uint64_t received() const noexcept;
    /// The size that the server announced; nothing if only the end will tell. 0 where there is no body.
    std::optional<std::uint64_t> size() const noexcept;
    /// True once the whole body has been read.
    bool complete() const noexcept;

    /// For leat's own layers.
    detail::http_exchange& exchange() const noexcept { return *of_; }

private:
    friend class response;
    explicit body(detail::http_exchange& of) noexcept : of_(&of) {}
    detail::http_exchange* of_;
};

}  // namespace leat::http
