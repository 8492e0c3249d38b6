#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/challenge.hpp"

namespace leat::detail {

/// How a server wants to be shown that the client knows the password without being told it (RFC 7616; of RFC 2069 what still lives).
struct digest_challenge {
    enum class algorithm : std::uint8_t { md5, sha256, sha512_256 };
    /// Nothing: another scheme, or one that leat cannot answer (an unknown algorithm or qop, no nonce).
    static std::optional<digest_challenge> from(const auth_challenge& challenge);

    std::string realm;
    std::string nonce;
    std::optional<std::string> opaque;
    std::string named;  // the algorithm as the server wrote it; empty: it did not
    algorithm how = algorithm::md5;
    bool session = false;   // "-sess"
    bool has_qop = false;   // auth is offered, or
    bool integrity = false; // auth-int alone: the answer covers the body, too
    bool stale = false;     // the password was right, only the nonce is too old
    bool hash_user = false;
    bool utf8 = false;
};

/// What is shown: the value of Authorization. `count` is how often the nonce has been used, this time included; `body` is the request's, for auth-int.
std::string digest_answer(const digest_challenge& to, std::string_view user, std::string_view password, std::string_view method, std::string_view target,
                          std::uint32_t count, std::string_view own_nonce, std::string_view body = {});

}  // namespace leat::detail
