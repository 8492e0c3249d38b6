#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::detail {

/// A file in netrc's form: users and passwords by host.
///
///     machine example.org login me password "with \"quotes\""
///     default login anonymous password me@
///
/// Quotes end on their line. A '#' where a keyword may be begins a comment; macros (macdef, up to an empty line) and accounts are passed over.
class netrc {
public:
    struct entry {
        std::string machine;  // lower case
        std::string login;
        std::string password;
        bool is_default = false;
    };
    static netrc parse(std::string_view text);
    /// The first for that host, else the default; with a user only one of that user's. Null: none. Valid as long as this.
    const entry* find(std::string_view host, std::string_view user = {}) const noexcept;
    const std::vector<entry>& entries() const noexcept { return entries_; }

private:
    std::vector<entry> entries_;
};

}  // namespace leat::detail
