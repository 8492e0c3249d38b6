// Both parsers, over Boost.Beast's basic_parser, which this file alone includes.
//
// Beast knows the grammar; its virtual functions hand over each field as it lies in the input, and the fields go
// straight into http::headers (Beast's own container allocates for every field). Left to this file: data that comes
// in any pieces, where Beast wants each head and each chunk header whole; limits on what Beast does not count; the
// ambiguities it lets pass, such as a transfer coding that is not chunked; and errors that say what was wrong.

#include "http/message_parser.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "http/ascii.hpp"
#include "http/parsed_fields.hpp"
#include "http/request_parser.hpp"
#include "leat/http/error.hpp"
#include "leat/log/printable.hpp"

namespace leat::http {

namespace beast = boost::beast::http;
using boost::beast::error_code;

namespace {

// A file offset is signed: nothing larger can be stored, and sums of two such sizes do not overflow.
constexpr auto size_limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string quote(std::string_view text) { return "\"" + printable(text, 60) + "\""; }

// The line at which the parser stopped, for the error's text.
std::string quote_line(std::string_view rest) {
    if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // the end of the chunk before
    return quote(rest.substr(0, std::min(rest.find_first_of("\r\n"), rest.size())));
}

// What the machine below has learnt about one message.
struct message {
    parser_limits limits;
    int status = 0;
    int version = 0;
    std::string start;  // the reason, or the method and the target in one string
    std::size_t method_size = 0;
    headers fields;
    headers trailers;
    std::string_view piece;       // of a chunk's data
    std::uint64_t chunk_sum = 0;  // sizes of all chunks so far
    std::size_t head_size = 0;
    unsigned lengths = 0, codings = 0, hosts = 0;
    bool head_done = false;
    std::string failure;  // set where Beast has no code for what is wrong
    bool too_large = false;

    void clear() noexcept {
        start.clear();
        fields.clear();
        trailers.clear();
        failure.clear();
        status = version = 0;
        chunk_sum = head_size = method_size = 0;
        lengths = codings = hosts = 0;
        head_done = too_large = false;
    }
};

template <bool IsRequest>
class machine final : public beast::basic_parser<IsRequest> {
public:
    machine(message& out, bool skip) : out_(out) {
        this->body_limit(boost::none);
        // One more than ours, which is checked where it can be named; this one bounds Beast's work on one call.
        constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
        this->header_limit(static_cast<std::uint32_t>(std::min(out.limits.head, most - 1) + 1));
        if (skip) this->skip(true);
    }

private:
    using text = boost::beast::string_view;

    void fail(error_code& ec, std::string what) {
        out_.failure = std::move(what);
        ec = beast::error::bad_field;
    }

    void exceed(error_code& ec, std::string what) {
        out_.too_large = true;
        fail(ec, std::move(what));
    }

    void on_request_impl(beast::verb, text method, text target, int version, error_code&) override {
        out_.start.assign(method.data(), method.size()).append(target.data(), target.size());
        out_.method_size = method.size();
        out_.version = version;
        out_.head_size = method.size() + target.size() + 12;
    }

    void on_response_impl(int status, text reason, int version, error_code& ec) override {
        if (status < 100) fail(ec, "impossible status " + std::to_string(status));
        out_.start.assign(reason.data(), reason.size());
        out_.status = status;
        out_.version = version;
        out_.head_size = reason.size() + 15;
    }

    void on_field_impl(beast::field id, text name, text value, error_code& ec) override {
        headers& into = out_.head_done ? out_.trailers : out_.fields;
        out_.head_size += name.size() + value.size() + 4;
        if (out_.head_size > out_.limits.head)
            return exceed(ec, "a head of more than " + std::to_string(out_.limits.head) + " bytes");
        if (into.size() >= out_.limits.fields)
            return exceed(ec, "more than " + std::to_string(out_.limits.fields) + " fields in a head");
        switch (id) {
        case beast::field::content_length:
            // Beast has compared the values; even equal ones mean that something on the way is confused.
            if (++out_.lengths > 1 || value.find(',') != text::npos)
                return fail(ec, "Content-Length is repeated");
            if (out_.codings != 0) return fail(ec, "both Content-Length and Transfer-Encoding");
            break;
        case beast::field::transfer_encoding:
            ++out_.codings;
            if (!ascii::equal(view(value), "chunked"))
                return fail(ec, "unsupported Transfer-Encoding " + quote(view(value)));
            break;
        case beast::field::host: ++out_.hosts; break;
        default: break;
        }
        parsed_fields::append(into, view(name), view(value));
    }

