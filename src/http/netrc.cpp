#include "http/netrc.hpp"

#include <algorithm>

#include "http/ascii.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct words {
    std::string_view rest;

    void skip_space() noexcept {
        while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
    }
    void skip_line() noexcept { rest.remove_prefix(std::min(rest.find('\n'), rest.size())); }
    /// Up to an empty line, or the end.
    void skip_macro() noexcept {
        skip_line();
        while (!rest.empty()) {
            rest.remove_prefix(1);  // the end of a line
            const auto end = std::min(rest.find('\n'), rest.size());
            const std::string_view line = rest.substr(0, end);
            rest.remove_prefix(end);
            if (std::all_of(line.begin(), line.end(), is_space)) return;
        }
    }
    /// Takes what is quoted in front. False: it does not end on its line, and nothing is taken.
    bool quoted(std::string& word) {
        std::size_t i = 1;
        for (; i < rest.size() && rest[i] != '"' && rest[i] != '\n'; ++i) {
            char c = rest[i];
            if (c == '\\' && i + 1 < rest.size() && rest[i + 1] != '\n') {
                c = rest[++i];
                c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
            }
            word += c;
        }
        if (i >= rest.size() || rest[i] != '"') return false;
        rest.remove_prefix(i + 1);
        return true;
    }
    std::string next() {
        skip_space();
        std::string word;
        // A lone quote is a character of an older file's password: taken for one that opens, it would make the next hosts' secrets a part of this one's.
        if (rest.starts_with('"') && quoted(word)) return word;
        const auto end = static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), is_space) - rest.begin());
        word = rest.substr(0, end);
        rest.remove_prefix(end);
        return word;
    }
};

}  // namespace

netrc netrc::parse(std::string_view text) {
    netrc made;
    words from{text};
    for (;;) {
        from.skip_space();
        if (from.rest.empty()) break;
        if (from.rest.front() == '#') {
            from.skip_line();
            continue;
        }
        const std::string keyword = from.next();
        if (keyword == "machine") {
            entry one;
            one.machine = from.next();
            std::transform(one.machine.begin(), one.machine.end(), one.machine.begin(), ascii::lower);
            made.entries_.push_back(std::move(one));
        } else if (keyword == "default") {
            made.entries_.emplace_back().is_default = true;
        } else if (keyword == "macdef") {
            from.skip_macro();
        } else if (keyword == "login" || keyword == "user") {
            std::string login = from.next();
            if (!made.entries_.empty()) made.entries_.back().login = std::move(login);
        } else if (keyword == "password") {
            std::string password = from.next();
            if (!made.entries_.empty()) made.entries_.back().password = std::move(password);
        } else if (keyword == "account") {
            from.next();
        }
    }
    return made;
}

const netrc::entry* netrc::find(std::string_view host, std::string_view user) const noexcept {
    const auto fits = [&](const entry& one) { return user.empty() || one.login == user; };
    for (const entry& one : entries_)
        if (!one.is_default && ascii::equal(one.machine, host) && fits(one)) return &one;
    for (const entry& one : entries_)
        if (one.is_default && fits(one)) return &one;
    return nullptr;
}

}  // namespace leat::detail
