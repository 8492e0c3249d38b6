// leat get --dry-run.
#include "get/plan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "command.hpp"
#include "download/naming.hpp"
#include "get/client.hpp"
#include "get/jars.hpp"
#include "get/shown.hpp"
#include "leat/fs/status.hpp"
#include "leat/http/cookies.hpp"
#include "leat/io/error.hpp"
#include "leat/io/path.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/parallel_for_each.hpp"
#include "terminal/output.hpp"
#include "terminal/units.hpp"

namespace tool {
namespace {

struct answer {
    bool ok = false;
    std::string text;
};

/// The names that the job would give.
class planned_names {
public:
    explicit planned_names(const get_arguments& asked) : asked_(asked) {}

    leat::path target_of(const leat::download_item& item) {
        const leat::path directory = item.options && !item.options->directory.empty() ? item.options->directory : asked_.directory;
        std::string name = item.name;
        if (name.empty()) name = asked_.mirror_path ? leat::detail::mirror_path_of(item.url) : leat::file_name_of(item.url).string();
        leat::path target = directory / name;
        for (std::size_t i = 1; !taken_.insert(target.string()).second; ++i) target = directory / fmt::format("{}.{}", name, i);
        return target;
    }

private:
    const get_arguments& asked_;
    std::unordered_set<std::string> taken_;
};

const char* fate_of(leat::existing_file existing) noexcept {
    switch (existing) {
        case leat::existing_file::overwrite: return "is there, and would be replaced";
        case leat::existing_file::skip: return "is there, and would be left as it is";
        case leat::existing_file::if_newer: return "is there, and would be replaced if the server's is newer";
        case leat::existing_file::fail: return "is there, and would be a failure";
    }
    return "is there";
}

/// Is the value of a field of this name nobody's business? Tokens come under many names.
bool is_secret(std::string_view name) {
    std::string lower{name};
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    const auto has = [&lower](std::string_view word) { return lower.find(word) != std::string::npos; };
    return has("auth") || has("cookie") || has("token") || has("key") || has("secret") || has("passw") || has("session") || has("signature");
}

/// What the first request would hold, beside Host and what the journal says of bytes that are there.
leat::http::headers fields_for(const leat::download_item& item, bool if_newer, const leat::http::client_options& http) {
    leat::http::headers fields;
    fields.set("User-Agent", http.user_agent);
    fields.set("Accept", "*/*");
    fields.set("Accept-Encoding", "identity");
    if (item.options) {
        for (const auto field : item.options->headers) fields.remove(field.name);
        for (const auto field : item.options->headers) fields.add(field.name, field.value);
    }
    if (if_newer) fields.set("If-Modified-Since", "the time of the file that is there");
    if (!fields.contains("Cookie") && http.cookies && !http.cookies->header_for(item.url).empty()) fields.set("Cookie", "***");
    const bool own_login = item.options && !item.options->user.empty();
    using scheme = leat::http::credentials::scheme;
    const scheme how = own_login ? scheme::automatic : http.credentials.how;
    const bool in_url = without_password(item.url) != item.url;
    const bool known = in_url || own_login || !http.credentials.user.empty() || how == scheme::bearer;
    if (known && !fields.contains("Authorization"))
        fields.set("Authorization", in_url || how == scheme::basic || how == scheme::bearer ? "***" : "*** when the server asks for it");
    return fields;
}

leat::task<std::string> line_of(const leat::download_item& item, const leat::path& target, const get_arguments& asked, const leat::http::client_options& http) {
    std::string text = fmt::format("{} -> {}\n", leat::printable(without_password(item.url)), leat::printable(target.string()));
    auto add = [&text](std::string_view name, std::string_view value) { text += fmt::format("    {}: {}\n", name, leat::printable(value)); };
    if (item.name.empty() && asked.content_disposition) add("name", "as the server says, if it does");
    if (item.options) {
        const leat::item_options& own = *item.options;
        for (const std::string& mirror : own.mirrors) add("mirror", without_password(mirror));
        if (own.size) add("size", size_text(*own.size));
        if (!own.checksum.empty()) add("checksum", own.checksum);
        if (!own.user.empty()) add("user", own.user);
        if (own.max_rate > 0) add("rate", rate_text(static_cast<double>(own.max_rate)));
    }
    const auto existing = item.options && item.options->existing ? *item.options->existing : asked.existing;
    std::optional<leat::file_kind> there;
    try {
        const leat::file_status status = co_await leat::stat(target);
        there = status.kind;
    } catch (const std::exception&) {
    }
    if (there == leat::file_kind::directory) add("target", "is a directory, and would be a failure");
    else if (there) add("target", fate_of(existing));
    for (const auto field : fields_for(item, there && existing == leat::existing_file::if_newer, http)) {
        const bool told = !is_secret(field.name) || field.value.starts_with("***");
        add("header", fmt::format("{}: {}", field.name, told ? without_password(field.value) : "***"));
    }
    co_return text;
}

leat::task<answer> ask(leat::http::client& http, const leat::download_item& item, const get_arguments& asked) {
    std::string why;
    try {
        const leat::http::headers* fields = item.options ? &item.options->headers : nullptr;
        auto response = co_await http.head(item.url, {.headers = fields, .decompress = false});
        std::string text = fmt::format("{} {}", response.status(), leat::printable(response.reason(), 100));
        if (auto length = response.headers().get("Content-Length")) text += fmt::format(", {} bytes", leat::printable(*length, 30));
        if (auto type = response.headers().get("Content-Type")) text += fmt::format(", {}", leat::printable(*type, 100));
        if (auto ranges = response.headers().get("Accept-Ranges")) text += fmt::format(", ranges: {}", leat::printable(*ranges, 30));
        if (response.url() != item.url) text += fmt::format(", at {}", leat::printable(response.url(), 1000));
        if (auto disposition = response.headers().get("Content-Disposition"); disposition && asked.content_disposition)
            text += fmt::format(", called {}", leat::printable(leat::detail::name_from_disposition(*disposition)));
        answer told{response.ok(), std::move(text)};
        co_return told;
    } catch (const std::exception& error) {
        why = error_of(item.url, error.what());
    }
    answer told{false, leat::printable(why)};
    co_return told;
}

}  // namespace

leat::task<int> print_plan(item_source& source, const get_arguments& asked) {
    jars kept;
    co_await kept.load(asked);
    leat::http::client_options options = client_options_of(asked);
    kept.put_into(options);
    leat::http::client http{options};
    planned_names names{asked};
    output out{STDOUT_FILENO};
    bool all_ok = true;
    for (bool more = true; more;) {
        // In portions, so that the servers are asked side by side and the lines stay in order.
        std::vector<leat::download_item> items;
        while (items.size() < asked.jobs) {
            auto item = co_await source.next();
            if (!item) {
                more = false;
                break;
            }
            items.push_back(std::move(*item));
            if (asked.dry_run != "ask") break;
        }
        std::vector<answer> answers;
        if (asked.dry_run == "ask") {
            auto each = [&](const leat::download_item& item) { return ask(http, item, asked); };
            answers = co_await leat::parallel_map(items, asked.jobs, each);
        }
        for (std::size_t i = 0; i < items.size(); ++i) {
            std::string text = co_await line_of(items[i], names.target_of(items[i]), asked, options);
            if (i < answers.size()) {
                text += fmt::format("    server: {}\n", answers[i].text);
                all_ok = all_ok && answers[i].ok;
            }
            out.write(text);
            co_await out.drain();
        }
        if (out.error() == EPIPE) co_return failed;  // whoever reads has seen enough
        require_written(out);
    }
    co_return all_ok ? 0 : failed;
}

}  // namespace tool
