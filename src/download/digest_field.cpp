// Repr-Digest (RFC 9530), a dictionary in the sense of RFC 8941: "sha-256=:BASE64:, sha-512=:BASE64:". All of it has to be sound; what is not a known digest is then
// passed over.

#include <algorithm>

#include "download/hasher.hpp"
#include "http/ascii.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

constexpr std::size_t longest_field = 16 * 1024;

/// Without the padding, whose absence RFC 8941 lets pass; nothing if there is another character.
std::optional<std::string> from_base64(std::string_view text) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (char c : text) {
        unsigned value;
        if (c >= 'A' && c <= 'Z') value = static_cast<unsigned>(c - 'A');
        else if (c >= 'a' && c <= 'z') value = static_cast<unsigned>(c - 'a') + 26;
        else if (ascii::is_digit(c)) value = static_cast<unsigned>(c - '0') + 52;
        else if (c == '+') value = 62;
        else if (c == '/') value = 63;
        else return std::nullopt;
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += static_cast<char>(bits >> held & 0xFFu);
        }
    }
    return bytes;
}

/// Goes over the text; each function says whether what it looked for was there.
class dictionary_reader {
public:
    explicit dictionary_reader(std::string_view text) noexcept : text_(text) {}

    bool at_end() const noexcept { return text_.empty(); }
    bool skip(char c) noexcept {
        if (!text_.starts_with(c)) return false;
        text_.remove_prefix(1);
        return true;
    }
    void skip_blanks(bool tabs) noexcept {
        while (text_.starts_with(' ') || (tabs && text_.starts_with('\t'))) text_.remove_prefix(1);
    }
    std::optional<std::string_view> key() noexcept {
        const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
        if (text_.empty() || !(is_lower(text_[0]) || text_[0] == '*')) return std::nullopt;
        return take([&](char c) { return is_lower(c) || ascii::is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*'; });
    }
    /// An item or an inner list, with its parameters. `bytes` gets the value of a byte sequence.
    bool member(std::optional<std::string>& bytes) {
        if (!skip('(')) return item(bytes) && parameters();
        for (std::optional<std::string> unused;;) {
            skip_blanks(false);
            if (skip(')')) return parameters();
            if (!item(unused) || !parameters()) return false;
            if (!text_.starts_with(' ') && !text_.starts_with(')')) return false;
        }
    }
    bool parameters() {
        while (skip(';')) {
            skip_blanks(false);
            std::optional<std::string> unused;
            if (!key() || (skip('=') && !item(unused))) return false;
        }
        return true;
    }

private:
    template <class Predicate>
    std::string_view take(Predicate belongs) noexcept {
        const auto end = std::find_if_not(text_.begin(), text_.end(), belongs);
        const std::string_view found = text_.substr(0, static_cast<std::size_t>(end - text_.begin()));
        text_.remove_prefix(found.size());
        return found;
    }
    bool item(std::optional<std::string>& bytes) {
        bytes.reset();
        if (skip(':')) {
            const auto end = text_.find(':');
            if (end == std::string_view::npos) return false;
            bytes = from_base64(text_.substr(0, end));
            text_.remove_prefix(end + 1);
            return bytes.has_value();
        }
        if (skip('"')) return string();
        if (skip('?')) return skip('0') || skip('1');
        if (text_.empty()) return false;
        if (ascii::is_digit(text_[0]) || text_[0] == '-') return number();
        if (!ascii::is_alpha(text_[0]) && text_[0] != '*') return false;
        take([](char c) { return ascii::is_token_char(c) || c == ':' || c == '/'; });
        return true;
    }
    bool string() {
        while (!text_.empty()) {
            const char c = text_[0];
            text_.remove_prefix(1);
            if (c == '"') return true;
            if (ascii::is_control(c) || !ascii::is_ascii(c)) return false;
            if (c == '\\' && !skip('"') && !skip('\\')) return false;
        }
        return false;
    }
    bool number() {
        skip('-');
        const auto whole = take(ascii::is_digit);
        if (whole.empty() || whole.size() > 15) return false;
        if (!skip('.')) return true;
        const auto fraction = take(ascii::is_digit);
        return !fraction.empty() && fraction.size() <= 3 && whole.size() <= 12;
    }

    std::string_view text_;
};

}  // namespace

std::optional<expected_digest> expected_digest::of_field(std::string_view repr_digest) {
    if (repr_digest.size() > longest_field) return std::nullopt;
    dictionary_reader in{repr_digest};
    std::optional<std::string> sha256, sha512;
    in.skip_blanks(false);
    while (!in.at_end()) {
        const auto key = in.key();
        if (!key) return std::nullopt;
        std::optional<std::string> bytes;
        if (!(in.skip('=') ? in.member(bytes) : in.parameters())) return std::nullopt;
        // A key that comes twice has its last value.
        if (*key == "sha-256") sha256 = bytes;
        if (*key == "sha-512") sha512 = bytes;
        in.skip_blanks(true);
        if (in.at_end()) break;
        if (!in.skip(',')) return std::nullopt;
        in.skip_blanks(true);
        if (in.at_end()) return std::nullopt;  // a comma with nothing behind it
    }
    if (sha512 && sha512->size() == 64) return expected_digest{"sha512", *sha512};
    if (sha256 && sha256->size() == 32) return expected_digest{"sha256", *sha256};
    return std::nullopt;
}

}  // namespace leat::detail
