// Feeds a request whole and in pieces: both must come to the same.

#include <cstdint>
#include <string>

#include "http/request_parser.hpp"
#include "leat/http/error.hpp"
#include "require.hpp"

using namespace leat::http;

namespace {

struct outcome {
    bool complete = false;
    std::string text;
    std::size_t consumed = 0;
    bool operator==(const outcome&) const = default;
};

outcome run(request_parser& parser, std::string_view data, std::size_t portion) {
    outcome out;
    try {
        while (!data.empty() && parser.state() != parse_state::complete) {
            const auto step = parser.feed(std::string(data.substr(0, portion)));
            require(step.consumed > 0 && step.body.empty());
            out.consumed += step.consumed;
            data.remove_prefix(step.consumed);
        }
    } catch (const error&) {
        return {};
    }
    if (parser.state() != parse_state::complete) return {};
    out.complete = true;
    out.text.append(parser.method()).append(" ").append(parser.target()).append("\n");
    for (auto f : parser.headers()) out.text.append(f.name).append(":").append(f.value).append("\n");
    require(out.text.find('\0') == std::string::npos && out.text.find('\r') == std::string::npos);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 1) return 0;
    const std::size_t portion = 1 + bytes[0] % 32;
    const std::string_view data{reinterpret_cast<const char*>(bytes) + 1, size - 1};
    request_parser parser{{.head = 4096, .fields = 16, .chunk_extension = 64, .discard = 128}};
    const auto whole = run(parser, data, data.size());
    parser.reset();
    require(run(parser, data, portion) == whole);
    return 0;
}
