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

}  // namespace

http_exchange::http_exchange(std::string name, std::string where, http_lease lease) noexcept
    : url(std::move(where)), lease_(std::move(lease)), name_(std::move(name)) {}

http_exchange::~http_exchange() { drop(); }

input_stream& http_exchange::input() const noexcept { return connected() ? static_cast<input_stream&>(connection().stream) : nothing; }

void http_exchange::head_arrived() {
    auto& parser = connection().parser;
    status = parser.status();
    reason = parser.reason();
    fields = std::move(parser.headers());
    size_ = parser.remaining();
    if (parser.state() == http::parse_state::complete) over();
}

bool http_exchange::over() noexcept {
    if (complete_ || failure_) return true;
    if (!connected() || connection().parser.state() != http::parse_state::complete) return false;
    complete_ = true;
    release();
    return true;
}

void http_exchange::release() noexcept {
    if (!connected()) return;
    received_ = connection().parser.received();
    lease_.release();
}

std::exception_ptr http_exchange::end_of_input() {
    auto& parser = connection().parser;
    const std::exception_ptr broken = connection().stream.input_error;
    try {
        if (broken) {
            if (is_tls_damage(broken)) std::rethrow_exception(broken);
            const auto left = parser.remaining();
            const auto promised = left ? std::optional{parser.received() + *left} : std::nullopt;
            throw http::truncated_error("the body stopped short after " + std::to_string(parser.received()) + " bytes: " + describe(broken), promised,
                                        parser.received());
        }
        parser.feed_eof();
    } catch (...) {
        fail(std::current_exception());
        return failure_;
    }
    over();
    return nullptr;
}

void http_exchange::fail(std::exception_ptr why) noexcept {
    failure_ = named(std::move(why), name_);
    if (connected()) {
        received_ = connection().parser.received();
        lease_.drop_connection();
        lease_.release();
    }
}

bool http_exchange::whole_body_is_here() const noexcept {
    if (!connected()) return false;
    const auto left = connection().parser.remaining();
    return left && connection().parser.framing() == http::framing::content_length && *left <= connection().stream.input.size();
}

void http_exchange::drop() noexcept {
    if (!connected()) return;
    try {
        std::string_view piece;
        while (status != 0 && !connection().damaged() && connection().parse(false, piece) && connection().parser.state() != http::parse_state::complete) {}
    } catch (...) {
        // It is closed for that reason, or for the other.
    }
    release();
}

// ---- reading

message_read::message_read(http_exchange& of, part wanted) noexcept : read_operation(of.input(), kind::message, 0), of_(of), part_(wanted) {}

message_read::~message_read() {
    if (timed_ && of_.connected()) of_.connection().wait_ends();
}

bool message_read::await_ready() noexcept {
    if (of_.over()) {
        state_ = at_end;
        return true;
    }
    return ready();
}

bool message_read::begin(promise_base& frame, std::source_location at) {
    if (of_.connected()) of_.connection().stream.expect_bulk(true);
    if (!start(frame, at)) return false;
    if (from_.reading == this) {
        timed_ = true;
        of_.connection().wait_begins(*this);
    }
    return true;
}

bool message_read::take_message() noexcept {
    std::string_view piece;
    try {
        http_connection& connection = of_.connection();
        const bool enough = connection.parse(part_ == part::head, piece);
        if (!enough) {
            if (part_ == part::piece) connection.progressed();
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
    http_connection& connection = of_.connection();
    if (connection.stream.input_error) return connection.stream.input_error;
    try {
        connection.parser.feed_eof();
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

}  // namespace leat::detail
