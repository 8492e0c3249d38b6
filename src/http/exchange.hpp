#pragma once
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "http/connection_pool.hpp"
#include "http/content_decoder.hpp"
#include "http/identity.hpp"
#include "leat/http/body.hpp"
#include "leat/http/headers.hpp"

namespace leat::detail {

/// What one request asks for, copied from the caller. Large, so it is handed on where it lies.
struct http_request : pooled<http_request> {
    std::string method;
    std::string url;
    http::headers fields;
    request_identity identity;
    http::headers added;       // what the session adds for one place: cookies, credentials; a field of the caller's goes before it
    std::string body;
    http::content* content = nullptr;  // instead of `body`
    bool decode = false;       // ask for codings, and undo them
    bool has_body = false;
    bool may_repeat = false;   // the method's meaning allows it to be sent twice
    duration timeout{};        // zero: none
    time_point deadline{};     // zero: none
    std::size_t max_redirects = 0;
    unsigned retries = 0;
    std::size_t number = 0;    // among its client's
    unsigned attempt = 1;
    time_point started{};
};

/// Whom to tell of a response's end.
struct http_trace {
    std::shared_ptr<http_pool> pool;
    http_request request;  // its method, number, attempt and start alone
};

/// One response: its head once that is there, and the way to its body. Holds the connection until the body has been read.
class http_exchange final : public pooled<http_exchange> {
public:
    http_exchange(std::string method, std::string url, http_lease lease) noexcept;
    ~http_exchange();

    /// HTTP/1.1's; not to be asked for where stream() is one.
    http_connection& connection() const noexcept { return *lease_.connection(); }
    /// HTTP/2's, or null.
    http2_stream* stream() const noexcept { return lease_.stream(); }
    bool connected() const noexcept { return lease_.connected(); }
    /// Has anything of the response come?
    bool started() const noexcept { return stream() ? stream()->started() : connection().parser.started(); }
    http_pool& pool() const noexcept { return lease_.pool(); }
    http_lease& lease() noexcept { return lease_; }
    /// What reads read from; a stand-in that is never touched once there is no connection.
    input_stream& input() const noexcept;

    /// Tells of the first byte and of the end.
    void traced_for(const http_request& request);
    void untraced() noexcept { trace_.reset(); }
    void first_byte() noexcept;
    /// The head is there: keeps what callers may ask for later. An empty body is over at once. `decode`: the codings of the body are to be undone.
    void head_arrived(bool decode);
    /// Looks at what has arrived: true when the head is there, or a piece of the body as it came (in `piece`) or its end. Throws what the parser throws.
    bool parse(bool head_only, std::string_view& piece);
    /// The same for the body, decoded where that is wanted.
    bool next_piece(std::string_view& piece);
    bool decodes() const noexcept { return decoder_ != nullptr; }
    /// Of what was fed to the decoder already; empty: it needs more. Throws http::protocol_error.
    std::string_view decoded_before();
    bool head_is_there() const noexcept { return stream() ? stream()->head_done : connection().parser.state() != http::parse_state::head; }
    void expect_bulk() const noexcept;
    void wait_begins(stall_listener& who) noexcept;
    void wait_ends() noexcept;
    void progressed() noexcept;
    /// Why the connection ended, or the head is not there; null: it is.
    std::exception_ptr why_no_head();
    /// True if the body has been read to its end.
    bool complete() const noexcept { return complete_; }
    /// Has the end been reached, or was there an error? Then reads answer without the connection. Gives the connection back for the next request.
    bool over() noexcept;
    /// Nothing more will come from the connection: is that the end of the body? Returns the error if not.
    std::exception_ptr end_of_input();
    /// Something went wrong while a read is suspended, which may still look at the connection: fail() follows when it goes on.
    void note(std::exception_ptr why) noexcept { noted_ = std::move(why); }
    std::exception_ptr take_note() noexcept { return std::exchange(noted_, nullptr); }
    /// From now on each read fails with this; it gets the request's name in front.
    void fail(std::exception_ptr why) noexcept;
    const std::exception_ptr& failure() const noexcept { return failure_; }
    /// The bytes of the body that have arrived and not been read, if they can be taken as they lie.
    bool whole_body_is_here() const noexcept;

    /// Read to its end, would the body leave a connection for the next request?
    bool serves_again() const noexcept;

    /// A piece of the body that a read had taken, and that nobody got: the next read gives it.
    void take_back(std::string_view piece) noexcept;
    bool has_returned() const noexcept { return !returned_.empty(); }
    /// Valid until the next call.
    std::string_view give_again() noexcept;

    std::uint64_t received() const noexcept { return (decoder_ ? decoded_ : connected() ? came() : received_) - returned_.size(); }
    std::optional<std::uint64_t> size() const noexcept { return size_; }
    /// For errors; few requests need it.
    std::string name() const;
    /// A body that is dropped: its connection may serve again if the rest of the body is there already.
    void drop() noexcept;

    std::string url;
    int status = 0;
    std::string reason;
    http::headers fields;

private:
    void release() noexcept;
    void ended() noexcept;
    /// Bytes of the body that were taken from the connection.
    std::uint64_t came() const noexcept { return stream() ? stream()->taken() : connection().parser.received(); }
    std::exception_ptr broken_body(const std::exception_ptr& broken) noexcept;

    http_lease lease_;
    std::string method_;
    std::string returned_;
    std::string given_again_;
    std::exception_ptr noted_;
    std::exception_ptr failure_;
    std::uint64_t received_ = 0;
    std::optional<std::uint64_t> size_;
    std::unique_ptr<content_decoder> decoder_;
    std::uint64_t decoded_ = 0;  // bytes that it gave
    std::unique_ptr<http_trace> trace_;
    bool complete_ = false;
    bool drained_ = true;  // the decoder has given everything, or there is none
    bool first_byte_ = false;
};

class head_read final : message_read {
public:
    explicit head_read(http_exchange& of) noexcept : message_read(of, part::head) {}
    using message_read::await_ready;
    using message_read::await_suspend;
    /// Null once the head is there; the error has no name in front yet, and the exchange is as it was.
    std::exception_ptr await_resume() { return state_ == has_value ? nullptr : head_outcome(); }
};

/// Asks for codings, and undoes them: the caller has no other wish.
inline bool may_decode(const http_request& request) { return request.decode && !request.fields.contains("Range") && !request.fields.contains("Accept-Encoding"); }

/// Sends the request to one place, once (twice where the connection turns out to be stale), and reads the head of the response.
task<std::unique_ptr<http_exchange>> exchange_heads(std::shared_ptr<http_pool> pool, const http_request& request, const http::url& at);
/// Sends the request and follows redirects. Throws what http::client::request promises.
task<std::unique_ptr<http_exchange>> perform(std::shared_ptr<http_pool> pool, http_request& request);

/// A request in an error's text: "GET http://host/path".
std::string request_name(const std::string& method, const std::string& url);
/// Rethrows as the http::error (or timeout_error) that callers are promised, with `name` in front of its text.
[[noreturn]] void rethrow_named(std::exception_ptr error, const std::string& name);
std::exception_ptr named(std::exception_ptr error, const std::string& name) noexcept;

}  // namespace leat::detail
