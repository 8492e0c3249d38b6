#include "fs/file_core.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/file_calls.hpp"
#include "fs/file_call.hpp"
#include "io/error_from.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t read_least = 128 * 1024;
constexpr std::size_t read_ahead = 256 * 1024;
constexpr std::uint32_t write_behind = 256 * 1024;

}  // namespace

file_core::file_core(int fd, leat::path path, facts known) noexcept : fd_(fd), path_(std::move(path)), facts_(known) {
    high_water = write_behind;
    low_water = write_behind / 2;
    limit = 1 << 20;  // a file does not grow the buffer by itself: a line may be longer than a peer's
    dirty_ = true;    // never on the loop's list: a file is written when its buffer is full, when it is closed, or when it is asked for
}

file_core::~file_core() {
    dirty_ = false;
    if (sending_) loop::current().buffers().give_back(sending_, sending_capacity_);
}

// ---- reading

bool file_core::fill_now() {
    if (busy_ != busy::no || !flush_is_done()) return false;
    fast_end_ = 0;  // the next write has to look where the reader is
    if (!facts_.direct || !read_nowait_) return false;
    char* into = input.room(read_least, read_ahead, false);
    const long n = read_cached(fd_, into, input.room_size(), position_);
    if (n == -EOPNOTSUPP || n == -EINVAL) read_nowait_ = false;
    if (n < 0) return false;  // not in the cache; a real error is met again by the read that may wait
    if (n == 0) {
        input_at_end = true;
    } else {
        input.commit(static_cast<std::size_t>(n));
        position_ += n;
    }
    return true;
}

void file_core::want_bytes() {
    if (busy_ != busy::no || !flush_is_done()) return;
    fast_end_ = 0;  // as in fill_now()
    char* into = input.room(read_least, read_ahead, reading == nullptr);
    busy_ = busy::reading;
    to_read(fd_, into, input.room_size(), facts_.seeks ? position_ : current_position);
    loop::current().submit(*this);
}

void file_core::read_done(long n) noexcept {
    if (n >= 0 && size_ != 0 && facts_.seeks) {
        // What was written meanwhile goes here, where the reader is: it is read again after that.
    } else if (n > 0) {
        input.commit(static_cast<std::size_t>(n));
        if (facts_.seeks) position_ += n;
        bytes_arrived();
    } else if (n == 0) {
        input_ended(nullptr);
    } else if (n != -ECANCELED && n != -EINTR) {
        input_ended(error_from([&] { return error(static_cast<int>(-n), "read", path_.string()); }));
    }
    flushed.set();
    if (reading && !dropped_ && !refusing_ && !input_at_end) want_bytes();
}

void file_core::fail_read() noexcept {
    if (reading) input_ended(error_from([&] { return error(EBADF, "read", path_.string()); }));
}

void file_core::rewind_reader() noexcept {
    position_ -= static_cast<std::int64_t>(input.size());
    input.take(input.size());
    input_at_end = false;
    input_error = nullptr;
}

std::int64_t file_core::position() const noexcept {
    return position_ - static_cast<std::int64_t>(input.size()) + static_cast<std::int64_t>(buffered());
}

void file_core::move_to(std::int64_t position) noexcept {
    input.take(input.size());
    input_at_end = false;
    input_error = nullptr;
    position_ = position;
    fast_end_ = 0;
}

// ---- writing

void file_core::before_append() {
    if (!input.empty() && facts_.seeks) rewind_reader();
    if (facts_.appends && facts_.seeks && buffered() == 0) position_ = std::max<std::int64_t>(size_of(fd_), 0);
}

void file_core::flush() noexcept {
    if (size_ == 0 || busy_ != busy::no || output_failed() || fd_ < 0) return;
    if (facts_.direct) {
        do {  // a large write that waits fills the buffer again
            write_buffer();
            pump();
        } while (size_ != 0 && !waiting_.empty() && !output_failed());
        return;
    }
    if (sending_) loop::current().buffers().give_back(sending_, sending_capacity_);
    sending_ = std::exchange(memory_, nullptr);
    sending_capacity_ = capacity_;
    sending_size_ = size_;
    sending_done_ = 0;
    set_buffer(nullptr, 0);
    start_write();
}

void file_core::write_buffer() noexcept {
    std::size_t done = 0;
    while (done < size_) {
        const long n = write_directly(fd_, memory_ + done, size_ - done, facts_.appends ? current_position : position_);
        if (n < 0) {
            size_ = 0;
            return fail_output(error_from([&] { return error(static_cast<int>(-n), "write", path_.string()); }));
        }
        done += static_cast<std::size_t>(n);
        position_ += n;
    }
    size_ = 0;
}

void file_core::start_write() noexcept {
    busy_ = busy::writing;
    to_write(fd_, sending_ + sending_done_, sending_size_ - sending_done_, offset());
    loop::current().submit(*this);
}

void file_core::written(long n) noexcept {
    if (n < 0) {
        sending_size_ = sending_done_ = 0;
        size_ = 0;
        fail_output(error_from([&] { return error(static_cast<int>(-n), "write", path_.string()); }));
    } else {
        sending_done_ += static_cast<std::size_t>(n);
        if (facts_.seeks) position_ += n;
        if (sending_done_ < sending_size_) return start_write();
        sending_size_ = sending_done_ = 0;
    }
    pump();
    if (size_ != 0 && (reading || dropped_ || !waiting_.empty() || !flushed.is_set())) flush();
    if (busy_ != busy::no) return;
    flushed.set();
    if (reading) want_bytes();
}

bool file_core::settled() noexcept {
    if (busy_ == busy::reading && (!reading || refusing_)) {  // left behind by a read that was cancelled, or the file is closed
        loop::current().cancel(*this);
        flushed.clear();
        return false;
    }
    return flush_is_done();
}

bool file_core::flush_is_done() noexcept {
    if (busy_ == busy::no) flush();
    if (output_failed() || buffered() == 0) return true;
    flushed.clear();
    return false;
}

// ---- completions and the end

void file_core::complete(completion done) noexcept {
    if (std::exchange(busy_, busy::no) == busy::reading)
        read_done(done.result);
    else
        written(done.result);
    if (!dropped_) return;
    flush();
    end_if_idle();
}

void file_core::dropped() noexcept {
    dropped_ = true;
    if (fd_ >= 0) {
        if (busy_ == busy::reading) loop::current().cancel(*this);
        flush();
    }
    loop::current().adopt(*this);
    end_if_idle();
}

void file_core::end_if_idle() noexcept {
    if (busy_ != busy::no) return;
    if (output_failed() && !refusing_) log::warn("closing a dropped file: {}", describe(output_error()));
    if (fd_ >= 0) close_without_waiting(std::exchange(fd_, -1), facts_.direct);
    delete this;
}

void file_core::abort() noexcept {
    if (busy_ != busy::no) return loop::current().cancel(*this);
    end_if_idle();
}

}  // namespace leat::detail
