#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input/input.hpp"

namespace tool {

/// A URL, or a pattern of URLs.
class url_source {
public:
    url_source(std::string_view text, bool pattern);
    std::uint64_t size() const noexcept { return pattern_ ? pattern_->size() : 1; }
    bool plain() const noexcept { return !pattern_; }
    std::optional<std::string> next();
    std::string substitute(std::string_view text) const { return pattern_ ? pattern_->substitute(text) : std::string{text}; }

private:
    std::optional<url_pattern> pattern_;
    std::string text_;
    bool given_ = false;
};

/// What an input says about a file, or about as many as its pattern stands for.
struct input_entry {
    /// The first URL, and mirrors of the same file. Throws std::invalid_argument.
    input_entry(const std::vector<std::string>& urls, bool patterns);
    /// Throws std::invalid_argument for a name that cannot be that of all files.
    void set_name(std::string text);
    /// The options are complete.
    void close();
    std::optional<leat::download_item> next();

    std::vector<url_source> urls;
    std::string name;
    leat::item_options options;
    bool has_options = false;
    // aria2 has three options for what becomes of a file that is there.
    std::optional<bool> overwrites, renames, conditional;
    std::shared_ptr<const leat::item_options> shared;  // of all its files, unless mirrors vary
};

}  // namespace tool
