// Feeds a response whole and in pieces: both must come to the same, and bodies must be views of what was fed.

#include <cstdint>
#include <string>

#include "http/message_parser.hpp"
#include "leat/http/error.hpp"
#include "require.hpp"

using namespace leat::http;

namespace {

struct outcome {
    bool accepted = false;
    int status = 0;
    std::string fields, body;
    std::size_t consumed = 0;
    bool operator==(const outcome&) const = default;
};

outcome run(message_parser& parser, std::string_view data, std::size_t portion) {
    outcome out;
    try {
        while (!data.empty() && parser.state() != parse_state::complete) {
            const std::string piece{data.substr(0, portion)};
            const auto step = parser.feed(piece);
            require(step.consumed > 0 && step.consumed <= piece.size());
            if (!step.body.empty()) {
                require(step.body.data() >= piece.data());
                require(step.body.data() + step.body.size() <= piece.data() + piece.size());
            }
            out.body += step.body;
            out.consumed += step.consumed;
            data.remove_prefix(step.consumed);
        }
        parser.feed_eof();
    } catch (const error&) {
        return {};
    }
    out.accepted = true;
    out.status = parser.status();
    for (auto f : parser.headers()) out.fields.append(f.name).append(":").append(f.value).append("\n");
    for (auto f : parser.trailers()) out.fields.append(f.name).append(":").append(f.value).append("\n");
    require(parser.received() == out.body.size());
    require(parser.framing() != framing::content_length || parser.content_length() == out.body.size());
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 2) return 0;
    const bool to_head = (bytes[0] & 1) != 0;
    const std::size_t portion = 1 + bytes[1] % 32;
    const std::string_view data{reinterpret_cast<const char*>(bytes) + 2, size - 2};
    message_parser parser{{.head = 4096, .fields = 16, .chunk_extension = 64, .interim = 2}};
    parser.reset(to_head);
    const auto whole = run(parser, data, data.size());
    parser.reset(to_head);
    require(run(parser, data, portion) == whole);
    return 0;
}
