#include "download/name_table.hpp"

#include <algorithm>
#include <functional>

namespace leat::detail {
namespace {

constexpr std::size_t longest_name = 255;

std::uint64_t hash_of(std::string_view directory, std::string_view name) noexcept {
    const std::uint64_t both = std::hash<std::string_view>{}(directory) * 0x9e3779b97f4a7c15u ^ std::hash<std::string_view>{}(name);
    return both == 0 ? 1 : both;
}

}  // namespace

std::string name_table::numbered(std::string_view name, std::uint32_t number) {
    const std::string suffix = "." + std::to_string(number);
    const std::size_t slash = name.rfind('/');
    const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
    return std::string{name.substr(0, start + std::min(name.size() - start, longest_name - suffix.size()))} + suffix;
}

std::uint32_t name_table::claim(std::string_view directory, std::string_view name) {
    if (used_ * 4 >= slots_.size() * 3) grow();
    const std::uint64_t hash = hash_of(directory, name);
    slot* const wanted = &at(hash);
    if (wanted->hash == 0) {
        wanted->hash = hash;
        ++used_;
        return 0;
    }
    std::uint32_t number = wanted->next;
    for (;; ++number) {
        const std::uint64_t other = hash_of(directory, numbered(name, number));
        slot& free = at(other);
        if (free.hash != 0) continue;
        wanted->next = number + 1;
        free.hash = other;
        ++used_;
        return number;
    }
}

name_table::slot& name_table::at(std::uint64_t hash) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t place = static_cast<std::size_t>(hash ^ (hash >> 29)) & mask;
    while (slots_[place].hash != 0 && slots_[place].hash != hash) place = (place + 1) & mask;
    return slots_[place];
}

void name_table::grow() {
    std::vector<slot> old = std::move(slots_);
    slots_.assign(std::max<std::size_t>(old.size() * 2, 16), slot{});
    for (const slot& each : old)
        if (each.hash != 0) at(each.hash) = each;
}

}  // namespace leat::detail
