#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "leat/io/bytes.hpp"
#include "leat/io/detail/input_buffer.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

class read_operation;

/// The receiving half of a socket, of TLS, of a file: the buffer, and at most one read that waits.
class input_stream {
public:
    input_stream(const input_stream&) = delete;
    input_stream& operator=(const input_stream&) = delete;

    /// A read waits: bytes are to be put into the buffer, and then bytes_arrived() called.
    virtual void want_bytes() = 0;
    /// Bytes that can be had without waiting are put into the buffer at once, or the end is found: then true. A file does it.
    virtual bool fill_now() { return false; }
    /// "127.0.0.1:80" or "/etc/motd": what an error is about.
    virtual std::string subject() const = 0;

    void bytes_arrived() noexcept;
    /// No more bytes will come: the end of the stream (0), or an error.
    void input_ended(std::exception_ptr why) noexcept;

    input_buffer input;
    read_operation* reading = nullptr;
    std::exception_ptr input_error;
    std::uint32_t limit = 64 * 1024;
    std::int32_t budget = full_budget;  // bytes that may be read without suspension before the task lets others run
    bool input_at_end = false;

    /// A limit as it is kept: what is buffered stays below 4 GiB in any case.
    static constexpr std::uint32_t as_limit(std::size_t wanted) noexcept { return static_cast<std::uint32_t>(wanted < most_buffered ? wanted : most_buffered); }
    static constexpr std::size_t most_buffered = std::size_t{1} << 30;

    static constexpr std::int32_t full_budget = 1 << 20;
    static constexpr std::int32_t call_cost = 128;

protected:
    input_stream() = default;
    ~input_stream() = default;
};

/// One read that is awaited.
class read_operation : protected waiter {
public:
    enum class kind : std::uint8_t { some, line, until, exactly, message };
    kind wanted() const noexcept { return kind_; }
    /// How many more bytes it needs at least, if that is known.
    std::size_t missing() const noexcept;

protected:
    read_operation(input_stream& from, kind what, std::size_t count) noexcept
        : kind_(what), count_(static_cast<std::uint32_t>(count < most_bytes ? count : most_bytes)), from_(from) {}
    ~read_operation() {
        if (suspended()) give_back_or_detach();
    }

    bool ready() noexcept {
        if (from_.reading || from_.budget <= 0) [[unlikely]] return false;
        from_.input.release_view();
        return try_take();
    }
    bool start(promise_base& frame, std::source_location at);
    /// Takes what was asked for, if it is there; sets the outcome.
    bool try_take() noexcept {
        if (kind_ == kind::line) {
            std::string_view line;
            return from_.input.take_line(line, count_) && took(line);
        }
        return try_take_other();
    }
    bool took(std::string_view taken) noexcept {
        data_ = taken.data();
        length_ = static_cast<std::uint32_t>(taken.size());
        state_ = has_value;
        from_.budget -= input_stream::call_cost + static_cast<std::int32_t>(length_);
        return true;
    }
    std::string_view view() const noexcept { return {data_, length_}; }
    enum : std::uint8_t { pending, has_value, at_end, has_failed };
    /// For kind::message: looks at what has arrived and sets the outcome if that is enough; a protocol's parser does it.
    virtual bool take_message() noexcept { return false; }
    /// Null unless it failed. Throws `cancelled`.
    std::exception_ptr error();

    void cancel() noexcept override;
    void give_back() noexcept override;
    const char* describe() const noexcept override;

    static constexpr std::size_t most_bytes = 0xffff'ffff;

    // In this order a waiting read is small: each idle connection has one.
    kind kind_;
    std::uint32_t count_;  // bytes wanted, or the limit
    input_stream& from_;
    // Of two sizes: as a string_view the pair would be stored in halves and loaded whole, which stalls the store buffer on each line.
    const char* data_ = nullptr;
    std::uint32_t length_ = 0;

    /// For a search: what for, and how far it has come.
    struct search {
        const std::string_view* separators;
        std::uint32_t count;
        std::uint32_t searched;
    };
    search* search_ = nullptr;

private:
    friend class input_stream;
    bool try_take_other() noexcept;
    bool find_separator() noexcept;
    /// Ends without a value if nothing more can come or the limit is reached.
    bool try_end() noexcept;
    void detach() noexcept;
    void give_back_or_detach() noexcept;
    void settle() noexcept;
};

/// A read that answers nullopt at the end of the stream.
class optional_read : protected read_operation {
public:
    optional_read(input_stream& from, kind what, std::size_t count) noexcept : read_operation(from, what, count) {}

    bool await_ready() noexcept { return ready(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    std::optional<std::string_view> await_resume() {
        if (state_ == has_value) [[likely]] return view();
        if (auto failed = error()) std::rethrow_exception(failed);
        return std::nullopt;
    }
    result<std::optional<std::string_view>> finish() {
        if (state_ == has_value) return std::optional{view()};
        if (auto failed = error()) return failure{std::move(failed)};
        return std::optional<std::string_view>{};
    }
};

class line_read final : optional_read {
public:
    line_read(input_stream& from, std::size_t limit) noexcept : optional_read(from, kind::line, limit) {}
    using optional_read::await_ready;
    using optional_read::await_resume;
    using optional_read::await_suspend;
    using optional_read::finish;
};

class some_read final : optional_read {
public:
    some_read(input_stream& from, std::size_t most) noexcept : optional_read(from, kind::some, most) {}
    using optional_read::await_ready;
    using optional_read::await_resume;
    using optional_read::await_suspend;
    using optional_read::finish;
};

template <std::size_t N>
class until_read final : optional_read {
public:
    template <class... S>
    until_read(input_stream& from, std::size_t limit, const S&... separators) noexcept
        : optional_read(from, kind::until, limit), list_{std::string_view{separators}...} {
        search_ = &state_of_search_;
    }
    using optional_read::await_ready;
    using optional_read::await_resume;
    using optional_read::await_suspend;
    using optional_read::finish;

private:
    std::array<std::string_view, N> list_;
    search state_of_search_{list_.data(), N, 0};
};

class exact_read final : read_operation {
public:
    exact_read(input_stream& from, std::size_t count) noexcept : read_operation(from, kind::exactly, count) {}

    bool await_ready() noexcept { return ready(); }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    std::string_view await_resume() {
        if (state_ == has_value) [[likely]] return view();
        std::rethrow_exception(error());
    }
    result<std::string_view> finish() {
        if (state_ == has_value) return view();
        return failure{error()};
    }
};

}  // namespace leat::detail
