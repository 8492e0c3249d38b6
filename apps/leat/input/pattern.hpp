#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/// A URL that stands for many: "[001-100]" (the width is kept), "[0-100:10]", "[a-z]", "[a-z:2]", "{one,two,}". Several of them: every combination, the last one
/// varying fastest. A backslash takes a bracket, a brace, a comma or a backslash as it is. Brackets around the address in "//[::1]:80/" are none, and neither
/// is "[]". The results are made one at a time.
class url_pattern {
public:
    static constexpr std::uint64_t most = 1'000'000;

    /// Throws std::invalid_argument with the column: unbalanced, "[5-1]" without sense, more than `most` results.
    explicit url_pattern(std::string_view text);

    /// Does it stand for itself alone?
    bool plain() const noexcept { return varying_.empty(); }
    /// How many results in all.
    std::uint64_t size() const noexcept { return size_; }
    /// The next result; nothing at the end.
    std::optional<std::string> next();
    /// "#1" in the text becomes what the first pattern stood for in the last result, and so on; "#9" where there are fewer stays, as does '#' without a number.
    std::string substitute(std::string_view text) const;

private:
    struct part {
        std::vector<std::string> choices;  // of "{…}"; a literal is a choice of one
        bool range = false;
        bool letters = false;
        std::uint64_t first = 0, step = 1;
        unsigned width = 0;
        std::uint64_t count = 1;
        std::uint64_t at = 0;  // the present one
        std::string value() const;
    };
    std::size_t parse_range(std::string_view text, std::size_t at);
    std::size_t parse_choices(std::string_view text, std::size_t at);
    void add_literal(std::string literal);

    std::vector<part> parts_;
    std::vector<std::size_t> varying_;  // which of them are patterns
    std::uint64_t size_ = 1;
    std::uint64_t given_ = 0;
};

}  // namespace tool
