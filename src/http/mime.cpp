#include "http/mime.hpp"

#include <algorithm>
#include <array>

#include "http/ascii.hpp"

namespace leat::http {

namespace {

struct entry {
    std::string_view extension;
    std::string_view type;
};

// Sorted, for the binary search below.
constexpr std::array table{
    entry{"7z", "application/x-7z-compressed"},
    entry{"aac", "audio/aac"},
    entry{"apk", "application/vnd.android.package-archive"},
    entry{"avif", "image/avif"},
    entry{"bmp", "image/bmp"},
    entry{"bz2", "application/x-bzip2"},
    entry{"c", "text/plain; charset=utf-8"},
    entry{"cpp", "text/plain; charset=utf-8"},
    entry{"css", "text/css; charset=utf-8"},
    entry{"csv", "text/csv; charset=utf-8"},
    entry{"deb", "application/vnd.debian.binary-package"},
    entry{"epub", "application/epub+zip"},
    entry{"flac", "audio/flac"},
    entry{"gif", "image/gif"},
    entry{"gz", "application/gzip"},
    entry{"h", "text/plain; charset=utf-8"},
    entry{"hpp", "text/plain; charset=utf-8"},
    entry{"htm", "text/html; charset=utf-8"},
    entry{"html", "text/html; charset=utf-8"},
    entry{"ico", "image/vnd.microsoft.icon"},
    entry{"ics", "text/calendar; charset=utf-8"},
    entry{"iso", "application/x-iso9660-image"},
    entry{"jar", "application/java-archive"},
    entry{"jpeg", "image/jpeg"},
    entry{"jpg", "image/jpeg"},
    entry{"js", "text/javascript; charset=utf-8"},
    entry{"json", "application/json"},
    entry{"log", "text/plain; charset=utf-8"},
    entry{"m3u8", "application/vnd.apple.mpegurl"},
    entry{"m4a", "audio/mp4"},
    entry{"map", "application/json"},
    entry{"md", "text/markdown; charset=utf-8"},
    entry{"mjs", "text/javascript; charset=utf-8"},
    entry{"mkv", "video/x-matroska"},
    entry{"mp3", "audio/mpeg"},
    entry{"mp4", "video/mp4"},
    entry{"oga", "audio/ogg"},
    entry{"ogg", "audio/ogg"},
    entry{"ogv", "video/ogg"},
    entry{"opus", "audio/ogg"},
    entry{"otf", "font/otf"},
    entry{"pdf", "application/pdf"},
    entry{"png", "image/png"},
    entry{"py", "text/plain; charset=utf-8"},
    entry{"rar", "application/vnd.rar"},
    entry{"rss", "application/rss+xml"},
    entry{"sh", "text/plain; charset=utf-8"},
    entry{"svg", "image/svg+xml"},
    entry{"tar", "application/x-tar"},
    entry{"tgz", "application/gzip"},
    entry{"tif", "image/tiff"},
    entry{"tiff", "image/tiff"},
    entry{"toml", "application/toml"},
    entry{"ts", "video/mp2t"},
    entry{"ttf", "font/ttf"},
    entry{"txt", "text/plain; charset=utf-8"},
    entry{"wasm", "application/wasm"},
    entry{"wav", "audio/wav"},
    entry{"weba", "audio/webm"},
    entry{"webm", "video/webm"},
    entry{"webmanifest", "application/manifest+json"},
    entry{"webp", "image/webp"},
    entry{"woff", "font/woff"},
    entry{"woff2", "font/woff2"},
    entry{"xhtml", "application/xhtml+xml"},
    entry{"xml", "application/xml"},
    entry{"xz", "application/x-xz"},
    entry{"yaml", "application/yaml"},
    entry{"yml", "application/yaml"},
    entry{"zip", "application/zip"},
    entry{"zst", "application/zstd"},
};

static_assert(std::ranges::is_sorted(table, {}, &entry::extension));

}  // namespace

std::string_view mime_type(std::string_view file_name) noexcept {
    constexpr std::string_view unknown = "application/octet-stream";
    file_name.remove_prefix(file_name.rfind('/') + 1);
    const auto dot = file_name.rfind('.');
    std::array<char, 16> lower{};
    if (dot == std::string_view::npos || file_name.size() - dot - 1 > lower.size()) return unknown;
    const auto extension = file_name.substr(dot + 1);
    std::ranges::transform(extension, lower.begin(), ascii::lower);
    const std::string_view key{lower.data(), extension.size()};
    const auto found = std::ranges::lower_bound(table, key, {}, &entry::extension);
    return found != table.end() && found->extension == key ? found->type : unknown;
}

}  // namespace leat::http
