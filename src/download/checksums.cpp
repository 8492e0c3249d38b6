#include "leat/download/checksums.hpp"

#include <algorithm>
#include <stdexcept>

#include "download/hasher.hpp"
#include "http/ascii.hpp"
#include "leat/log/printable.hpp"

namespace leat {
namespace {

namespace ascii = http::ascii;

/// "\\n" for a line break, as sha256sum writes names that hold one. Nothing if it is none of its escapes.
std::optional<std::string> unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        if (++i == text.size()) return std::nullopt;
        if (text[i] == 'n') out += '\n';
        else if (text[i] == 'r') out += '\r';
        else if (text[i] == '\\') out += '\\';
        else return std::nullopt;
    }
    return out;
}

/// "SHA256", "SHA2-256" and "SHA-256" are one.
std::string_view without_family(std::string_view algorithm) {
    return algorithm.size() > 5 && ascii::equal(algorithm.substr(0, 5), "sha2-") ? algorithm.substr(5) : algorithm;
}

struct parts {
    std::string checksum;  // as expected_digest takes it
    std::string_view name;
};

/// HEX, a blank, a blank or '*', NAME. Nothing if it does not look like that.
std::optional<parts> plain_line(std::string_view line) {
    const auto end = std::find_if(line.begin(), line.end(), [](char c) { return ascii::hex_value(c) < 0; });
    const auto digits = static_cast<std::size_t>(end - line.begin());
    if (digits == 0 || line.size() < digits + 3 || line[digits] != ' ' || (line[digits + 1] != ' ' && line[digits + 1] != '*')) return std::nullopt;
    return parts{std::string{line.substr(0, digits)}, line.substr(digits + 2)};
}

/// ALGORITHM (NAME) = HEX; openssl leaves out the blanks.
std::optional<parts> tagged_line(std::string_view line) {
    const auto open = line.find('('), close = line.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
    const std::string_view algorithm = without_family(ascii::trim(line.substr(0, open)));
    std::string_view behind = ascii::trim(line.substr(close + 1));
    if (algorithm.empty() || !behind.starts_with('=')) return std::nullopt;
    behind.remove_prefix(1);
    // "SHA2-256" became "256".
    const std::string family = ascii::is_digit(algorithm.front()) ? "sha" : "";
    return parts{family + std::string{algorithm} + ":" + std::string{ascii::trim(behind)}, line.substr(open + 1, close - open - 1)};
}

}  // namespace

std::vector<file_checksum> parse_checksums(std::string_view text) {
    std::vector<file_checksum> all;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (ascii::trim(line).empty() || line.starts_with('#')) continue;
        const auto refuse = [&](std::string_view why) {
            return std::invalid_argument("line " + std::to_string(number) + " of the checksums: " + std::string{why} + ": '" + printable(line, 200) + "'");
        };
        const bool escaped = line.starts_with('\\');
        const std::string_view content = line.substr(escaped ? 1 : 0);
        auto found = plain_line(content);
        if (!found) found = tagged_line(content);
        if (!found) throw refuse("neither 'HEX  NAME' nor 'ALGORITHM (NAME) = HEX'");
        std::string name{found->name};
        if (escaped) {
            auto plain = unescaped(name);
            if (!plain) throw refuse("the name is not escaped as it should be");
            name = std::move(*plain);
        }
        while (name.starts_with("./")) name.erase(0, 2);
        if (name.empty()) throw refuse("no name");
        std::string checksum;
        try {
            checksum = detail::expected_digest::parse(found->checksum).to_string();
        } catch (const std::invalid_argument& e) {
            throw refuse(e.what());
        }
        all.push_back({std::move(name), std::move(checksum)});
    }
    return all;
}

}  // namespace leat
