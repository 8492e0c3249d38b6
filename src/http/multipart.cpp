#include "leat/http/multipart.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <utility>

#include "http/ascii.hpp"

namespace leat::http {
namespace {

constexpr std::string_view type_start = "multipart/form-data; boundary=";

std::string random_boundary() {
    std::random_device random;
    std::string out = "leat-";
    for (int i = 0; i < 4; ++i) {
        auto bits = static_cast<std::uint32_t>(random());
        for (int digit = 0; digit < 8; ++digit, bits >>= 4) out += "0123456789abcdef"[bits & 15];
    }
    return out;
}

/// As browsers write it (WHATWG HTML 4.10.21.8): in quotes, with a per cent form for what would end them or the line.
void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (char c : text) {
        switch (c) {
            case '"': out += "%22"; break;
            case '\r': out += "%0D"; break;
            case '\n': out += "%0A"; break;
            default: out += c;
        }
    }
    out += '"';
}

}  // namespace

multipart::multipart() : type_(std::string{type_start} + random_boundary()) {}
multipart::multipart(multipart&&) noexcept = default;
multipart& multipart::operator=(multipart&&) noexcept = default;
multipart::~multipart() = default;

std::string_view multipart::boundary() const noexcept { return std::string_view{type_}.substr(std::min(type_start.size(), type_.size())); }

void multipart::may_add() const {
    if (begun_) throw std::logic_error("http::multipart: something is added while it is sent");
}

std::string multipart::head(std::string_view name, std::string_view file_name, std::string_view type) const {
    if (ascii::breaks_line(type)) throw std::invalid_argument("http::multipart: a line break in a content type");
    std::string out = "--";
    out.append(boundary()).append("\r\nContent-Disposition: form-data; name=");
    append_quoted(out, name);
    if (!file_name.empty()) {
        out.append("; filename=");
        append_quoted(out, file_name);
    }
    if (!type.empty()) out.append("\r\nContent-Type: ").append(type);
    return out.append("\r\n\r\n");
}

void multipart::add_field(std::string_view name, std::string_view value) {
    may_add();
    tail_.append(head(name, {}, {})).append(value).append("\r\n");
}

void multipart::add_content(std::string_view name, std::unique_ptr<content> body, std::string_view file_name) {
    may_add();
    if (!body) throw std::invalid_argument("http::multipart: a part without content");
    std::string before = tail_ + head(name, file_name, body->type());
    parts_.push_back({std::move(before), std::move(body)});
    tail_ = "\r\n";
}

task<> multipart::add_file(std::string_view name, path file, std::string_view file_name, std::string_view type) {
    may_add();
    if (ascii::breaks_line(type)) throw std::invalid_argument("http::multipart: a line break in a content type");
    std::string shown{file_name.empty() ? file.file_name() : file_name};
    return add(std::string{name}, std::move(file), std::move(shown), std::string{type});
}

task<> multipart::add(std::string name, path file, std::string file_name, std::string type) {
    auto body = co_await file_content(std::move(file), type);
    add_content(name, std::move(body), file_name);
}

std::optional<std::uint64_t> multipart::size() const {
    std::uint64_t all = tail_.size() + boundary().size() + 6;
    for (const auto& part : parts_) {
        const auto its = part.body->size();
        if (!its) return std::nullopt;
        all += part.before.size() + *its;
    }
    return all;
}

task<std::optional<std::string_view>> multipart::read() {
    begun_ = true;
    while (next_ < parts_.size()) {
        auto& current = parts_[next_];
        if (!std::exchange(in_body_, true)) co_return std::string_view{current.before};
        auto piece = co_await current.body->read();
        if (piece) co_return piece;
        in_body_ = false;
        ++next_;
    }
    if (next_++ != parts_.size()) co_return std::nullopt;
    end_ = tail_;
    end_.append("--").append(boundary()).append("--\r\n");
    co_return std::string_view{end_};
}

bool multipart::rewind() {
    for (auto& part : parts_)
        if (!part.body->rewind()) return false;
    next_ = 0;
    in_body_ = begun_ = false;
    return true;
}

}  // namespace leat::http
