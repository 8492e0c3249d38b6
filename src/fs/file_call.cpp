#include "fs/file_call.hpp"

#include <cerrno>
#include <utility>

#include "engine/file_calls.hpp"
#include "task/operation_awaiter.hpp"

namespace leat::detail {
namespace {

struct opening : file_operation {
    opening(std::string path, int flags, unsigned mode) { to_open(std::move(path), flags, mode); }
    void unclaimed(int fd) noexcept {
        if (fd >= 0) close_without_waiting(fd, false);
    }
};

/// Owns its descriptor until it has ended: one that was cancelled before it began is made up for.
struct closing : file_operation {
    static constexpr bool goes_on = true;
    explicit closing(int fd) { to_close(fd); }
    void unclaimed(int result) noexcept {
        if (result == -ECANCELED) close_directly(descriptor());
    }
};

struct syncing : file_operation {
    static constexpr bool goes_on = true;
    explicit syncing(int fd) { to_sync(fd); }
    void unclaimed(int) noexcept {}
};

struct reading : file_operation {
    reading(int fd, std::size_t size, std::int64_t offset) : memory(size, '\0') { to_read(fd, memory.data(), size, offset); }
    void unclaimed(int) noexcept {}
    std::string memory;
};

struct writing : file_operation {
    writing(int fd, std::string from, std::int64_t offset) : memory(std::move(from)) { to_write(fd, memory.data(), memory.size(), offset); }
    void unclaimed(int) noexcept {}
    std::string memory;
};

/// The read awaiter that also hands over what was read.
class read_awaiter final {
public:
    read_awaiter(held_operation<reading>* operation, std::string& into) : awaiter_("file read", operation), into_(into) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return awaiter_.await_suspend(frame, at);
    }
    int await_resume() {
        // A cancelled one has left its operation to the loop, and its memory with it.
        std::string memory;
        if (auto* read = awaiter_.operation()) memory = std::move(read->memory);
        const int result = awaiter_.await_resume();
        memory.resize(result > 0 ? static_cast<std::size_t>(result) : 0);
        into_ = std::move(memory);
        return result;
    }

private:
    operation_awaiter<reading> awaiter_;
    std::string& into_;
};

}  // namespace

task<int> open_call(std::string path, int flags, unsigned mode) {
    auto* operation = new held_operation<opening>(std::move(path), flags, mode);
    co_return co_await operation_awaiter<opening>("open", operation);
}

task<int> close_call(owned_descriptor fd) {
    auto* operation = new held_operation<closing>(fd.get());
    fd.release();
    co_return co_await operation_awaiter<closing>("close", operation);
}

task<int> sync_call(int fd) {
    auto* operation = new held_operation<syncing>(fd);
    co_return co_await operation_awaiter<syncing>("sync", operation);
}

task<int> read_call(int fd, std::string& into, std::size_t size, std::int64_t offset) {
    auto* operation = new held_operation<reading>(fd, size, offset);
    co_return co_await read_awaiter(operation, into);
}

task<int> write_call(int fd, std::string from, std::int64_t offset) {
    auto* operation = new held_operation<writing>(fd, std::move(from), offset);
    co_return co_await operation_awaiter<writing>("file write", operation);
}

void close_without_waiting(int fd, bool direct) noexcept {
    if (direct || !loop::current_or_null()) {
        close_directly(fd);
        return;
    }
    try {
        (new held_operation<closing>(fd))->begin(nullptr);
    } catch (...) {  // no memory: then at once
        close_directly(fd);
    }
}

}  // namespace leat::detail
