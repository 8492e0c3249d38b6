#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::http {

/// The fields of a message's head: an ordered multi-map whose names compare without regard to case.
///
/// All names and values lie in one string, with one array of offsets beside it, so a head of any size costs two
/// allocations and a reused object none. Views that it hands out are valid until the next change.
///
/// A name that is not an RFC 9110 token, or a value with CR, LF or NUL in it, is refused with
/// std::invalid_argument: whatever a caller passes, it cannot smuggle a line into the message.
class headers {
public:
    /// One field: views into the headers, valid until their next change.
    struct field {
        std::string_view name;   ///< as it was written
        std::string_view value;  ///< its text
    };
    /// Goes over the fields, in their order.
    class const_iterator;

    headers() = default;
    /// From fields, as `add` takes them.
    headers(std::initializer_list<field> fields);

    /// The value of the first field of that name.
    std::optional<std::string_view> get(std::string_view name) const noexcept;
    /// The values of all fields of that name, in their order.
    std::vector<std::string_view> get_all(std::string_view name) const;
    /// Is there a field of that name?
    bool contains(std::string_view name) const noexcept { return get(name).has_value(); }

    /// Adds a field at the end; others of that name stay.
    void add(std::string_view name, std::string_view value);
    /// Leaves one field of that name, at the place of the first.
    void set(std::string_view name, std::string_view value);
    /// Removes every field of that name and returns how many there were.
    std::size_t remove(std::string_view name);

    /// Forgets all fields but keeps the memory.
    void clear() noexcept;
    /// Makes room for so many fields with so many bytes of names and values.
    void reserve(std::size_t fields, std::size_t text);

    /// How many fields there are.
    std::size_t size() const noexcept { return slots_.size(); }
    /// Is there none?
    bool empty() const noexcept { return slots_.empty(); }
    /// The field at that place; there must be one.
    field operator[](std::size_t index) const noexcept;
    /// The first.
    const_iterator begin() const noexcept;
    /// Behind the last.
    const_iterator end() const noexcept;

private:
    // Offsets, not views: the text moves when it grows. The value follows the name without a gap.
    struct slot {
        std::uint32_t start;
        std::uint32_t name_size;
        std::uint32_t value_size;
    };

    // The parsers have already checked every character.
    friend struct parsed_fields;
    void append(std::string_view name, std::string_view value);
    void compact();

    std::string text_;
    std::vector<slot> slots_;
};

class headers::const_iterator {
public:
    using iterator_category = std::input_iterator_tag;  // operator* makes a pair of views, not a reference
    using value_type = field;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = field;

    const_iterator() = default;
    const_iterator(const headers& of, std::size_t index) noexcept : of_(&of), index_(index) {}

    field operator*() const noexcept { return (*of_)[index_]; }
    const_iterator& operator++() noexcept {
        ++index_;
        return *this;
    }
    const_iterator operator++(int) noexcept {
        auto before = *this;
        ++index_;
        return before;
    }
    bool operator==(const const_iterator& other) const noexcept = default;

private:
    const headers* of_ = nullptr;
    std::size_t index_ = 0;
};

inline headers::const_iterator headers::begin() const noexcept { return {*this, 0}; }
inline headers::const_iterator headers::end() const noexcept { return {*this, size()}; }

}  // namespace leat::http
