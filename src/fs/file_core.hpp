#pragma once
#include <cstdint>
#include <string>

#include "engine/operation/file.hpp"
#include "leat/fs/file.hpp"
#include "leat/io/path.hpp"
#include "leat/sync/event.hpp"
#include "task/loop.hpp"

namespace leat::detail {

/// An open file: read ahead and write behind, with one position. Regular files on local file systems are read from the page cache
/// and written into it by direct calls; everything else goes through io_uring or the pool.
class file_core final : public file_streams, private file_operation, private resident {
public:
    struct facts {
        bool direct = false;   // direct calls are allowed
        bool seeks = false;
        bool appends = false;
    };
    file_core(int fd, leat::path path, facts known) noexcept;

    int descriptor() const noexcept { return fd_; }
    const leat::path& path() const noexcept { return path_; }
    const facts& known() const noexcept { return facts_; }
    bool open() const noexcept { return fd_ >= 0; }

    void want_bytes() override;
    bool fill_now() override;
    std::string subject() const override { return path_.string(); }
    std::string output_subject() const override { return path_.string(); }
    std::size_t bytes_in_flight() const noexcept override { return sending_size_ - sending_done_; }
    void flush() noexcept override;

    /// Hands what was written to the kernel. True if that is done, or failed; else `flushed` will be set.
    bool flush_is_done() noexcept;
    /// The same, and no read is in flight either: for whoever moves the position or closes. The read's bytes are not lost.
    bool settled() noexcept;
    std::exception_ptr output_error() const noexcept { return output_error_; }
    std::int64_t position() const noexcept;
    /// Everything that was written before this place has been handed to the kernel.
    std::int64_t handed_over() const noexcept { return position_; }
    void move_to(std::int64_t position) noexcept;
    /// Forgets what was read ahead and returns to where the reader is.
    void rewind_reader() noexcept;
    /// Puts bytes of its own buffer past it: they were written by a splice.
    void advance(std::int64_t by) noexcept { position_ += by; }
    /// The descriptor, which from now on is the caller's to close.
    int take_descriptor() noexcept { return std::exchange(fd_, -1); }
    void refuse() noexcept { refuse_output(); }
    /// After refuse(), with nothing in flight: a read that another task waits in fails.
    void fail_read() noexcept;
    /// The handle was dropped: the loop writes what is left, closes, and ends it.
    void dropped() noexcept;

    event flushed;  // set when flush_is_done() has become true

private:
    ~file_core();
    void complete(completion done) noexcept override;
    void abort() noexcept override;
    void before_append() override;
    void urge() noexcept override { flush(); }
    void read_done(long result) noexcept;
    void written(long result) noexcept;
    void write_buffer() noexcept;
    void start_write() noexcept;
    void end_if_idle() noexcept;
    std::int64_t offset() const noexcept { return facts_.seeks && !facts_.appends ? position_ : current_position; }

    enum class busy : std::uint8_t { no, reading, writing };

    int fd_;
    leat::path path_;
    facts facts_;
    bool read_nowait_ = true;
    bool dropped_ = false;
    busy busy_ = busy::no;
    std::int64_t position_ = 0;  // where the kernel's next read or write goes: behind what was read ahead, before what waits to be written
    char* sending_ = nullptr;
    std::size_t sending_capacity_ = 0;
    std::size_t sending_size_ = 0;
    std::size_t sending_done_ = 0;
};

}  // namespace leat::detail
