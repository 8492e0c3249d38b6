#pragma once
#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace leat {

/// The name of a file. A thin string, since `<filesystem>` alone would cost each user a third of a second to compile;
/// converts from strings and from `std::filesystem::path`, and to anything that is made from a string.
class path {
public:
    path() = default;
    /// From text, which is not looked at.
    path(std::string text) : text_(std::move(text)) {}
    /// The same.
    path(std::string_view text) : text_(text) {}
    /// The same.
    path(const char* text) : text_(text) {}
    /// From `std::filesystem::path` and its like.
    template <class P>
        requires requires(const P& p) {
            { p.native() } -> std::convertible_to<std::string>;
        }
    path(const P& p) : text_(p.native()) {}

    /// The text.
    const std::string& string() const noexcept { return text_; }
    /// The text, under the name that `std::filesystem::path` has for it.
    const std::string& native() const noexcept { return text_; }
    /// The text for C.
    const char* c_str() const noexcept { return text_.c_str(); }
    /// Is there no text?
    bool empty() const noexcept { return text_.empty(); }
    /// The text.
    operator std::string_view() const noexcept { return text_; }

    /// The part after the last '/', empty if the path ends with one.
    std::string_view file_name() const noexcept {
        auto slash = text_.rfind('/');
        return slash == std::string::npos ? std::string_view{text_} : std::string_view{text_}.substr(slash + 1);
    }
    /// The part before the last '/': "." if there is none, "/" for a name in the root.
    std::string_view parent() const noexcept {
        auto slash = text_.rfind('/');
        if (slash == std::string::npos) return ".";
        return std::string_view{text_}.substr(0, slash == 0 ? 1 : slash);
    }

    /// A name in a directory; an absolute name stays as it is. Allocates the text.
    friend path operator/(const path& directory, std::string_view name) {
        if (directory.empty() || name.starts_with('/')) return path{name};
        std::string joined = directory.text_;
        if (!joined.ends_with('/')) joined += '/';
        return path{joined.append(name)};
    }
    /// The same text; two names of one file are not equal.
    friend bool operator==(const path&, const path&) = default;

private:
    std::string text_;
};

/// The name under which to keep what a URL points at: its last segment, percent-decoded, without anything that could
/// leave the directory or confuse a terminal (no '/', no "..", no control characters), at most 255 bytes, never empty
/// ("index.html" where the URL names no file). Allocates the name.
path file_name_of(std::string_view url);

}  // namespace leat
