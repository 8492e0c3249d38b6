#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/headers.hpp"

namespace leat::http {

struct request_head {
    std::string_view method = "GET";
    std::string_view target = "/";       // url::target()
    std::string_view host;               // url::authority()
    const headers* fields = nullptr;     // the caller's; each replaces the default of its name
    const headers* added = nullptr;      // those of a session (cookies, credentials); one of the caller's goes before those of its name
    std::optional<std::uint64_t> content_length = {};
    std::string_view user_agent = {};  // empty: default_user_agent()
    bool keep_alive = true;
    bool chunked = false;  // a body of unknown length follows
    std::string_view accept_encoding = "identity";

    bool sends_body() const noexcept { return content_length || chunked; }
    bool has(std::string_view name) const noexcept { return (fields && fields->contains(name)) || (added && added->contains(name)); }
};

/// Is it fit to be sent? A method that is no token, or a target or host with a space or a control character in it, is std::invalid_argument.
void check_request_head(const request_head& request);
/// "leat/VERSION"
std::string_view default_user_agent() noexcept;

/// Appends a request's head, blank line included. Host comes first; User-Agent, Accept and Accept-Encoding (identity:
/// bytes are wanted as they lie on the server) are written where the caller set none. HTTP/1.1 keeps connections by
/// itself, so Connection is written only to close.
///
/// Throws as check_request_head().
void write_request_head(std::string& out, const request_head& request);

/// "Basic …", the value of Authorization for a user and a password.
std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace leat::http
