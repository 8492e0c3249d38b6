#include "http/http2/request_fields.hpp"

#include "http/ascii.hpp"

namespace leat::detail {
namespace {

/// What belongs to one HTTP/1.1 connection (RFC 9113 8.2.2), and what a pseudo field says.
bool is_not_for_http2(std::string_view name, std::string_view value) {
    for (std::string_view of_connection : {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Host"})
        if (http::ascii::equal(name, of_connection)) return true;
    return http::ascii::equal(name, "TE") && !http::ascii::equal(value, "trailers");
}

std::uint8_t* bytes(std::string_view text) { return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data())); }  // check-idioms: allow cast, nghttp2's bytes

}  // namespace

void http2_request_fields::add(std::string_view name, std::string_view value) {
    fields_.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
}

void http2_request_fields::add_lowered(std::string_view name, std::string_view value) {
    const std::size_t at = names_.size();  // within what from() has reserved
    for (char c : name) names_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    add(std::string_view{names_}.substr(at), value);
    // Not to be guessed at by who can choose other fields of the same connection.
    if (http::ascii::equal(name, "Authorization") || http::ascii::equal(name, "Proxy-Authorization") || (http::ascii::equal(name, "Cookie") && value.size() < 20))
        fields_.back().flags = NGHTTP2_NV_FLAG_NO_INDEX;
}

void http2_request_fields::add_all(const http::headers& fields, const http::request_head& head, bool added) {
    for (auto field : fields) {
        if (is_not_for_http2(field.name, field.value) || (head.sends_body() && http::ascii::equal(field.name, "Content-Length"))) continue;
        if (added && head.fields && head.fields->contains(field.name)) continue;
        add_lowered(field.name, field.value);
    }
}

const std::vector<nghttp2_nv>& http2_request_fields::from(const http::request_head& head, std::string_view scheme) {
    fields_.clear();
    names_.clear();
    std::size_t size = 0;
    for (const http::headers* all : {head.fields, head.added})
        if (all)
            for (auto field : *all) size += field.name.size();
    names_.reserve(size);
    host_ = head.fields ? head.fields->get("Host").value_or(head.host) : head.host;
    add(":method", head.method);
    add(":scheme", scheme);
    add(":authority", host_);
    add(":path", head.target);
    if (!head.has("User-Agent")) add("user-agent", head.user_agent.empty() ? http::default_user_agent() : head.user_agent);
    if (!head.has("Accept")) add("accept", "*/*");
    if (!head.has("Accept-Encoding")) add("accept-encoding", head.accept_encoding);
    if (head.content_length) {
        number_ = std::to_string(*head.content_length);
        add("content-length", number_);
    }
    if (head.fields) add_all(*head.fields, head, false);
    if (head.added) add_all(*head.added, head, true);
    return fields_;
}

}  // namespace leat::detail
