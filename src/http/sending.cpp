#include "http/sending.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "io/error_from.hpp"
#include "leat/http/content.hpp"
#include "leat/http/error.hpp"
#include "leat/task/race.hpp"
#include "leat/task/timeout.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t portion = 32 * 1024;  // of a body in memory: a write is taken whole or not at all, and each is a sign of life

/// The content, watched for its size.
class measured_content {
public:
    explicit measured_content(http_sending& of) noexcept : of_(of), size_(of.request.content->size()) {}

    task<std::optional<std::string_view>> read() {
        of_.content_read = true;
        const own_time not_the_servers{of_.exchange};
        auto piece = co_await of_.request.content->read();
        const std::uint64_t before = given_;
        if (piece) given_ += piece->size();
        if (size_ && (given_ > *size_ || (!piece && given_ < *size_)))
            throw http::error(of_.exchange.name() + ": the request's body " + (given_ > *size_ ? "has more than" : "ended after " + std::to_string(before) + " of") + " its " +
                              std::to_string(*size_) + " bytes");
        co_return piece;
    }

private:
    /// While the content is read, HTTP/1.1 waits for the response already; HTTP/2 does not.
    struct own_time {
        explicit own_time(http_exchange& in) noexcept : of(in.stream() ? nullptr : &in.connection()) {
            if (of) of->content_read(true);
        }
        ~own_time() {
            if (of) of->content_read(false);
        }
        own_time(const own_time&) = delete;
        own_time& operator=(const own_time&) = delete;
        http_connection* of;
    };

    http_sending& of_;
    std::optional<std::uint64_t> size_;
    std::uint64_t given_ = 0;
};

// ---- HTTP/1.1

task<> write_portions(http_connection& to, std::string_view data) {
    while (!data.empty()) {
        co_await pieces_write<1>{to.stream, data.substr(0, portion)};
        to.progressed();
        data.remove_prefix(std::min(portion, data.size()));
    }
}

task<> write_chunk(http_connection& to, std::string_view data) {
    std::array<char, 18> size;
    char* end = std::to_chars(size.data(), size.data() + 16, data.size(), 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    const std::string_view first{size.data(), static_cast<std::size_t>(end - size.data())};
    if (data.size() <= portion) {
        co_await pieces_write<3>{to.stream, first, data, std::string_view{"\r\n"}};
        to.progressed();
        co_return;
    }
    co_await pieces_write<1>{to.stream, first};
    co_await write_portions(to, data);
    co_await pieces_write<1>{to.stream, std::string_view{"\r\n"}};
}

task<> write_request(http_sending& sending, std::string_view head) {
    http_connection& to = sending.exchange.connection();
    co_await pieces_write<1>{to.stream, head};
    if (!sending.request.content) co_return co_await write_portions(to, sending.request.body);
    measured_content content{sending};
    while (auto piece = co_await content.read()) {
        if (piece->empty()) continue;
        if (sending.head.chunked)
            co_await write_chunk(to, *piece);
        else
            co_await write_portions(to, *piece);
    }
    if (sending.head.chunked) co_await pieces_write<1>{to.stream, std::string_view{"0\r\n\r\n"}};
}

/// Null once the request has been handed over, or the connection's error. What the content does wrong is thrown.
task<std::exception_ptr> send_all(http_sending& sending, std::string_view head) {
    auto written = co_await (write_request(sending, head) | as_result);
    if (written) {
        sending.exchange.connection().sending(false);
        co_return nullptr;
    }
    const std::exception_ptr failed = written.error().exception();
    // The connection's own: any other is the content's.
    if (!sending.exchange.connection().stream.output_error()) std::rethrow_exception(failed);
    co_return failed;
}

/// Waits as long as the server takes the request, piece by piece; then that is a time-out.
class upload_watch final : waiter, stall_listener {
public:
    explicit upload_watch(http_connection& of) noexcept : of_(of) {}
    ~upload_watch() { of_.wait_ends(); }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        if (!suspend(frame.promise(), at)) return false;
        of_.wait_begins(*this);
        return true;
    }
    std::exception_ptr await_resume() {
        if (was_cancelled()) throw cancelled{};
        return error_from([&] { return timeout_error(in_total_ ? "not done within the time for the whole request" : "the server has answered, and takes no more of the request's body"); });
    }

private:
    void stalled(bool in_total) noexcept override {
        of_.wait_ends();
        in_total_ = in_total;
        wake();
    }
    void cancel() noexcept override {
        of_.wait_ends();
        wake_cancelled();
    }
    const char* describe() const noexcept override { return "http request body"; }

    http_connection& of_;
    bool in_total_ = false;
};