    void on_header_impl(error_code& ec) override {
        out_.head_done = true;
        out_.head_size = 0;  // the trailers are counted anew
        if constexpr (IsRequest) {
            if (out_.hosts > 1) return fail(ec, "Host is repeated");
            if (out_.version == 11 && out_.hosts == 0) return fail(ec, "no Host in an HTTP/1.1 request");
            if (out_.version == 10 && out_.codings != 0) return fail(ec, "Transfer-Encoding in an HTTP/1.0 request");
        }
        const auto length = this->content_length();
        if (length && *length > size_limit) fail(ec, "impossible Content-Length " + std::to_string(*length));
    }

    void on_chunk_header_impl(std::uint64_t size, text extension, error_code& ec) override {
        const auto most = out_.limits.chunk_extension;
        if (extension.size() > most)
            return exceed(ec, "a chunk extension of more than " + std::to_string(most) + " bytes");
        if (size > size_limit - out_.chunk_sum) return fail(ec, "impossible chunk size " + std::to_string(size));
        out_.chunk_sum += size;
    }

    std::size_t on_chunk_body_impl(std::uint64_t, text body, error_code&) override {
        out_.piece = view(body);
        return body.size();
    }

    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    // Bodies that are not chunked never pass through Beast: there is nothing in them to parse.
    std::size_t on_body_impl(text body, error_code&) override { return body.size(); }
    void on_finish_impl(error_code&) override {}

    message& out_;
};

// A machine, the incomplete head or chunk header, and the framing of the body.
template <bool IsRequest>
class assembler {
public:
    explicit assembler(const parser_limits& limits) {
        out.limits = limits;
        reset(false);
    }

    void reset(bool skip) {
        skip_ = skip;
        interim_ = 0;
        started = false;
        state = parse_state::head;
        how = framing::none;
        left = received = 0;
        declared.reset();
        restart();
    }

    parse_step feed(std::string_view data) {
        std::size_t used = 0;
        while (used < data.size() && state != parse_state::complete) {
            const auto rest = data.substr(used);
            if (state == parse_state::head) {
                used += feed_head(rest);
                if (state != parse_state::head) break;
            } else if (const auto step = feed_body(rest); !step.body.empty()) {
                received += step.body.size();
                return {used + step.consumed, state, step.body};
            } else {
                used += step.consumed;
            }
        }
        return {used, state, {}};
    }

    bool keep_alive() const {
        if (!out.head_done) return false;
        // A coding that HTTP/1.0 does not have was put there by somebody who may not know where the body ends.
        if (out.version == 10 && out.codings != 0) return false;
        return how != framing::until_close && machine_->keep_alive();
    }

    message out;
    parse_state state;
    framing how;
    std::uint64_t left, received;
    std::optional<std::uint64_t> declared;  // the Content-Length, with or without a body
    bool started;

private:
    void restart() {
        out.clear();
        pending_.clear();
        blank_ = 0;
        ready_ = false;
        out.fields.reserve(16, 512);   // where the last message's were moved out; else this does nothing
        machine_.emplace(out, skip_);  // Beast's parser serves once; making another costs no allocation
    }

    std::size_t feed_head(std::string_view data) {
        std::size_t used = 0;
        if (!machine_->got_some()) {
            if constexpr (IsRequest) {
                used = skip_blank_lines(data);
            } else {
                used = collect_status(data);
            }
            data.remove_prefix(used);
            started = started || ready_ || !pending_.empty();
            if (!ready_) return used;
        }
        used += put(data);
        if (!out.head_done) return used;
        if (!IsRequest && out.status < 200) {
            if (out.status == 101) throw protocol_error("the server switched to another protocol, unasked");
            if (++interim_ > out.limits.interim) throw protocol_error("too many interim (1xx) replies");
            restart();
            return used;
        }
        choose_framing();
        return used;
    }

    // RFC 9112 2.2: an empty line before a request is a relic of old clients.
    std::size_t skip_blank_lines(std::string_view data) {
        std::size_t used = 0;
        while (used < data.size() && (data[used] == '\r' || data[used] == '\n')) ++used;
        if ((blank_ += used) > 8) throw protocol_error("blank lines instead of a request");
        ready_ = used < data.size();
        return used;
    }

    // "HTTP/1.1 200" without the blank that must follow comes from many small devices. Beast insists on it, so it is
    // added here, which needs the first 13 bytes at once.
    std::size_t collect_status(std::string_view data) {
        constexpr std::size_t enough = 13;
        constexpr std::string_view protocol = "HTTP/1.";
        if (pending_.empty() && data.size() >= enough) {
            ready_ = true;
            if (data[enough - 1] != '\r' || !data.starts_with(protocol)) return 0;
        }
        const auto used = std::min(enough - pending_.size(), data.size());
        pending_.append(data.substr(0, used));
        const std::string_view start{pending_.data(), std::min(pending_.size(), protocol.size())};
        if (!protocol.starts_with(start)) throw protocol_error("not an HTTP/1 response: " + quote_line(pending_));
        ready_ = pending_.size() == enough;
        if (ready_ && pending_.back() == '\r') pending_.insert(enough - 1, 1, ' ');
        return used;
    }

