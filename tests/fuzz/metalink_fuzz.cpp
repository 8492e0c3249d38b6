// Metalink documents: whatever comes of one is below the directory, has a checksum and somewhere to come from.

#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#include "leat/download/metalink.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto require = [](bool holds) {
        if (!holds) std::abort();
    };
    try {
        for (const auto& item : leat::parse_metalink({reinterpret_cast<const char*>(bytes), size})) {
            require(!item.url.empty() && item.options && !item.options->checksum.empty());
            require(!item.name.empty() && item.name.front() != '/' && item.name.front() != '.' && item.name.back() != '/');
            require(("/" + item.name + "/").find("/../") == std::string::npos);
            for (char c : item.name) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
        }
    } catch (const std::invalid_argument&) {
    }
    return 0;
}
