// Files of checksums, Repr-Digest fields, and checksums as they are given.

#include <cstdint>
#include <cstdlib>
#include <stdexcept>

#include "download/hasher.hpp"
#include "leat/download/checksums.hpp"

using leat::detail::expected_digest;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    const auto require = [](bool holds) {
        if (!holds) std::abort();
    };
    try {
        for (const auto& line : leat::parse_checksums(data)) {
            require(!line.name.empty());
            require(expected_digest::parse(line.checksum).to_string() == line.checksum);
        }
    } catch (const std::invalid_argument&) {
    }
    try {
        const auto digest = expected_digest::parse(data);
        require(leat::detail::hasher{digest.algorithm}.finish().size() == digest.value.size());
    } catch (const std::invalid_argument&) {
    }
    if (const auto digest = expected_digest::of_field(data)) require(digest->value.size() == (digest->algorithm == "sha512" ? 64 : 32));
    return 0;
}