    void choose_framing() {
        state = parse_state::body;
        if (const auto length = machine_->content_length()) declared = *length;
        if (machine_->is_done()) {
            state = parse_state::complete;
        } else if (declared) {
            how = framing::content_length;
            left = *declared;
        } else {
            how = machine_->chunked() ? framing::chunked : framing::until_close;
        }
    }

    parse_step feed_body(std::string_view data) {
        switch (how) {
        case framing::content_length: {
            const auto piece = data.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, data.size())));
            left -= piece.size();
            if (left == 0) state = parse_state::complete;
            return {piece.size(), state, piece};
        }
        case framing::until_close: return {data.size(), state, data};
        default: break;
        }
        out.piece = {};
        const auto used = put(data);
        if (machine_->is_done()) state = parse_state::complete;
        return {used, state, out.piece};
    }

    // Runs Beast over what is pending and the data behind it, as far as one head, chunk header or piece of a chunk.
    std::size_t put(std::string_view data) {
        std::size_t used = 0;
        if (pending_.empty()) {
            used = put_some(data);
            if (!incomplete_) return used;
            check_pending(data.size() - used);
            pending_.assign(data.substr(used));
            return data.size();
        }
        do {
            const auto before = pending_.size();
            // In small portions: what is missing is short, and behind it may lie a megabyte of body.
            const auto more = data.substr(used, 1024);
            pending_.append(more);
            const auto parsed = is_beasts_gap() ? 0 : put_some(pending_);
            if (!incomplete_) {
                // It ended in the new portion, or the call before would have found the end.
                pending_.clear();
                return used + (parsed - before);
            }
            pending_.erase(0, parsed);
            check_pending(pending_.size());
            used += more.size();
        } while (used < data.size());
        return used;
    }

    // Beast asserts that it is never called with just these four bytes, though its caller cannot help it.
    bool is_beasts_gap() const { return out.head_done && pending_.size() == 4 && pending_.starts_with("0\r\n"); }

    std::size_t put_some(std::string_view data) {
        error_code ec;
        const auto parsed = machine_->put(boost::asio::const_buffer{data.data(), data.size()}, ec);
        incomplete_ = ec == beast::error::need_more;
        if (ec && !incomplete_) fail(ec, data.substr(parsed));
        return parsed;
    }

    void check_pending(std::size_t size) const {
        if (size <= out.limits.head) return;
        throw too_large_error((out.head_done ? "a chunk header or trailers of more than " : "a head of more than ") +
                              std::to_string(out.limits.head) + " bytes");
    }

    [[noreturn]] void fail(const error_code& ec, std::string_view rest) const {
        if (out.too_large) throw too_large_error(out.failure);
        if (!out.failure.empty()) throw protocol_error(out.failure);
        if (ec == beast::error::header_limit)
            throw too_large_error("a head of more than " + std::to_string(out.limits.head) +
                                  " bytes, or a folded field of more than 4096");
        throw protocol_error(describe(static_cast<beast::error>(ec.value()), rest));
    }

    std::string describe(beast::error code, std::string_view rest) const {
        const bool nul = rest.substr(0, rest.find('\n')).find('\0') != std::string_view::npos;
        const std::string line = quote_line(rest) + (nul ? ", which holds a NUL byte" : "");
        switch (code) {
        case beast::error::bad_method:
        case beast::error::bad_target: return "not an HTTP request: " + line;
        case beast::error::bad_version:
            return (IsRequest ? "not an HTTP/1 request: " : "not an HTTP/1 response: ") + line;
        case beast::error::bad_status: return "bad status in " + line;
        case beast::error::bad_reason: return "control character, or a line end without CR, in " + line;
        case beast::error::bad_field: return "bad field name in " + line;
        case beast::error::bad_value: return "bad field value in " + line;
        case beast::error::bad_line_ending: return "CR without LF in " + line;
        case beast::error::bad_content_length:
            return out.codings != 0 ? "both Content-Length and Transfer-Encoding" : "bad number in " + line;
        case beast::error::multiple_content_length: return "conflicting values of Content-Length";
        case beast::error::bad_transfer_encoding:
            return out.lengths != 0 ? "both Content-Length and Transfer-Encoding" : "Transfer-Encoding is repeated";
        case beast::error::bad_chunk: return "bad chunk size, or data beyond the chunk, at " + line;
        case beast::error::bad_chunk_extension: return "bad chunk extension in " + line;
        default: return beast::make_error_code(code).message() + " at " + line;
        }
    }

    std::optional<machine<IsRequest>> machine_;
    std::string pending_;
    std::size_t interim_ = 0;
    std::size_t blank_ = 0;
    bool skip_ = false;
    bool ready_ = false;  // the start of the head may go to Beast
    bool incomplete_ = false;
};

}  // namespace

