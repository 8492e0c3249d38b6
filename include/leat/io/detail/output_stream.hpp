#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>

#include "leat/sync/semaphore.hpp"
#include "leat/task/detail/flushable.hpp"

namespace leat::detail {

class write_operation;

/// The sending half of a socket, of TLS, of a file: what was written and not yet handed to the kernel. Written bytes gather here, and
/// the loop sends them all before it next waits.
class output_stream : protected flushable {
public:
    output_stream(const output_stream&) = delete;
    output_stream& operator=(const output_stream&) = delete;

    virtual std::string output_subject() const = 0;
    /// Bytes handed to the kernel and not yet taken by it.
    virtual std::size_t bytes_in_flight() const noexcept = 0;
    std::size_t buffered() const noexcept { return size_ + bytes_in_flight(); }
    /// For a protocol that looks at the mark itself (HTTP/2): takes the piece whole and at once. Throws if nothing can be written any more.
    void put(std::string_view piece);

protected:
    // First, so that they lie in the base's padding.
    bool refusing_ = false;
    std::uint16_t large_writes_ = 0;  // of those that wait, how many have bytes left to hand over

public:
    std::uint32_t high_water = 64 * 1024;
    std::uint32_t low_water = 16 * 1024;

protected:
    output_stream() = default;
    ~output_stream();

    /// Called before a write that is more than a copy: a file that was being read goes back to where the reader is.
    virtual void before_append() {}
    /// Called after bytes were taken: lets waiting writes go on.
    void pump() noexcept;
    /// From now on each write fails with this.
    void fail_output(std::exception_ptr why) noexcept;
    /// From now on each write fails, since close() or write_eof() was called.
    void refuse_output() noexcept;
    bool output_failed() const noexcept { return output_error_ != nullptr; }
    /// Called when the buffer is to be emptied as soon as possible, since a write waits for room.
    virtual void urge() noexcept = 0;
    void set_buffer(char* memory, std::size_t capacity) noexcept;
    void update_fast_end() noexcept;

    char* memory_ = nullptr;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
    std::uint32_t fast_end_ = 0;  // up to here a write is a copy; 0 where something else is to be looked at first
    std::int32_t budget_ = full_budget;
    waiter_queue waiting_;        // writes and drains that wait for room
    std::exception_ptr output_error_;

private:
    friend class write_operation;
    static constexpr std::int32_t full_budget = 1 << 20;
    static constexpr std::int32_t call_cost = 128;
    void append(std::string_view piece);
    std::exception_ptr why_not() const;
};

/// One write or drain that is awaited.
class write_operation : protected queued_waiter {
public:
    bool await_ready() noexcept { return false; }
    void await_resume() {
        if (state_ == done) [[likely]] return;
        if (auto failed = error()) std::rethrow_exception(failed);
    }
    result<void> finish() {
        if (auto failed = error()) return failure{std::move(failed)};
        return {};
    }

protected:
    write_operation(output_stream& to, std::uint32_t count) noexcept : count_(count), to_(to) {}
    ~write_operation();
    enum : std::uint8_t { fresh, done, waits_low, waits_room, failed };

    bool fits(std::size_t total) noexcept {
        if (to_.size_ + total > to_.fast_end_ || to_.budget_ <= 0) [[unlikely]] return false;
        to_.budget_ -= output_stream::call_cost + static_cast<std::int32_t>(total);
        return true;
    }
    void copy(std::string_view piece) noexcept {
        if (piece.empty()) return;  // its data may be null, and there may be no buffer yet
        std::memcpy(to_.memory_ + to_.size_, piece.data(), piece.size());
        to_.size_ += static_cast<std::uint32_t>(piece.size());
    }
    bool start(promise_base& frame, std::source_location at);
    void take_from(const std::string_view* pieces) noexcept { pieces_ = pieces; }

private:
    std::uint32_t count_;    // pieces not yet taken
    bool kept_ = false;      // of a cancelled write: nobody waits, and it ends itself

protected:
    output_stream& to_;

private:
    friend class output_stream;
    void cancel() noexcept override;
    const char* describe() const noexcept override { return count_ != 0 ? "write" : "drain"; }
    std::exception_ptr error();
    /// Appends as much as there is room for; true when nothing is left.
    bool append_some();
    void settle(std::uint8_t how) noexcept;
    void withdraw() noexcept;
    bool leave_copy() noexcept;
    class kept_write;

    const std::string_view* pieces_ = nullptr;
    std::size_t taken_ = 0;  // of all
    bool begun() const noexcept { return taken_ != 0; }
};

template <std::size_t N>
class pieces_write final : write_operation {
public:
    template <class... S>
    explicit pieces_write(output_stream& to, const S&... pieces) noexcept
        : write_operation(to, N), list_{std::string_view{pieces}...} {
        take_from(list_.data());
    }

    bool await_ready() noexcept {
        std::size_t total = 0;
        for (std::string_view piece : list_) total += piece.size();
        if (!fits(total)) return false;
        for (std::string_view piece : list_) copy(piece);
        state_ = done;
        return true;
    }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    using write_operation::await_resume;
    using write_operation::finish;

private:
    std::array<std::string_view, N> list_;
};

class drain_wait final : write_operation {
public:
    explicit drain_wait(output_stream& to) noexcept : write_operation(to, 0) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    using write_operation::await_resume;
    using write_operation::finish;
};

}  // namespace leat::detail
