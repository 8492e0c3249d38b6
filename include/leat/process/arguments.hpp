#pragma once
#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leat {

/// A program and its arguments: `{"grep", "-c", pattern}`, or a vector that holds them. No shell looks at them: a space, a quote, a star mean themselves.
class arguments {
public:
    /// The program's name or path, and its arguments. Copied.
    template <class... Text>
        requires(sizeof...(Text) > 0 && (std::convertible_to<const Text&, std::string_view> && ...))
    arguments(const Text&... each) {
        list_.reserve(sizeof...(each));
        (list_.emplace_back(std::string_view{each}), ...);
    }
    /// The same as a list; it must not be empty when it is used.
    arguments(std::vector<std::string> list) : list_(std::move(list)) {}

    /// All of them, the program first.
    const std::vector<std::string>& list() const& noexcept { return list_; }
    /// The same, moved out.
    std::vector<std::string> list() && noexcept { return std::move(list_); }

private:
    std::vector<std::string> list_;
};

}  // namespace leat
