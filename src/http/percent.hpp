#pragma once

#include <string>
#include <string_view>

namespace leat::http {

/// Percent-encodes every byte that is not an RFC 3986 unreserved character or in `keep`.
std::string percent_encode(std::string_view text, std::string_view keep = {});

/// Decodes each %XX; a per cent sign without two hexadecimal digits behind it stays as it is, as in curl.
std::string percent_decode(std::string_view text);

/// Appends one byte as %XX.
void append_percent(std::string& out, char byte);

}  // namespace leat::http
