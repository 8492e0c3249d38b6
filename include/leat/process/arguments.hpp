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
    template <class... Text>
        requires(sizeof...(Text) > 0 && (std::convertible_to<const Text&, std::string_view> && ...))
    arguments(const Text&... each) {
        list_.reserve(sizeof...(each));
        (list_.emplace_back(std::string_view{each}), ...);
    }
    arguments(std::vector<std::string> list) : list_(std::move(list)) {}

    const std::vector<std::string>& list() const& noexcept { return list_; }
    std::vector<std::string> list() && noexcept { return std::move(list_); }

private:
    std::vector<std::string> list_;
};

}  // namespace leat
