#pragma once
#include <cstdint>
#include <string>

#include "engine/operation.hpp"

namespace leat::detail {

/// A call on a file that may block: io_uring runs it, or the thread pool.
class file_operation : public operation {
public:
    enum class call : std::uint8_t { open, read, write, sync, close };

    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;

    /// At -1 a read or write goes on where the descriptor stands: pipes, terminals, files opened to append.
    static constexpr std::int64_t current_position = -1;

protected:
    file_operation() noexcept : operation(waits_for::file) {}
    ~file_operation() = default;

    void to_open(std::string path, int flags, unsigned mode) {
        call_ = call::open;
        path_ = std::move(path);
        flags_ = flags;
        mode_ = mode;
    }
    void to_read(int fd, char* into, std::size_t size, std::int64_t offset) noexcept {
        set(call::read, fd, into, size, offset);
    }
    void to_write(int fd, const char* from, std::size_t size, std::int64_t offset) noexcept {
        set(call::write, fd, const_cast<char*>(from), size, offset);
    }
    void to_sync(int fd) noexcept { set(call::sync, fd, nullptr, 0, 0); }
    void to_close(int fd) noexcept { set(call::close, fd, nullptr, 0, 0); }

private:
    void set(call what, int fd, char* memory, std::size_t size, std::int64_t offset) noexcept {
        call_ = what;
        fd_ = fd;
        data_ = memory;
        length_ = static_cast<unsigned>(size);
        offset_ = offset;
    }

    call call_ = call::read;
    unsigned mode_ = 0;
    int flags_ = 0;
    unsigned length_ = 0;
    char* data_ = nullptr;
    std::int64_t offset_ = 0;
    std::string path_;
};

}  // namespace leat::detail
