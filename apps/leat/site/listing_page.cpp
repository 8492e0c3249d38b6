#include "site/listing_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <tuple>

#include "http/percent.hpp"
#include "leat/log/printable.hpp"
#include "terminal/units.hpp"

namespace tool {
namespace {

std::string date_text(leat::duration since_1970) {
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
    std::tm utc{};
    if (!::gmtime_r(&seconds, &utc)) return "";
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &utc)};
}

void append_entry(std::string& page, const leat::directory_entry& entry) {
    const bool folder = entry.status.kind == leat::file_kind::directory;
    const std::string_view slash = folder ? "/" : "";
    page += fmt::format("<tr><td><a href=\"{}{}\">{}{}</a></td><td>{}</td><td>{}</td></tr>\n", leat::http::percent_encode(entry.name), slash,
                        html_text(entry.name), slash, folder ? "" : size_text(entry.status.size), date_text(entry.status.modified));
}

}  // namespace

std::string html_text(std::string_view text) {
    std::string out;
    for (const char c : leat::printable(text)) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string listing_page(std::string_view relative, leat::directory_listing listing) {
    std::erase_if(listing.entries, [](const auto& entry) { return entry.status.kind == leat::file_kind::other; });
    std::sort(listing.entries.begin(), listing.entries.end(), [](const auto& a, const auto& b) {
        const bool a_file = a.status.kind == leat::file_kind::regular, b_file = b.status.kind == leat::file_kind::regular;
        return std::tie(a_file, a.name) < std::tie(b_file, b.name);
    });
    const std::string title = "/" + html_text(relative);
    std::string page = fmt::format(
        "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n"
        "<style>body {{ font-family: sans-serif; margin: 2em }} td {{ padding: 0 2em 0 0 }} td + td {{ text-align: right; white-space: nowrap }}"
        "</style>\n</head>\n<body>\n<h1>{0}</h1>\n<table>\n",
        title);
    if (!relative.empty()) page += "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n";
    for (const auto& entry : listing.entries) append_entry(page, entry);
    page += "</table>\n";
    if (!listing.complete) page += "<p>There are more.</p>\n";
    return page += "</body>\n</html>\n";
}

}  // namespace tool
