#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tls/openssl.hpp"

namespace leat::detail {

/// The host names that a certificate is for: its alternative names, or, if it has no such, its common name. In lower case; what is no name of
/// a host is left out.
std::vector<std::string> host_names(const X509* certificate);
/// How well a certificate's name ("example.org", "*.example.org") fits the one that a client asks for.
enum class name_match { none, wildcard, exact };
name_match match_name(std::string_view pattern, std::string_view asked) noexcept;
/// As a client sends it, made comparable: lower case, without a dot at the end.
std::string comparable_name(std::string_view asked);

// For people and logs: control characters are replaced, and nothing is longer than a line.

/// "CN=alice,O=Example"; empty if it has none.
std::string subject_of(const X509* certificate);
std::string common_name(const X509_NAME* of);
/// The alternative names: hosts, numeric addresses, mail addresses, URIs; at most 100.
std::vector<std::string> alternative_names(const X509* certificate);
/// Those that matter to whom wanted another: "a.example, b.example and 3 more".
std::string names_in_brief(const X509* certificate);
/// SHA-256 of its DER form, as 64 hex digits.
std::string fingerprint_of(const X509* certificate);

}  // namespace leat::detail
