#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/cookie_parse.hpp"
#include "http/url.hpp"

namespace leat::detail {

/// What a cookie_jar is a handle of. The time is a parameter so that tests need not wait.
class cookie_store {
public:
    bool take(const http::url& from, std::string_view field, std::int64_t now);
    void set(http::cookie one, std::int64_t now);
    std::string header_for(const http::url& to, std::int64_t now);
    std::vector<http::cookie> matching(const http::url& to, std::int64_t now);
    std::vector<http::cookie> all(std::int64_t now) const;
    std::size_t remove(std::string_view domain, std::string_view path, std::string_view name);
    void end_session();
    void clear() noexcept;
    std::size_t size() const noexcept { return count_; }

    /// Netscape's form.
    std::string as_file(bool session_cookies, std::int64_t now) const;
    std::size_t take_file(std::string_view text, std::int64_t now);

private:
    struct kept {
        http::cookie cookie;
        std::uint64_t created = 0;  // in their order
        std::uint64_t used = 0;
    };
    std::vector<kept*> find(const http::url& to, std::int64_t now);
    bool hides_secure(const set_cookie& cookie, std::string_view domain, std::string_view path, std::int64_t now) const;
    /// Throws std::invalid_argument for one that could not be sent; the domain becomes as it is kept.
    static void check(http::cookie& one);
    void put(http::cookie one, std::int64_t now);
    void keep_limit_of(const std::string& domain, std::int64_t now);
    /// Nothing goes until there are more than `tolerated`.
    void keep_limit(std::size_t tolerated, std::int64_t now);
    static constexpr std::size_t most_cookies = 3000;
    template <class Predicate>
    void forget(Predicate which);

    std::unordered_map<std::string, std::vector<kept>> domains_;
    std::size_t count_ = 0;
    std::uint64_t clock_ = 0;
};

}  // namespace leat::detail
