#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace tool::redis {

/// What came is no reply, or not one of the kind that was asked for.
class protocol_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A server's answer to one command.
class reply {
public:
    enum class kind : std::uint8_t { nil, status, text, integer, error, array };

    reply() = default;
    reply(kind what, std::string text) : kind_(what), text_(std::move(text)) {}
    explicit reply(long long value) : kind_(kind::integer), integer_(value) {}
    explicit reply(std::vector<reply> elements) : kind_(kind::array), elements_(std::move(elements)) {}

    kind what() const noexcept { return kind_; }
    bool is_nil() const noexcept { return kind_ == kind::nil; }
    bool is_error() const noexcept { return kind_ == kind::error; }
    bool is_array() const noexcept { return kind_ == kind::array; }

    /// The text of a text, a status or an error. Like the others below it throws protocol_error for a reply of another kind.
    const std::string& text() const;
    /// An integer, or a text that is one.
    long long integer() const;
    /// An array's elements; none for nil, which is how Redis says "nothing came".
    const std::vector<reply>& elements() const;
    /// One of an array's elements.
    const reply& at(std::size_t index) const;
    /// Of an array of names and values in turn: the value beside a name; null if there is none.
    const reply* value_of(std::string_view name) const;

private:
    friend struct reply_maker;
    kind kind_ = kind::nil;
    long long integer_ = 0;
    std::string text_;
    std::vector<reply> elements_;
};

/// Makes replies of the bytes that come, however they are split: hiredis's reader, which makes our own values here, with limits.
class reply_parser {
public:
    /// `limit`: the most that one reply may take, in bytes; each element counts as 64 beside its text.
    explicit reply_parser(std::size_t limit);
    reply_parser(reply_parser&&) noexcept;
    reply_parser& operator=(reply_parser&&) noexcept;
    ~reply_parser();

    void feed(std::string_view bytes);
    /// The next reply that is complete. Throws protocol_error for what is none or too large; the stream is of no more use then.
    std::optional<reply> next();
    /// Is there nothing of a further reply?
    bool idle() const noexcept;

    /// What the callbacks of hiredis's reader share; for them alone.
    struct state;

private:
    std::unique_ptr<state> state_;
};

}  // namespace tool::redis
