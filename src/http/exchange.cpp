#include "http/exchange.hpp"

#include <utility>

#include "io/error_from.hpp"
#include "leat/http/error.hpp"
#include "leat/tls/error.hpp"

namespace leat::detail {
namespace {

class no_input final : public input_stream {
public:
    void want_bytes() override {}
    std::string subject() const override { return "a response that is over"; }
};
thread_local no_input nothing;

/// The peer's alert or a damaged record: something worse than a connection that ended early.
bool is_tls_damage(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const tls::truncated_error&) {
        return false;
    } catch (const tls::error&) {
        return true;
    } catch (...) {
        return false;
    }
}

/// It ended, but not as TLS wants it.
bool is_tls_cut(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const tls::truncated_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

/// Several fields of one name are one list (RFC 9110 5.3).
std::string listed(const http::headers& fields, std::string_view name) {
    std::string all;
    for (std::string_view value : fields.get_all(name)) all.append(all.empty() ? "" : ",").append(value);
    return all;
}

}  // namespace

http_exchange::http_exchange(std::string method, std::string where, http_lease lease) noexcept
    : url(std::move(where)), lease_(std::move(lease)), method_(std::move(method)) {}

http_exchange::~http_exchange() { drop(); }

input_stream& http_exchange::input() const noexcept {
    if (!connected()) return nothing;
    return stream() ? static_cast<input_stream&>(*stream()) : static_cast<input_stream&>(connection().stream);
}

void http_exchange::head_arrived(bool decode) {
    if (http2_stream* from = stream()) {
        status = from->status;
        fields = std::move(from->fields);
        size_ = from->over() ? 0 : from->expected;
    } else {
        auto& parser = connection().parser;
        status = parser.status();
        reason = parser.reason();
        fields = std::move(parser.headers());
        size_ = parser.remaining();
    }
    if (trace_) trace_->pool->trace(http::trace_step::head, trace_->request, url, std::to_string(status));
    if (over() || size_ == 0 || !decode) return;
    if (!fields.contains("Content-Encoding")) return;
    try {
        decoder_ = content_decoder::for_codings(listed(fields, "Content-Encoding"));
    } catch (...) {
        std::rethrow_exception(named(std::current_exception(), name()));
    }
    if (decoder_) size_.reset();
}

bool http_exchange::over() noexcept {
    if (complete_ || failure_) return true;
    if (!connected() || !drained_) return false;
    if (http2_stream* from = stream()) {
        if (!from->over()) return false;
    } else if (connection().parser.state() != http::parse_state::complete) {
        return false;
    }
    if (decoder_) {
        try {
            decoder_->finish();
        } catch (...) {
            fail(std::current_exception());
            return true;
        }
    }
    complete_ = true;
    release();
    ended();
    return true;
}

void http_exchange::release() noexcept {
    if (!connected()) return;
    received_ = came();
    lease_.release();
}

void http_exchange::ended() noexcept {
    if (auto told = std::move(trace_)) told->pool->trace(failure_ ? http::trace_step::failed : http::trace_step::done, told->request, url, failure_ ? describe(failure_) : "");
}

/// What a broken connection means for the body.
std::exception_ptr http_exchange::broken_body(const std::exception_ptr& broken) noexcept {
    try {
        try {
            std::rethrow_exception(broken);
        } catch (const http::truncated_error& e) {
            if (e.expected()) throw;
        } catch (const http::connect_error&) {
        } catch (const http::error&) {
            throw;
        } catch (...) {
        }
        if (is_tls_damage(broken)) std::rethrow_exception(broken);
        std::optional<std::uint64_t> promised;
        if (http2_stream* from = stream())
            promised = from->expected;
        else if (const auto left = connection().parser.remaining())
            promised = came() + *left;
        throw http::truncated_error("the body stopped short after " + std::to_string(came()) + " bytes: " + describe(broken), promised, came());
    } catch (...) {
        return std::current_exception();
    }
}

std::exception_ptr http_exchange::end_of_input() {
    if (const std::exception_ptr broken = input().input_error) {
        fail(broken_body(broken));
        return failure_;
    }
    try {
        if (!stream()) connection().parser.feed_eof();
    } catch (...) {
        fail(std::current_exception());
        return failure_;
    }
    over();
    return failure_;
}

std::string http_exchange::name() const { return request_name(method_, url); }

void http_exchange::fail(std::exception_ptr why) noexcept {
    try {
        failure_ = named(std::move(why), name());
    } catch (...) {
        failure_ = std::current_exception();
    }
    if (connected()) {
        received_ = came();
        lease_.drop_connection();
        lease_.release();
    }
    ended();
}

void http_exchange::take_back(std::string_view piece) noexcept {
    try {
        returned_ = piece;
    } catch (...) {
        note(std::current_exception());
    }
}

std::string_view http_exchange::give_again() noexcept {
    given_again_ = std::exchange(returned_, {});
    return given_again_;
}

bool http_exchange::serves_again() const noexcept { return connected() && (stream() || !connection().parser.expects_close()); }

bool http_exchange::whole_body_is_here() const noexcept {
    if (!connected() || has_returned() || decoder_) return false;
    if (http2_stream* from = stream()) return from->ended;
    const auto left = connection().parser.remaining();
    return left && connection().parser.framing() == http::framing::content_length && *left <= connection().stream.input.size();
}

void http_exchange::drop() noexcept {
    if (!connected()) return;
    if (!stream()) {
        try {
            std::string_view piece;
            while (status != 0 && !connection().damaged() && connection().parse(false, piece) && connection().parser.state() != http::parse_state::complete) {}
        } catch (...) {
            // It is closed for that reason, or for the other.
        }
    }
    release();
}

void http_exchange::traced_for(const http_request& request) {
    if (!pool().traces()) return;
    trace_ = std::make_unique<http_trace>();
    trace_->pool = pool().shared_from_this();
    trace_->request.method = request.method;
    trace_->request.number = request.number;
    trace_->request.attempt = request.attempt;
    trace_->request.started = request.started;
}

void http_exchange::first_byte() noexcept {
    if (!trace_ || std::exchange(first_byte_, true)) return;
    trace_->pool->trace(http::trace_step::first_byte, trace_->request, url);
}

// ---- what reads see, over either protocol

bool http_exchange::parse(bool head_only, std::string_view& piece) {
    if (http2_stream* from = stream()) return from->parse(head_only, piece);
    return connection().parse(head_only, piece);
}

std::string_view http_exchange::decoded_before() {
    if (drained_) return {};
    const std::string_view piece = decoder_->next();
    decoded_ += piece.size();
    drained_ = piece.empty();
    return piece;
}

bool http_exchange::next_piece(std::string_view& piece) {
    if (!decoder_) [[likely]] return parse(false, piece);
    for (;;) {
        piece = decoded_before();
        if (!piece.empty()) return true;
        std::string_view coded;
        if (!parse(false, coded)) return false;
        if (coded.empty()) return true;
        decoder_->feed(coded);
        drained_ = false;
    }
}

void http_exchange::expect_bulk() const noexcept {
    if (connected() && !stream()) connection().stream.expect_bulk(true);
}

void http_exchange::wait_begins(stall_listener& who) noexcept { stream() ? stream()->wait_begins(who) : connection().wait_begins(who); }

void http_exchange::wait_ends() noexcept {
    if (connected()) stream() ? stream()->wait_ends() : connection().wait_ends();
}

void http_exchange::progressed() noexcept {
    if (!stream()) connection().progressed();  // a session notes it itself
}

std::exception_ptr http_exchange::why_no_head() {
    if (head_is_there()) return nullptr;
    const std::exception_ptr broken = input().input_error;
    if (broken && !is_tls_cut(broken)) return broken;
    try {
        if (!stream()) connection().parser.feed_eof();
        if (broken) throw http::truncated_error("the connection ended before a response", std::nullopt, 0);
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

// ---- reading

message_read::message_read(http_exchange& of, part wanted) noexcept : read_operation(of.input(), kind::message, 0), of_(of), part_(wanted) {}

message_read::~message_read() {
    if (suspended() && has_piece()) of_.take_back(view());
    if (timed_) of_.wait_ends();
}

bool message_read::has_piece() const noexcept { return part_ == part::piece && state_ == has_value; }

void message_read::give_back() noexcept {
    if (!has_piece()) return;
    of_.take_back(view());
    state_ = pending;
    wake_cancelled();
}

bool message_read::await_ready() noexcept {
    if (part_ == part::head) return ready();
    if (of_.has_returned()) return took(of_.give_again());
    if (of_.decodes() && take_decoded()) return from_.budget > 0;
    if (of_.over()) {
        state_ = at_end;
        return true;
    }
    return ready();
}

bool message_read::begin(promise_base& frame, std::source_location at) {
    if (of_.decodes() && (state_ == has_value || state_ == has_failed)) {
        // It was there, in what the decoder had been given before; the others have their turn first.
        if (state_ == has_failed || frame.strand->cancelled) return false;
        from_.budget = input_stream::full_budget;
        suspend_regardless(frame, at);
        wake();
        return true;
    }
    of_.expect_bulk();
    if (!start(frame, at)) return false;
    if (from_.reading == this) {
        timed_ = true;
        of_.wait_begins(*this);
    }
    return true;
}

/// What the decoder can still give of what it was fed; the connection is not looked at, and what it points at there stays.
bool message_read::take_decoded() noexcept {
    try {
        const std::string_view piece = of_.decoded_before();
        return !piece.empty() && took(piece);
    } catch (...) {
        of_.note(std::current_exception());
        state_ = has_failed;
        return true;
    }
}

bool message_read::take_message() noexcept {
    std::string_view piece;
    try {
        const bool enough = part_ == part::head ? of_.parse(true, piece) : of_.next_piece(piece);
        if (part_ == part::head && of_.started()) of_.first_byte();
        if (!enough) {
            if (part_ == part::piece) of_.progressed();
            return false;
        }
    } catch (...) {
        of_.note(std::current_exception());
        state_ = has_failed;
        return true;
    }
    // Without a piece the body has ended, behind its last chunk.
    return piece.empty() && part_ == part::piece ? (state_ = at_end, true) : took(piece);
}

void message_read::stalled(bool in_total) noexcept {
    if (from_.reading != this) return;  // it has what it waited for, and goes on soon
    from_.reading = nullptr;
    const char* what = in_total ? "not done within the time for the whole request"
                                : part_ == part::head ? "no response within the time for it" : "the body has stalled";
    of_.note(error_from([&] { return timeout_error(what); }));
    state_ = has_failed;
    wake();
}

std::exception_ptr message_read::outcome() {
    if (was_cancelled()) throw cancelled{};
    if (auto noted = of_.take_note()) of_.fail(std::move(noted));
    if (of_.over()) return of_.failure();
    return of_.end_of_input();
}

std::exception_ptr message_read::head_outcome() {
    if (was_cancelled()) throw cancelled{};
    if (auto noted = of_.take_note()) return noted;
    return of_.why_no_head();
}

}  // namespace leat::detail