/// The head of a response that makes the rest of the request useless; a good one lets it go on, since the server may want all of it though it closes then.
task<std::exception_ptr> answered_early(http_exchange& exchange) {
    std::exception_ptr failed = co_await head_read{exchange};
    if (!failed && exchange.connection().parser.status() < 300) failed = co_await upload_watch{exchange.connection()};
    co_return failed;
}

task<std::exception_ptr> converse_http1(http_sending& sending) {
    http_exchange& exchange = sending.exchange;
    http_connection& connection = exchange.connection();
    const http_request& request = sending.request;
    connection.prepare(request.method == "HEAD", exchange.pool().options().read_timeout, request.deadline);
    std::string head;
    head.reserve(256);
    http::write_request_head(head, sending.head);
    if (!request.content && request.body.size() + head.size() <= connection.stream.high_water) {
        // Accepted whole, and sent when the loop next enters the kernel. An error comes to light with the response that does not come.
        [[maybe_unused]] auto sent = co_await (pieces_write<2>{connection.stream, head, request.body} | as_result);
    } else {
        // The server has to take it, or to say that it will not: then its response is there to be read.
        connection.sending(true);
        auto first = co_await race(send_all(sending, head), answered_early(exchange));
        if (first.index() == 1) co_return std::get<1>(first);
        const std::exception_ptr failed = std::get<0>(first);
        if (failed && !is_connection_error(failed)) co_return failed;
    }
    exchange.pool().trace(http::trace_step::sent, request, exchange.url);
    co_return co_await head_read{exchange};
}

// ---- HTTP/2

task<> send_content(http_sending& sending, http2_stream& to) {
    measured_content content{sending};
    bool more = true;
    while (more && !to.refused()) {
        auto piece = co_await content.read();
        more = piece.has_value();
        to.give(piece.value_or(std::string_view{}), !more);
        if (more) co_await http2_upload{to};
    }
}

/// The server has begun to answer before it has the whole request: it gets the rest.
task<> take_rest(http2_stream& to) { co_await http2_upload{to}; }

bool is_timeout(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const timeout_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

task<std::exception_ptr> converse_http2(http_sending& sending) {
    http_exchange& exchange = sending.exchange;
    http2_stream& stream = *exchange.stream();
    const http_request& request = sending.request;
    stream.prepare(exchange.pool().options().read_timeout, request.deadline);
    const bool body = sending.head.chunked || sending.head.content_length.value_or(0) != 0;
    std::exception_ptr failed;
    try {
        if (!stream.session()) throw http::connect_error("the connection has ended");
        stream.session()->submit(stream, sending.head, sending.scheme, body);
    } catch (...) {
        co_return std::current_exception();
    }
    if (request.content && body) {
        auto sent = co_await (send_content(sending, stream) | as_result);
        if (!sent) {
            stream.stop_sending();
            failed = sent.error().exception();
        }
    } else if (body) {
        stream.give(request.body, true);
    }
    if (failed) {
        if (!is_timeout(failed)) std::rethrow_exception(failed);  // the content's
        co_return failed;
    }
    exchange.pool().trace(http::trace_step::sent, request, exchange.url);
    failed = co_await head_read{exchange};
    if (!failed && !stream.sent_all() && !stream.refused()) {
        auto rest = co_await (take_rest(stream) | as_result);
        if (!rest) failed = rest.error().exception();
    }
    stream.stop_sending();
    co_return failed;
}

}  // namespace

task<std::exception_ptr> converse(http_sending& sending) { return sending.exchange.stream() ? converse_http2(sending) : converse_http1(sending); }

}  // namespace leat::detail
