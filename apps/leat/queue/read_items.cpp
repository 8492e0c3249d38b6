#include "queue/read_items.hpp"

#include <string_view>

#include "leat/fs/file.hpp"

namespace tool {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

leat::task<> read_items(std::string name, std::vector<leat::download_item>& items) {
    if (name == "-") name = "/dev/stdin";
    auto list = co_await leat::open(name, "r");
    while (auto line = co_await list.read_line()) {
        const auto url = trimmed(*line);
        if (!url.empty() && !url.starts_with('#')) items.push_back({std::string{url}, {}, {}});
    }
    co_await list.close();
}

}  // namespace tool
