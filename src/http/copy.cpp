#include "leat/io/copy.hpp"

#include <algorithm>
#include <cerrno>

#include "engine/file_calls.hpp"
#include "engine/operation/poll.hpp"
#include "engine/splice.hpp"
#include "fs/file_core.hpp"
#include "http/copy.hpp"
#include "http/exchange.hpp"
#include "io/error_from.hpp"
#include "leat/task/sleep.hpp"
#include "task/operation_awaiter.hpp"

namespace leat {
namespace detail {
namespace {

constexpr std::uint64_t worth_a_splice = 256 * 1024;    // a body with so much to come; below it, a buffer is cheaper than a pipe
constexpr std::uint64_t let_others_run = 8 * 1024 * 1024;  // bytes without a wait

struct socket_poll : poll_operation {
    explicit socket_poll(int fd) noexcept : poll_operation(fd, direction::in) {}
    void unclaimed(int) noexcept {}
};

/// Waits until a socket has something to be spliced, within the exchange's time-outs.
class readable_wait final : waiter, stall_listener, held_operation<socket_poll>::listener {
public:
    explicit readable_wait(http_exchange& of) : of_(of), operation_(new held_operation<socket_poll>(of.connection().stream.descriptor())) {}
    ~readable_wait() {
        if (operation_) operation_->abandon();
        of_.wait_ends();
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        if (!suspend(frame.promise(), at)) return false;
        operation_->begin(this);
        of_.connection().wait_begins(*this);
        return true;
    }
    /// Throws the exchange's failure after a time-out.
    void await_resume() {
        if (was_cancelled()) throw cancelled{};
        if (auto noted = of_.take_note()) {
            of_.fail(std::move(noted));
            std::rethrow_exception(of_.failure());
        }
        delete std::exchange(operation_, nullptr);
    }

private:
    void ended() noexcept override { wake(); }
    void cancel() noexcept override {
        std::exchange(operation_, nullptr)->abandon();
        wake_cancelled();
    }
    void stalled(bool in_total) noexcept override {
        if (!operation_ || !operation_->in_flight()) return;
        std::exchange(operation_, nullptr)->abandon();
        of_.note(error_from([&] { return timeout_error(in_total ? "not done within the time for the whole request" : "the body has stalled"); }));
        wake();
    }
    const char* describe() const noexcept override { return "http body splice"; }

    http_exchange& of_;
    held_operation<socket_poll>* operation_;
};

/// How much of a file may still be written, if it ends at `end` here.
std::uint64_t room_before(const std::uint64_t& end, const file_core& to) noexcept {
    const auto at = static_cast<std::uint64_t>(to.position());
    return end > at ? end - at : 0;
}

bool may_splice(const http_exchange& exchange, const file_core& to) {
    if (!to.known().direct || to.known().appends || !exchange.connected() || exchange.has_returned() || exchange.stream() || exchange.decodes()) return false;
    const http_connection& from = exchange.connection();
    if (from.parser.framing() != http::framing::content_length || from.parser.remaining().value_or(0) <= worth_a_splice) return false;
    return !from.stream.layered() && from.stream.input.empty() && !from.stream.receiving() && !from.stream.input_at_end && !from.stream.closed();
}

[[noreturn]] void fail_write(const file_core& to, int errno_value) { throw error(errno_value, "write", to.path().string()); }

/// Straight from the connection's buffer into the page cache.
void write_now(file_core& to, std::string_view piece) {
    while (!piece.empty()) {
        const long n = write_directly(to.descriptor(), piece.data(), piece.size(), to.known().appends ? -1 : to.position());
        if (n < 0) fail_write(to, static_cast<int>(-n));
        to.advance(n);
        piece.remove_prefix(static_cast<std::size_t>(n));
    }
}

/// The rest of the body, or what lies before `end` in the file, inside the kernel. Ends earlier only by an exception.
task<> splice_body(http_exchange& exchange, file_core& to, splice_pipe pipe, const std::uint64_t& end) {
    std::uint64_t since_wait = 0;
    while (!exchange.over() && room_before(end, to) != 0) {
        http_connection& from = exchange.connection();
        const std::uint64_t left = from.parser.remaining().value_or(0);
        const long n = pipe.fill(from.stream.descriptor(), static_cast<std::size_t>(std::min<std::uint64_t>({left, pipe.size(), room_before(end, to)})));
        if (n == -EAGAIN) {
            since_wait = 0;
            co_await readable_wait{exchange};
            continue;
        }
        if (n <= 0) {
            from.stream.input_ended(n == 0 ? nullptr : std::make_exception_ptr(error(static_cast<int>(-n), "read", from.stream.subject())));
            if (auto failed = exchange.end_of_input()) std::rethrow_exception(failed);
            continue;
        }
        if (const int failed = pipe.drain(to.descriptor(), to.position()); failed != 0) {
            // What was in the pipe is lost, so the body cannot be read on.
            exchange.fail(std::make_exception_ptr(http::truncated_error("a part of the body was lost when it could not be written", exchange.size(), exchange.received())));
            fail_write(to, -failed);
        }
        to.advance(n);
        from.parser.skip_body(static_cast<std::uint64_t>(n));
        since_wait += static_cast<std::uint64_t>(n);
        if (since_wait >= let_others_run) {
            since_wait = 0;
            co_await yield();
        }
    }
    if (exchange.failure()) std::rethrow_exception(exchange.failure());
}

}  // namespace

task<std::uint64_t> copy_before(http::body& from, file& to, const std::uint64_t& end) {
    http_exchange& exchange = from.exchange();
    file_core* target = to.core();
    if (!target || !target->open()) throw error(EBADF, "copy", target ? target->path().string() : "(no file)");
    const std::uint64_t before = exchange.received();
    if (target->known().direct) {
        co_await to.flush();
        if (!target->input.empty()) target->rewind_reader();
    }
    for (;;) {
        if (room_before(end, *target) == 0) break;
        if (may_splice(exchange, *target)) {
            if (auto pipe = splice_pipe::take()) {
                co_await splice_body(exchange, *target, std::move(pipe), end);
                break;
            }
        }
        auto piece = co_await from.read();
        if (!piece) break;
        *piece = piece->substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece->size(), room_before(end, *target))));
        if (target->known().direct)
            write_now(*target, *piece);
        else
            co_await to.write(*piece);
    }
    co_return exchange.received() - before;
}

}  // namespace detail

task<std::uint64_t> copy(http::body& from, file& to) { return detail::copy_before(from, to, detail::no_end); }

task<std::uint64_t> copy(http::body& from, stream_writer& to) {
    const std::uint64_t before = from.received();
    while (auto piece = co_await from.read()) co_await to.write(*piece);
    co_return from.received() - before;
}

}  // namespace leat
