#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace leat::detail {

/// Bytes that have arrived and have not been read. What a read returned stays where it is until the next read, whatever arrives
/// meanwhile: a buffer that becomes too small while nobody reads is set aside, not moved.
class input_buffer {
public:
    input_buffer() = default;
    input_buffer(const input_buffer&) = delete;
    input_buffer& operator=(const input_buffer&) = delete;
    ~input_buffer();

    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::string_view unread() const noexcept { return {memory_ + begin_, size()}; }

    /// Takes a line with its '\n', if there is a whole one of at most `limit` bytes.
    bool take_line(std::string_view& line, std::size_t limit) noexcept {
        const char* start = memory_ + begin_;
        const std::size_t known = end_ - begin_;
        if (scanned_ == known) return false;
        auto* newline = static_cast<const char*>(std::memchr(start + scanned_, '\n', known - scanned_));
        if (!newline) {
            scanned_ = static_cast<std::uint32_t>(known);
            return false;
        }
        const auto length = static_cast<std::size_t>(newline - start) + 1;
        if (length > limit) return false;
        line = {start, length};
        begin_ += static_cast<std::uint32_t>(length);
        scanned_ = 0;
        return true;
    }
    std::string_view take(std::size_t count) noexcept {
        std::string_view taken{memory_ + begin_, count};
        begin_ += static_cast<std::uint32_t>(count);
        scanned_ = 0;
        return taken;
    }
    /// Undoes the take that returned this view, if nothing was taken since.
    bool put_back(std::string_view taken) noexcept;
    /// Where an incremental search for a separator goes on, counted from the first unread byte.
    std::uint32_t& scanned() noexcept { return scanned_; }

    /// The view that the last read returned is no longer needed.
    void release_view() noexcept {
        if (retired_) [[unlikely]] free_retired();
    }
    /// Space for at least `least` bytes behind the unread ones; `in_use`: a returned view may still point into the buffer.
    /// Not to be called while the kernel writes to it. Throws std::bad_alloc.
    char* room(std::size_t least, std::size_t preferred, bool in_use);
    std::size_t room_size() const noexcept { return capacity_ - end_; }
    void commit(std::size_t count) noexcept { end_ += static_cast<std::uint32_t>(count); }
    /// Gives the memory back if it holds nothing. `in_use` as above.
    void release_if_empty() noexcept;

private:
    void free_retired() noexcept;

    char* memory_ = nullptr;
    char* retired_ = nullptr;
    std::uint32_t capacity_ = 0;
    std::uint32_t retired_capacity_ = 0;
    std::uint32_t begin_ = 0;
    std::uint32_t end_ = 0;
    std::uint32_t scanned_ = 0;
};

}  // namespace leat::detail