struct message_parser::impl : assembler<false> {
    using assembler::assembler;
};

message_parser::message_parser(const parser_limits& limits) : impl_(std::make_unique<impl>(limits)) {}
message_parser::~message_parser() = default;
message_parser::message_parser(message_parser&&) noexcept = default;
message_parser& message_parser::operator=(message_parser&&) noexcept = default;

void message_parser::reset(bool to_head) { impl_->reset(to_head); }
parse_step message_parser::feed(std::string_view data) { return impl_->feed(data); }
parse_state message_parser::state() const noexcept { return impl_->state; }
bool message_parser::started() const noexcept { return impl_->started; }
int message_parser::status() const noexcept { return impl_->out.status; }
std::string_view message_parser::reason() const noexcept { return impl_->out.start; }
int message_parser::version() const noexcept { return impl_->out.version; }
const headers& message_parser::headers() const noexcept { return impl_->out.fields; }
headers& message_parser::headers() noexcept { return impl_->out.fields; }
framing message_parser::framing() const noexcept { return impl_->how; }
std::uint64_t message_parser::received() const noexcept { return impl_->received; }
bool message_parser::expects_close() const noexcept { return !impl_->keep_alive(); }
const headers& message_parser::trailers() const noexcept { return impl_->out.trailers; }

void message_parser::feed_eof() {
    if (impl_->state == parse_state::complete) return;
    if (impl_->state == parse_state::head)
        throw truncated_error(impl_->started ? "the connection ended inside the head of the response"
                                             : "the connection ended before a response",
                              std::nullopt, 0);
    if (impl_->how != framing::until_close) throw truncated_error(impl_->declared, impl_->received);
    impl_->state = parse_state::complete;
}

void message_parser::skip_body(std::uint64_t bytes) {
    const bool counted = impl_->how == framing::content_length;
    if (impl_->state != parse_state::body || (!counted && impl_->how != framing::until_close) ||
        (counted && bytes > impl_->left))
        throw std::logic_error("http::message_parser: skip_body past the body");
    impl_->received += bytes;
    if (!counted) return;
    impl_->left -= bytes;
    if (impl_->left == 0) impl_->state = parse_state::complete;
}

std::optional<std::uint64_t> message_parser::content_length() const noexcept { return impl_->declared; }

std::optional<std::uint64_t> message_parser::remaining() const noexcept {
    if (impl_->state == parse_state::complete) return 0;
    if (impl_->how != framing::content_length) return std::nullopt;
    return impl_->left;
}

struct request_parser::impl : assembler<true> {
    using assembler::assembler;
};

request_parser::request_parser(const parser_limits& limits) : impl_(std::make_unique<impl>(limits)) {}
request_parser::~request_parser() = default;
request_parser::request_parser(request_parser&&) noexcept = default;
request_parser& request_parser::operator=(request_parser&&) noexcept = default;

void request_parser::reset() { impl_->reset(false); }
parse_state request_parser::state() const noexcept { return impl_->state; }
bool request_parser::started() const noexcept { return impl_->started; }
int request_parser::version() const noexcept { return impl_->out.version; }
const headers& request_parser::headers() const noexcept { return impl_->out.fields; }
bool request_parser::keep_alive() const noexcept { return impl_->keep_alive(); }

std::string_view request_parser::method() const noexcept {
    return std::string_view{impl_->out.start}.substr(0, impl_->out.method_size);
}

std::string_view request_parser::target() const noexcept {
    return std::string_view{impl_->out.start}.substr(impl_->out.method_size);
}

parse_step request_parser::feed(std::string_view data) {
    const bool in_head = impl_->state == parse_state::head;
    std::size_t used = 0;
    do {
        used += impl_->feed(data.substr(used)).consumed;
        const auto& limits = impl_->out.limits;
        if (std::max(impl_->left, impl_->out.chunk_sum) > limits.discard)
            throw too_large_error("a request with a body of more than " + std::to_string(limits.discard) + " bytes");
    } while (!in_head && used < data.size() && impl_->state == parse_state::body);
    return {used, impl_->state, {}};
}

}  // namespace leat::http
