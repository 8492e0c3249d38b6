// Names that a server gives, and paths made of URLs: components that do no harm. And ranges as the journal keeps them.

#include <cstdint>
#include <cstdlib>

#include "download/naming.hpp"
#include "download/ranges.hpp"
#include "http/safe_name.hpp"
#include "leat/http/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    const auto require = [](bool holds) {
        if (!holds) std::abort();
    };
    const std::string name = leat::detail::name_from_disposition(data);
    require(name.size() <= 255 && name.find('/') == std::string::npos && !name.starts_with('.'));
    require(leat::http::safe_visible_component(name) == name);
    try {
        const std::string path = leat::detail::mirror_path_of("http://h/" + std::string{data});
        require(path.starts_with("h/") && !path.ends_with('/') && (path + "/").find("/../") == std::string::npos && path.find("//") == std::string::npos);
    } catch (const leat::http::error&) {
    }
    if (const auto ranges = leat::detail::byte_ranges::decoded(data)) {
        leat::detail::byte_ranges again;
        for (const auto& span : ranges->spans()) again.add(span);
        require(again.spans() == ranges->spans());
        require(leat::detail::byte_ranges::decoded(again.encoded())->spans() == again.spans());
    }
    return 0;
}
