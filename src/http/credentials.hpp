#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/challenge.hpp"
#include "http/digest.hpp"
#include "leat/http/client.hpp"

namespace leat::detail {

/// http::credentials with memory of its own.
struct login {
    login() = default;
    explicit login(const http::credentials& from) : user(from.user), password(from.password), how(from.how) {}
    login(std::string_view name, std::string_view secret) : user(name), password(secret) {}

    bool empty() const noexcept { return user.empty() && (password.empty() || (how != http::credentials::scheme::bearer && !at_once)); }

    std::string user;
    std::string password;
    http::credentials::scheme how = http::credentials::scheme::automatic;
    bool at_once = false;  // basic without being asked, whoever may read it: they stood in the URL
};

/// What is known of how one server or one proxy wants to be told who asks.
class authenticator {
public:
    /// What to show with a request; empty: nothing, until it asks. `hidden`: nobody on the way can read it. Without `body` it is not in memory.
    std::string show(const login& who, std::string_view method, std::string_view target, bool hidden, std::optional<std::string_view> body = std::string_view{});
    /// It has asked, after it had been shown that (or nothing). True: there is another answer to try. `again`: this request has answered it before.
    bool asked(const std::vector<auth_challenge>& challenges, const login& who, std::string_view shown, bool again, bool body_in_memory = true);

private:
    std::optional<digest_challenge> digest_;
    std::string own_nonce_;
    std::uint32_t count_ = 0;
    bool wants_basic_ = false;
};

}  // namespace leat::detail
