#include "http/request_writer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <stdexcept>

#include "http/ascii.hpp"
#include "leat/log/printable.hpp"

namespace leat::http {

namespace {

void check(std::string_view what, std::string_view value) {
    const auto bad = [](char c) { return c == ' ' || ascii::is_control(c); };
    if (value.empty() || std::any_of(value.begin(), value.end(), bad))
        throw std::invalid_argument("http request: bad " + std::string(what) + " \"" + printable(value) + "\"");
}

void put(std::string& out, std::initializer_list<std::string_view> pieces) {
    for (auto piece : pieces) out.append(piece);
}

}  // namespace

void check_request_head(const request_head& request) {
    if (!ascii::is_token(request.method))
        throw std::invalid_argument("http request: bad method \"" + printable(request.method) + "\"");
    check("target", request.target);
    check("host", request.host);
    if (ascii::breaks_line(request.user_agent)) throw std::invalid_argument("http request: CR, LF or NUL in the user agent");
}

std::string_view default_user_agent() noexcept { return "leat/0.1"; }

void write_request_head(std::string& out, const request_head& request) {
    check_request_head(request);
    const auto own = [&](std::string_view name) { return request.has(name); };

    put(out, {request.method, " ", request.target, " HTTP/1.1\r\n"});
    if (!own("Host")) put(out, {"Host: ", request.host, "\r\n"});
    if (!own("User-Agent")) put(out, {"User-Agent: ", request.user_agent.empty() ? default_user_agent() : request.user_agent, "\r\n"});
    if (!own("Accept")) out.append("Accept: */*\r\n");
    if (!own("Accept-Encoding")) put(out, {"Accept-Encoding: ", request.accept_encoding, "\r\n"});
    if (request.content_length) {
        std::array<char, 20> digits;
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *request.content_length).ptr;
        put(out, {"Content-Length: ", {digits.data(), static_cast<std::size_t>(end - digits.data())}, "\r\n"});
    }
    if (request.chunked) out.append("Transfer-Encoding: chunked\r\n");
    if (!request.keep_alive && !own("Connection")) out.append("Connection: close\r\n");
    if (request.fields) {
        for (auto field : *request.fields) {
            // Two lengths in one request would be smuggling, were they to differ.
            if (request.sends_body() && ascii::equal(field.name, "Content-Length")) continue;
            if (request.chunked && ascii::equal(field.name, "Transfer-Encoding")) continue;
            put(out, {field.name, ": ", field.value, "\r\n"});
        }
    }
    if (request.added)
        for (auto field : *request.added)
            if (!request.fields || !request.fields->contains(field.name)) put(out, {field.name, ": ", field.value, "\r\n"});
    out.append("\r\n");
}

std::string basic_authorization(std::string_view user, std::string_view password) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string plain;
    put(plain, {user, ":", password});
    std::string out = "Basic ";
    for (std::size_t i = 0; i < plain.size(); i += 3) {
        const auto byte = [&](std::size_t k) {
            return i + k < plain.size() ? static_cast<unsigned>(static_cast<unsigned char>(plain[i + k])) : 0u;
        };
        const unsigned bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        out += alphabet[bits >> 18];
        out += alphabet[bits >> 12 & 63];
        out += i + 1 < plain.size() ? alphabet[bits >> 6 & 63] : '=';
        out += i + 2 < plain.size() ? alphabet[bits & 63] : '=';
    }
    return out;
}

}  // namespace leat::http
