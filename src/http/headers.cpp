#include "leat/http/headers.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "http/ascii.hpp"
#include "leat/log/printable.hpp"

namespace leat::http {

namespace {

void check(std::string_view name, std::string_view value) {
    if (!ascii::is_token(name))
        throw std::invalid_argument("http::headers: not a field name: \"" + printable(name) + "\"");
    if (ascii::breaks_line(value))
        throw std::invalid_argument("http::headers: CR, LF or NUL in the value of " + std::string(name));
}

}  // namespace

headers::headers(std::initializer_list<field> fields) {
    std::size_t text = 0;
    for (const auto& f : fields) text += f.name.size() + f.value.size();
    reserve(fields.size(), text);
    for (const auto& f : fields) add(f.name, f.value);
}

headers::field headers::operator[](std::size_t index) const noexcept {
    const slot& s = slots_[index];
    const char* start = text_.data() + s.start;
    return {{start, s.name_size}, {start + s.name_size, s.value_size}};
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
    for (const slot& s : slots_) {
        const char* start = text_.data() + s.start;
        if (s.name_size == name.size() && ascii::equal({start, s.name_size}, name))
            return std::string_view{start + s.name_size, s.value_size};
    }
    return std::nullopt;
}

std::vector<std::string_view> headers::get_all(std::string_view name) const {
    std::vector<std::string_view> values;
    for (auto f : *this)
        if (ascii::equal(f.name, name)) values.push_back(f.value);
    return values;
}

void headers::append(std::string_view name, std::string_view value) {
    const std::size_t start = text_.size();
    const std::size_t size = start + name.size() + value.size();
    if (size > std::numeric_limits<std::uint32_t>::max())
        throw std::length_error("http::headers: more than 4 GiB of fields");
    slots_.push_back({static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())});
    if (size <= text_.capacity()) {
        text_.append(name).append(value);
        return;
    }
    // The arguments may be views of this very text (copying one field to another name), so the old text lives on
    // until both are copied.
    std::string grown;
    grown.reserve(std::max(size, 2 * text_.capacity()));
    grown.append(text_).append(name).append(value);
    text_ = std::move(grown);
}

void headers::add(std::string_view name, std::string_view value) {
    check(name, value);
    append(name, value);
}

void headers::set(std::string_view name, std::string_view value) {
    check(name, value);
    for (std::size_t first = 0; first < slots_.size(); ++first) {
        if (!ascii::equal((*this)[first].name, name)) continue;
        append(name, value);
        slots_[first] = slots_.back();
        slots_.pop_back();
        // The name that decides which others go must outlive them, so it is read from the new place.
        std::size_t kept = first + 1;
        for (std::size_t i = first + 1; i < slots_.size(); ++i)
            if (!ascii::equal((*this)[i].name, (*this)[first].name)) slots_[kept++] = slots_[i];
        slots_.resize(kept);
        compact();
        return;
    }
    append(name, value);
}

std::size_t headers::remove(std::string_view name) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < slots_.size(); ++i)
        if (!ascii::equal((*this)[i].name, name)) slots_[kept++] = slots_[i];
    const std::size_t removed = slots_.size() - kept;
    slots_.resize(kept);
    if (removed != 0) compact();
    return removed;
}

// Without this a header object on which set() is called for every request would grow for ever.
void headers::compact() {
    std::size_t used = 0;
    for (const slot& s : slots_) used += s.name_size + s.value_size;
    if (text_.size() <= 2 * used + 256) return;
    std::string packed;
    packed.reserve(used);
    for (slot& s : slots_) {
        const auto start = static_cast<std::uint32_t>(packed.size());
        packed.append(text_, s.start, std::size_t{s.name_size} + s.value_size);
        s.start = start;
    }
    text_ = std::move(packed);
}

void headers::clear() noexcept {
    slots_.clear();
    text_.clear();
}

void headers::reserve(std::size_t fields, std::size_t text) {
    slots_.reserve(fields);
    text_.reserve(text);
}

}  // namespace leat::http
