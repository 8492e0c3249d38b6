#include "leat/log/printable.hpp"

#include <algorithm>

#include "log/utf8.hpp"

namespace leat {

std::string printable(std::string_view text) {
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7F; };
    std::string out;
    while (!text.empty()) {
        // Nearly every text is plain ASCII and is copied in one piece.
        const auto run = static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin());
        out.append(text.substr(0, run));
        text.remove_prefix(run);
        if (text.empty()) break;
        const auto c = utf8::decode(text);
        const bool harmless = c.valid && !utf8::is_control(c.code) && !utf8::is_reordering(c.code);
        out.append(harmless ? text.substr(0, c.size) : utf8::replacement);
        text.remove_prefix(c.size);
    }
    return out;
}

std::string printable(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return printable(text);
    // Back to the start of a character, so that a valid one is not cut into invalid bytes.
    std::size_t cut = limit;
    while (cut > 0 && limit - cut < 3 && (static_cast<unsigned char>(text[cut]) & 0xC0u) == 0x80) --cut;
    return printable(text.substr(0, cut)) + "…";
}

}  // namespace leat
