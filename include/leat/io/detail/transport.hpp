#pragma once
#include "leat/io/detail/input_stream.hpp"
#include "leat/io/detail/output_stream.hpp"
#include "leat/io/duration.hpp"
#include "leat/net/address.hpp"

namespace leat::detail {

class transport_waiter;

/// Both halves of a connection. Owns its buffers and its operations in flight, and lives until the last of them has completed;
/// a reader and a writer refer to it, and when both are gone it closes in order and ends itself.
class transport : public input_stream, public output_stream {
public:
    virtual void reader_dropped() noexcept = 0;
    virtual void writer_dropped() noexcept = 0;
    /// Sends what is buffered, then the end of the stream.
    virtual void end_output() noexcept = 0;
    virtual bool output_ended() const noexcept = 0;
    /// Begins the orderly close; once closed() is true it is over.
    virtual void begin_close() noexcept = 0;
    virtual bool closed() const noexcept = 0;
    virtual address peer() const noexcept = 0;
    virtual address local() const noexcept = 0;
    /// Of the proxy that said who the peer is; empty if none did.
    virtual address proxy() const noexcept { return {}; }

    std::exception_ptr output_error() const noexcept { return output_error_; }
    /// How long a close waits for the peer's end.
    std::uint32_t linger_ms = 2000;
    transport_waiter* watcher = nullptr;  // awaits the end of the output or the close

protected:
    ~transport() = default;
};

/// An awaited close() or write_eof(), or that everything written has been sent.
class transport_waiter final : waiter {
public:
    enum class event : std::uint8_t { all_sent, output_ended, closed };
    transport_waiter(transport& of, event what) noexcept : what_(what), of_(of) {}
    ~transport_waiter() {
        if (suspended() && of_.watcher == this) of_.watcher = nullptr;
    }

    bool await_ready() noexcept;
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    void await_resume() {
        if (auto failed = error()) std::rethrow_exception(failed);
    }
    result<void> finish() {
        if (auto failed = error()) return failure{std::move(failed)};
        return {};
    }
    /// Called by the transport when something has changed.
    void look() noexcept;

private:
    bool start(promise_base& frame, std::source_location at);
    bool reached() const noexcept;
    void cancel() noexcept override;
    const char* describe() const noexcept override;
    std::exception_ptr error();

    event what_;
    transport& of_;
};

}  // namespace leat::detail
