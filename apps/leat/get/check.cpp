// From the texts of the command line to what they mean.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "download/hasher.hpp"
#include "get/arguments.hpp"
#include "input/input.hpp"

namespace tool {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw CLI::ValidationError(why); }

/// Calls `parse` with the text, and says which option it was that it refused.
template <class Value, class Parse>
void take(const char* option, const std::string& text, Value& to, Parse parse) {
    if (text.empty()) return;
    try {
        to = parse(text);
    } catch (const std::invalid_argument& error) {
        refuse(std::string{option} + ": " + error.what());
    }
}

bool has_control(const std::string& text) {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return true;
    return false;
}

std::size_t segments_of(const std::string& text) {
    if (text == "auto") return 0;
    std::size_t count = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (ec != std::errc{} || end != text.data() + text.size() || count == 0 || count > 1024)
        refuse("--segments: '" + text + "' is neither auto nor a number from 1 to 1024");
    return count;
}

/// Secrets may be in fields: what is wrong with one is told without its value.
void check_headers(get_arguments& asked) {
    for (const std::string& line : asked.headers) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || colon == 0) refuse("--header: a field is NAME:VALUE");
        const std::string name = line.substr(0, colon);
        auto value = std::string_view{line}.substr(colon + 1);
        while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
        if (has_control(line)) refuse("--header: a control character");
        try {
            asked.header_fields.add(name, value);
        } catch (const std::invalid_argument&) {
            refuse("--header: '" + name + "' is not the name of a field");
        }
    }
    if (has_control(asked.referer)) refuse("--referer: a control character");
    if (!asked.referer.empty()) asked.header_fields.set("Referer", asked.referer);
    if (has_control(asked.user_agent)) refuse("--user-agent: a control character");
}

void check_credentials(get_arguments& asked) {
    using scheme = leat::http::credentials::scheme;
    if (asked.auth_text == "auto") asked.scheme = scheme::automatic;
    else if (asked.auth_text == "basic") asked.scheme = scheme::basic;
    else if (asked.auth_text == "digest") asked.scheme = scheme::digest;
    else refuse("--auth: '" + asked.auth_text + "' is not one of auto, basic, digest");
    if (!asked.bearer.empty() && !asked.user_and_password.empty()) refuse("--bearer and --user exclude each other");
    if (!asked.bearer.empty()) {
        if (has_control(asked.bearer)) refuse("--bearer: a control character");
        asked.password = asked.bearer;
        asked.scheme = scheme::bearer;
    }
    if (!asked.user_and_password.empty()) {
        const auto colon = asked.user_and_password.find(':');
        if (colon == std::string::npos || colon == 0) refuse("--user: USER:PASSWORD is expected");
        asked.user = asked.user_and_password.substr(0, colon);
        asked.password = asked.user_and_password.substr(colon + 1);
    } else if (asked.auth_text != "auto") {
        refuse("--auth goes with --user");
    }
}

void check_single(const get_arguments& asked) {
    const bool one = asked.urls.size() == 1 && asked.lists.empty() && asked.metalinks.empty();
    if (!asked.output.empty() && !one) refuse("-o names one file: it goes with exactly one URL");
    if (!asked.mirrors.empty() && !one) refuse("--mirror goes with exactly one URL");
    if (!asked.checksum.empty() && !one) refuse("--checksum goes with exactly one URL");
    if (asked.output == "-") refuse("-o -: files are not written to standard output");
    std::size_t from_standard_input = 0;
    for (const std::string& list : asked.lists) from_standard_input += list == "-";
    if (from_standard_input > 1) refuse("-i -: standard input can be read once");
}

/// A pattern without sense is refused before anything begins, and so is one name for many files.
void check_patterns(const get_arguments& asked) {
    if (asked.no_glob) return;
    for (const std::string& url : asked.urls) {
        try {
            const url_pattern pattern{url};
            if (asked.output.empty() || pattern.size() < 2) continue;
            if (asked.output.find('#') == std::string::npos)
                refuse("-o names one file, but the URL stands for " + std::to_string(pattern.size()) + ": use #1 in the name");
        } catch (const std::invalid_argument& error) {
            refuse(std::string{error.what()} + " (--no-glob takes URLs as they are)");
        }
    }
}

}  // namespace

void check_arguments(get_arguments& asked) {
    const bool has_list = !asked.urls.empty() || !asked.lists.empty() || !asked.metalinks.empty();
    if (asked.from_queue && (has_list || !asked.dry_run.empty())) refuse("--queue goes with neither URLs, lists, Metalink documents nor --dry-run: 'leat queue add' takes them");
    if (asked.from_queue && (asked.content_disposition || asked.mirror_path || !asked.checksum_files.empty()))
        refuse("--queue goes with neither --content-disposition, --mirror-path nor --checksums: names and checksums are decided by 'leat queue add'");
    if (!asked.from_queue && !has_list) refuse("a URL, -i FILE, --metalink FILE or --queue is required");
    check_single(asked);
    if (asked.directory.empty()) refuse("-d: the directory's name is empty");
    if (asked.input_format != "auto" && asked.input_format != "lines" && asked.input_format != "json")
        refuse("--input-format: '" + asked.input_format + "' is not one of auto, lines, json");
    if (!asked.dry_run.empty() && asked.dry_run != "plan" && asked.dry_run != "ask") refuse("--dry-run: '" + asked.dry_run + "' is not 'ask'");
    if (asked.content_disposition && asked.mirror_path) refuse("--content-disposition and --mirror-path exclude each other");
    if (asked.report == "-") refuse("--report -: it is a file of its own");
    if (!asked.report.empty() && asked.report == asked.events) refuse("--report and --events are two files");
    if (std::isnan(asked.starts_per_second)) refuse("--starts-per-second: 'nan' is not a number");
    if (asked.http1 && asked.http2) refuse("--http1 and --http2 exclude each other");
    if (asked.certificate.empty() != asked.key.empty()) refuse("--cert and --key go together");
    if (!asked.cookies.empty() && asked.cookies == asked.hsts) refuse("--cookies and --hsts are two files");

    take("--existing", asked.existing_text, asked.existing, [](const std::string& text) { return parse_existing(text == "if-newer" ? "newer" : text); });
    // As lists take it: "sha-256=HEX" means the same.
    take("--checksum", asked.checksum, asked.checksum, [](const std::string& text) { return leat::detail::expected_digest::parse(text).to_string(); });
    asked.segments = segments_of(asked.segments_text);
    take("--segment-size", asked.segment_size_text, asked.segment_size, parse_size);
    if (asked.segment_size == 0) refuse("--segment-size: it is at least 1");
    take("--max-rate", asked.max_rate_text, asked.max_rate, parse_rate);
    take("--max-rate-per-host", asked.max_rate_per_host_text, asked.max_rate_per_host, parse_rate);
    take("--max-rate-per-file", asked.max_rate_per_file_text, asked.max_rate_per_file, parse_rate);
    take("--min-rate", asked.min_rate_text, asked.min_rate, parse_rate);
    check_patterns(asked);
    check_headers(asked);
    check_credentials(asked);
}

}  // namespace tool
