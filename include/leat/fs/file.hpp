#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "leat/io/bytes.hpp"
#include "leat/io/detail/input_stream.hpp"
#include "leat/io/detail/output_stream.hpp"
#include "leat/io/path.hpp"
#include "leat/io/writer.hpp"
#include "leat/task/task.hpp"

namespace leat {

namespace detail {

class file_core;

/// The two halves of an open file; its reads and writes need to know no more.
class file_streams : public input_stream, public output_stream {
protected:
    ~file_streams() = default;
};

}  // namespace detail

/// An open file with one position, a read-ahead and a write-behind buffer of 256 KiB each. What aiofiles gives to Python.
///
/// Cached data is read, and data is written into the page cache, without a trip to another thread; what may block goes to io_uring or to the
/// pool. Reads return views that are valid until the next read, and lose no byte when they are cancelled. What is written gathers in the buffer;
/// an error of a write behind may surface at a later write, at `flush`, `sync` or `close`. A file that is dropped is written out and
/// closed by the loop; a failure is then logged. One read at a time. Errors: `leat::error` with the path.
/// Threads: the loop's own. Allocates: its core when opened; the buffers when first used, from a pool of the loop.
class file {
public:
    file() = default;
    /// For leat's own layers.
    explicit file(detail::file_streams& core) noexcept : core_(&core) {}
    file(file&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    file& operator=(file&& other) noexcept {
        if (this != &other) {
            drop();
            core_ = std::exchange(other.core_, nullptr);
        }
        return *this;
    }
    ~file() { drop(); }

    /// Reads what comes next, at most `most` bytes, as many as are at hand (up to 256 KiB).
    /// Completes when: there is a byte, or the end. @return `optional<string_view>`; nullopt at the end of the file (which may have grown when read again).
    /// Errors: `leat::error` "read PATH: …"; EBADF at once if it is closed. Cancellation: nothing is lost, call again. Allocates: never, after the first.
    /// Source: aiofiles read(n).
    detail::some_read read(bytes most = {static_cast<std::size_t>(-1)}) { return {input(), most.count}; }
    /// Reads a line, its '\n' kept; the last one may lack it.
    /// Completes when: a whole line is there, or the end. @return `optional<string_view>`; nullopt at the end of the file.
    /// Errors: as `read`; `limit_error` above the limit (default 1 MiB); the bytes stay and can be read.
    /// Cancellation: nothing is lost, call again. Source: aiofiles readline.
    detail::line_read read_line() {
        auto& from = input();
        return {from, from.limit};
    }
    /// The same with a limit of this call's own.
    detail::line_read read_line(bytes limit) { return {input(), limit.count}; }
    /// Reads exactly `count` bytes (at most 1 GiB, in one piece).
    /// Completes when: they are there, or the end. @return `string_view`. Errors: as `read`; `incomplete_read` if the file ends before; the bytes that are there stay.
    /// Cancellation: nothing is lost, call again.
    detail::exact_read read_exactly(std::size_t count) { return {input(), count}; }
    /// Reads the rest of the file.
    /// Completes when: its end is reached. @return the text. Errors: as `read`; `limit_error` if that is more than `limit`; the position is then behind what was read.
    /// Cancellation: what was read is lost; `seek` back to call again. Allocates: the string. Source: aiofiles read().
    task<std::string> read_all(bytes limit = {std::size_t{1} << 30});

    /// Writes one or several pieces at the position (at the end in mode "a").
    /// Completes when: they are in the buffer, or handed to the kernel where they do not fit: mostly at once. The pieces must live until the await returns.
    /// Errors: `leat::error` "write PATH: …", also of earlier writes; EBADF if it is closed. Cancellation: as for stream_writer. Source: aiofiles write.
    template <detail::text... Piece>
        requires(sizeof...(Piece) > 0)
    detail::pieces_write<sizeof...(Piece)> write(const Piece&... pieces) {
        return detail::pieces_write<sizeof...(Piece)>{output(), pieces...};
    }
    /// Completes when: everything written has been handed to the kernel. Errors: of the writes. Cancellation: the writing goes on; call again. Source: aiofiles flush.
    task<> flush();
    /// Completes when: everything written is on the device (fsync). Errors: of the writes; `leat::error` "sync PATH: …". Cancellation: the sync goes on; call
    /// again. Source: os.fsync.
    task<> sync();

    /// Where a seek counts from: the first byte, the position, the end.
    enum class from : std::uint8_t { start, current, end };
    /// Moves the position. What was read ahead is dropped, what was written is handed to the kernel first.
    /// Completes when: that is done; mostly at once. @return the new position, in bytes from the start. Errors: of the writes; `leat::error` "seek PATH: …": ESPIPE
    /// for pipes and terminals, EINVAL before the start. Cancellation: the position has not moved; call again. Source: aiofiles seek.
    task<std::uint64_t> seek(std::int64_t offset, from whence = from::start);
    /// The position, in bytes from the start.
    std::uint64_t tell() const;
    /// Cuts or extends the file to `size` bytes. The position stays.
    /// Completes when: the kernel has done it. Errors: of the writes before; `leat::error` "truncate PATH: …". Cancellation: a call that has begun is waited for;
    /// what is written stays written. Source: aiofiles truncate.
    task<> truncate(std::uint64_t size);
    /// The same to the position.
    task<> truncate();
    /// The file's size now, in bytes, written ones included.
    /// Completes when: what was written has been handed to the kernel. Errors: of the writes; `leat::error` "size PATH: …". Cancellation: nothing is lost.
    /// Source: os.fstat.
    task<std::uint64_t> size();

    /// Reads at most `count` bytes at an offset, without touching the position; several may run at once. @return fewer at the end of the file.
    /// Completes when: they are read, after what was written before has been handed to the kernel. Errors: of the writes; `leat::error` "read_at PATH: …".
    /// Cancellation: nothing is lost. Allocates: the string. Source: os.pread.
    task<std::string> read_at(std::uint64_t offset, std::size_t count);
    /// Writes all of `data`, which must live until then, at an offset, past the buffers and the position.
    /// Completes when: the kernel has taken it. Errors: `leat::error` "write_at PATH: …". Cancellation: part of it may have been written. Source: os.pwrite.
    task<> write_at(std::uint64_t offset, std::string_view data);

    /// Writes out what is left and closes. Closing a closed file does nothing.
    /// Completes when: it is closed. Errors: those of the last writes surface here, ENOSPC and EDQUOT among them, and `leat::error` "close PATH: …"; the file is
    /// closed all the same. Cancellation: the loop finishes it once the object dies. Source: aiofiles close.
    task<> close();
    /// Is it open?
    bool is_open() const noexcept;
    /// The name it was opened by.
    const leat::path& path() const;

    /// Is it a file's? Not when it was moved from, or made without one; a closed one is.
    explicit operator bool() const noexcept { return core_ != nullptr; }
    /// For leat's own layers.
    detail::file_core* core() const noexcept;

private:
    void drop() noexcept;
    detail::input_stream& input() {
        // A file that is closed is at its end too.
        if (!core_ || core_->input_at_end) [[unlikely]] readable();
        return *core_;
    }
    detail::output_stream& output() {
        if (!core_) [[unlikely]] opened("write");
        return *core_;
    }
    /// Throws if it is closed; else looks anew whether the end is still the end.
    void readable();
    detail::file_core& opened(const char* operation) const;
    detail::file_streams* core_ = nullptr;
};

/// Opens a file, in Python's modes: "r", "w" (truncates or creates), "a" (appends), "x" (creates, must not exist), each with "+" for reading and
/// writing; "b" is implied. New files get the permissions 0666 less the umask.
/// Completes when: it is open; a FIFO waits for its other end, off the loop. Errors: `leat::error` "open PATH: …";
/// std::invalid_argument for another mode. Cancellation: nothing stays open. Allocates: about 400 bytes. Source: aiofiles.open.
task<file> open(path name, std::string_view mode = "r");

/// The whole content of a file.
/// Completes when: it is read and the file closed. Errors: `leat::error` "open PATH: …", "read PATH: …"; `limit_error` if it is larger than `limit`.
/// Cancellation: nothing stays open. Allocates: the string. Source: Path.read_text.
task<std::string> read_file(path name, bytes limit = {std::size_t{1} << 30});
/// Creates or truncates a file and writes `content`, which must live until then. A crash may leave half of it: see `replace_file`.
/// Completes when: it is handed to the kernel and the file closed. Errors: `leat::error` "open PATH: …", "write PATH: …", also of the close.
/// Cancellation: the file may hold a part of it; nothing stays open. Source: Path.write_text.
task<> write_file(path name, std::string_view content);

}  // namespace leat
