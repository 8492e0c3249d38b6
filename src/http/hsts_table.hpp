#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "leat/http/hsts.hpp"

namespace leat::detail {

/// A Strict-Transport-Security field.
struct hsts_policy {
    std::uint64_t max_age = 0;  // seconds
    bool subdomains = false;
};
/// Nothing: it is to be ignored (RFC 6797 6.1).
std::optional<hsts_policy> parse_hsts(std::string_view field);

/// What an hsts_store is a handle of. The time is a parameter so that tests need not wait.
class hsts_table {
public:
    bool covers(std::string_view host, std::int64_t now) const;
    bool take(std::string_view host, std::string_view field, std::int64_t now);
    void set(http::hsts_host one);
    bool remove(std::string_view host);
    std::vector<http::hsts_host> all(std::int64_t now) const;
    std::size_t size() const noexcept { return hosts_.size(); }
    /// curl's form.
    std::string as_file(std::int64_t now) const;
    std::size_t take_file(std::string_view text, std::int64_t now);

private:
    void shrink_to(std::size_t most);
    std::unordered_map<std::string, http::hsts_host> hosts_;
};

}  // namespace leat::detail
