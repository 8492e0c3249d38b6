#include "site/reply.hpp"

#include <fmt/format.h>

#include <ctime>

#include "http/date.hpp"
#include "leat/log/printable.hpp"

namespace tool {

void reply::add(std::string_view name, std::string_view value) { fields.append(name).append(": ").append(value).append("\r\n"); }

std::string_view reason_of(int status) noexcept {
    switch (status) {
        case 200: return "OK";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 304: return "Not Modified";
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 416: return "Range Not Satisfiable";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 503: return "Service Unavailable";
        default: return "Status";
    }
}

reply text_reply(int status, std::string_view detail) {
    reply answer;
    answer.status = status;
    answer.text = fmt::format("{} {}", status, reason_of(status));
    if (!detail.empty()) answer.text += ": " + leat::printable(detail, 300);
    answer.text += '\n';
    answer.length = answer.text.size();
    answer.add("Content-Type", "text/plain; charset=utf-8");
    return answer;
}

std::string head_of(const reply& answer, bool keep_alive, int version) {
    std::string head = fmt::format("HTTP/1.1 {} {}\r\nServer: leat/" LEAT_VERSION "\r\nDate: {}\r\n", answer.status, reason_of(answer.status),
                                   leat::http::format_date(std::time(nullptr)));
    head += answer.fields;
    if (!answer.bodiless) head += fmt::format("Content-Length: {}\r\n", answer.length);
    if (!keep_alive)
        head += "Connection: close\r\n";
    else if (version == 10)
        head += "Connection: keep-alive\r\n";
    return head += "\r\n";
}

}  // namespace tool
