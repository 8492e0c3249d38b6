// The first byte chooses the codings, the second where the rest is split. Whatever the bytes are: an error of http or content, the same
// however the input is cut, and no piece larger than promised.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "http/content_decoder.hpp"
#include "leat/http/error.hpp"
#include "require.hpp"

using leat::detail::content_decoder;

namespace {

constexpr std::array codings{"gzip", "deflate", "br", "zstd", "deflate, gzip", "zstd, br", "gzip, deflate, gzip"};
constexpr std::size_t enough = 1'000'000;  // a bomb is cut off here: that it costs no more is what its reader decides

struct outcome {
    std::string content;
    bool failed = false;
    bool truncated = false;
};

void take(content_decoder& decoder, outcome& so_far) {
    for (auto piece = decoder.next(); !piece.empty() && so_far.content.size() < enough; piece = decoder.next()) {
        require(piece.size() <= 64 * 1024);
        so_far.content += piece;
    }
}

outcome decode(const char* name, std::string_view data, std::size_t step) {
    outcome found;
    auto decoder = content_decoder::for_codings(name);
    try {
        while (!data.empty() && found.content.size() < enough) {
            decoder->feed(data.substr(0, step));
            take(*decoder, found);
            data.remove_prefix(std::min(step, data.size()));
        }
        if (found.content.size() < enough) decoder->finish();
    } catch (const leat::http::truncated_error& e) {
        require(e.received() <= found.content.size() || std::string_view{name}.find(',') != std::string_view::npos);
        found.truncated = true;
    } catch (const leat::http::protocol_error&) {
        found.failed = true;
    }
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const char* name = codings[bytes[0] % codings.size()];
    const std::string_view data{reinterpret_cast<const char*>(bytes) + 2, size - 2};
    const outcome whole = decode(name, data, data.size() + 1);
    const outcome cut = decode(name, data, bytes[1] + std::size_t{1});
    if (whole.content.size() >= enough || cut.content.size() >= enough) return 0;
    // Where it is damaged, how much came out before may differ; what came is the same.
    require(whole.failed == cut.failed && whole.truncated == cut.truncated);
    if (whole.failed) {
        const auto shorter = std::min(whole.content.size(), cut.content.size());
        require(whole.content.compare(0, shorter, cut.content, 0, shorter) == 0);
    } else {
        require(whole.content == cut.content);
    }
    try {
        (void)content_decoder::for_codings(data);
    } catch (const leat::http::protocol_error&) {
    }
    return 0;
}
