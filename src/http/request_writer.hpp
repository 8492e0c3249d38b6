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
    std::string_view authorization = {};  // the whole value, if any; a field of the caller's goes before it
    std::optional<std::uint64_t> content_length = {};
    bool keep_alive = true;
};

/// Appends a request's head, blank line included. Host comes first; User-Agent, Accept and Accept-Encoding (identity:
/// bytes are wanted as they lie on the server) are written where the caller set none. HTTP/1.1 keeps connections by
/// itself, so Connection is written only to close.
///
/// A method that is no token, or a target or host with a space or a control character in it, is std::invalid_argument.
void write_request_head(std::string& out, const request_head& request);

/// "Basic …", the value of Authorization for a user and a password.
std::string basic_authorization(std::string_view user, std::string_view password);

}  // namespace leat::http
