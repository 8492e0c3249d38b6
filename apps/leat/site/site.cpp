#include "site/site.hpp"

#include <cerrno>

#include "http/date.hpp"
#include "http/mime.hpp"
#include "http/range.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "site/listing_page.hpp"
#include "site/precondition.hpp"
#include "site/request_path.hpp"

namespace tool {
namespace {

reply file_reply(std::string_view name, leat::found_file file, const leat::http::headers& request) {
    const validators current = validators_of(file.status);
    const verdict outcome = judge(request, current);
    if (outcome == verdict::failed) return text_reply(412);
    reply answer;
    answer.add("Last-Modified", leat::http::format_date(current.modified));
    answer.add("ETag", current.etag);
    if (outcome == verdict::not_modified) {
        answer.status = 304;
        answer.bodiless = true;
        return answer;
    }
    answer.add("Accept-Ranges", "bytes");
    answer.length = file.status.size;
    const auto range = request.get("Range");
    if (range && range_holds(request, current)) {
        const auto asked = leat::http::parse_range(*range, file.status.size);
        if (asked.outcome == leat::http::range_outcome::unsatisfiable) {
            answer = text_reply(416);
            answer.add("Content-Range", leat::http::format_unsatisfied_range(file.status.size));
            return answer;
        }
        // Several ranges would need a body of several parts; the whole file is a valid answer too.
        if (asked.outcome == leat::http::range_outcome::partial && asked.ranges.size() == 1) {
            answer.status = 206;
            answer.offset = asked.ranges.front().first;
            answer.length = asked.ranges.front().size();
            answer.add("Content-Range", leat::http::format_content_range(asked.ranges.front(), file.status.size));
        }
    }
    answer.add("Content-Type", leat::http::mime_type(name));
    answer.add("X-Content-Type-Options", "nosniff");
    answer.content = std::move(file.content);
    return answer;
}

/// What a client is told about a name that cannot be opened.
reply refusal(const leat::error& why) {
    switch (why.code().value()) {
        case ENOENT:
        case ENOTDIR:
        case ENAMETOOLONG: return text_reply(404);
        case EXDEV:  // a link that leads out of the directory
        case ELOOP:
        case EACCES:
        case EPERM: return text_reply(403);
        case EMFILE:
        case ENFILE:
        case ENOMEM: leat::log::error("{}", why.what()); return text_reply(503);
        default: leat::log::error("{}", why.what()); return text_reply(500);
    }
}

}  // namespace

leat::task<reply> site::answer(std::string_view target, const leat::http::headers& request) const {
    try {
        co_return co_await find(target, request);
    } catch (const leat::error& why) {
        co_return refusal(why);
    }
}

leat::task<reply> site::find(std::string_view target, const leat::http::headers& request) const {
    request_path asked = parse_request_path(target);
    if (asked.status != 200) co_return text_reply(asked.status);
    leat::found_file found = co_await root_.open(asked.relative);
    if (found.status.kind == leat::file_kind::other) co_return text_reply(403, "neither a file nor a directory");
    if (found.status.kind == leat::file_kind::regular) {
        if (asked.slash) co_return text_reply(404);
        co_return file_reply(asked.relative, std::move(found), request);
    }
    if (asked.slash || asked.relative.empty()) co_return co_await folder(std::move(asked.relative), request);
    // Links in the page are relative to it, so its name must end in '/'.
    reply answer = text_reply(301);
    answer.add("Location", link_path(asked.relative, true));
    co_return answer;
}

leat::task<reply> site::folder(std::string relative, const leat::http::headers& request) const {
    const std::string index = relative.empty() ? "index.html" : relative + "/index.html";
    bool there = true;
    leat::found_file page;
    try {
        page = co_await root_.open(index);
    } catch (const leat::error& why) {
        if (why.code().value() != ENOENT) throw;
        there = false;
    }
    if (there && page.status.kind == leat::file_kind::regular) co_return file_reply(index, std::move(page), request);
    leat::directory_listing listing = co_await root_.list(relative);
    reply answer;
    answer.text = listing_page(relative, std::move(listing));
    answer.length = answer.text.size();
    answer.add("Content-Type", "text/html; charset=utf-8");
    answer.add("Cache-Control", "no-cache");
    answer.add("X-Content-Type-Options", "nosniff");
    answer.add("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    co_return answer;
}

}  // namespace tool
