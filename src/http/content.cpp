#include "leat/http/content.hpp"

#include <algorithm>
#include <utility>

#include "http/ascii.hpp"
#include "http/mime.hpp"
#include "http/percent.hpp"
#include "leat/fs/file.hpp"
#include "leat/fs/status.hpp"
#include "leat/io/error.hpp"

namespace leat::http {
namespace {

class text_body final : public content {
public:
    text_body(std::string text, std::string_view type) : text_(std::move(text)), type_(type) {}

    std::optional<std::uint64_t> size() const override { return text_.size(); }
    task<std::optional<std::string_view>> read() override {
        if (std::exchange(given_, true) || text_.empty()) co_return std::nullopt;
        co_return std::string_view{text_};
    }
    bool rewind() override {
        given_ = false;
        return true;
    }
    std::string_view type() const override { return type_; }

private:
    std::string text_;
    std::string type_;
    bool given_ = false;
};

class file_body final : public content {
public:
    file_body(path name, std::optional<std::uint64_t> size, std::string_view type) : name_(std::move(name)), type_(type), size_(size) {}

    std::optional<std::uint64_t> size() const override { return size_; }
    task<std::optional<std::string_view>> read() override {
        if (over_) co_return std::nullopt;
        if (!file_) {
            file_ = co_await open(name_, "r");
        } else if (from_start_) {
            co_await file_.seek(0);
        }
        from_start_ = false;
        const std::uint64_t left = size_ ? *size_ - read_ : UINT64_MAX;
        if (left != 0) {
            auto piece = co_await file_.read({static_cast<std::size_t>(std::min<std::uint64_t>(left, SIZE_MAX))});
            if (piece) {
                read_ += piece->size();
                co_return *piece;
            }
            if (size_) throw incomplete_read("read", name_.string(), static_cast<std::size_t>(*size_), static_cast<std::size_t>(read_));
        }
        // Not kept open for a second time, since a form may have thousands of files.
        over_ = true;
        co_await file_.close();
        file_ = {};
        co_return std::nullopt;
    }
    bool rewind() override {
        if (!size_) file_ = {};  // it cannot seek
        read_ = 0;
        from_start_ = true;
        over_ = false;
        return true;
    }
    std::string_view type() const override { return type_; }

private:
    path name_;
    std::string type_;
    std::optional<std::uint64_t> size_;
    file file_;
    std::uint64_t read_ = 0;
    bool from_start_ = false;
    bool over_ = false;
};

class stream_body final : public content {
public:
    stream_body(stream_reader from, std::optional<std::uint64_t> size, std::string_view type) : from_(std::move(from)), type_(type), size_(size) {}

    std::optional<std::uint64_t> size() const override { return size_; }
    task<std::optional<std::string_view>> read() override {
        const std::uint64_t left = size_ ? *size_ - read_ : UINT64_MAX;
        if (left == 0) co_return std::nullopt;
        auto piece = co_await from_.read({static_cast<std::size_t>(std::min<std::uint64_t>(left, SIZE_MAX))});
        if (piece) {
            read_ += piece->size();
        } else if (size_) {
            throw incomplete_read("read", "the stream to be sent", static_cast<std::size_t>(*size_), static_cast<std::size_t>(read_));
        }
        co_return piece;
    }
    bool rewind() override { return read_ == 0; }
    std::string_view type() const override { return type_; }

private:
    stream_reader from_;
    std::string type_;
    std::optional<std::uint64_t> size_;
    std::uint64_t read_ = 0;
};

task<std::unique_ptr<content>> with_size(path name, std::string type) {
    const auto found = co_await stat(name);
    const auto size = found.kind == file_kind::regular ? std::optional{found.size} : std::nullopt;
    std::unique_ptr<content> made = std::make_unique<file_body>(std::move(name), size, type);
    co_return made;
}

void append_form_text(std::string& out, std::string_view text) {
    for (char c : text) {
        if (ascii::is_alpha(c) || ascii::is_digit(c) || std::string_view{"*-._"}.find(c) != std::string_view::npos) {
            out += c;
        } else if (c == ' ') {
            out += '+';
        } else {
            append_percent(out, c);
        }
    }
}

}  // namespace

std::unique_ptr<content> text_content(std::string text, std::string_view type) { return std::make_unique<text_body>(std::move(text), type); }

task<std::unique_ptr<content>> file_content(path name, std::string_view type) {
    std::string its_type{type.empty() ? mime_type(name) : type};
    return with_size(std::move(name), std::move(its_type));
}

std::unique_ptr<content> stream_content(stream_reader from, std::optional<std::uint64_t> size, std::string_view type) {
    return std::make_unique<stream_body>(std::move(from), size, type);
}

std::string form_text(std::span<const form_field> fields) {
    std::string out;
    for (const auto& field : fields) {
        if (!out.empty()) out += '&';
        append_form_text(out, field.name);
        out += '=';
        append_form_text(out, field.value);
    }
    return out;
}

}  // namespace leat::http
