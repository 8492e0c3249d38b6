#include "process/pipe_input.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include "engine/file_calls.hpp"
#include "fs/file_call.hpp"
#include "io/error_from.hpp"
#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t little = 4096;
constexpr std::size_t much = 64 * 1024;  // what a pipe holds
constexpr auto ask_again = std::chrono::milliseconds{20};

}  // namespace

pipe_input::pipe_input(const usable_descriptor& from, std::string name)
    : pipe_operation(direction::in, from.how == usable_descriptor::way::polled),
      way_(from.how),
      is_shared_(from.is_shared),
      is_pty_master_(from.is_pty_master),
      name_(std::move(name)) {
    use(from.fd, from.is_socket);
}

int pipe_input::find_target() noexcept {
    try {
        const std::size_t least = much_ ? much : little;
        char* into = input.room(least, least, reading == nullptr);
        target(into, input.room_size());
        return 0;
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
}

bool pipe_input::fill_now() {
    if (in_flight() || descriptor() < 0) return false;
    if (way_ == usable_descriptor::way::direct) {
        char* into = input.room(much, much, false);
        const long n = read_cached(descriptor(), into, input.room_size(), -1);
        if (n < 0) return false;  // not in the cache; a real error is met again by the read that may wait
        if (n == 0) input_at_end = true;
        input.commit(static_cast<std::size_t>(n));
        return true;
    }
    // The pipe was not empty at the last look; without that it is asked first, since a FIFO that has had no writer yet says that it is at its end.
    if (!polled() || !much_) return false;
    const int n = transfer();
    much_ = false;
    if (n < 0) return false;
    much_ = static_cast<std::size_t>(n) == target_size() || n >= static_cast<int>(little);
    if (n == 0) input_at_end = true;
    input.commit(static_cast<std::size_t>(n));
    return true;
}

void pipe_input::want_bytes() {
    if (in_flight()) return;
    if (descriptor() < 0) return input_ended(nullptr);
    arm_read();
}

void pipe_input::arm_read() {
    if (polled()) {
        if (!much_ && reading) input.release_if_empty();  // one that waits owns no buffer
    } else {
        much_ = true;
        if (int failed = find_target(); failed < 0) throw std::bad_alloc();
    }
    loop::current().submit(*this);
}

void pipe_input::complete(completion done) noexcept {
    if (dropped_) return finish();
    const int n = outcome(done);
    if (n != -EAGAIN && n != -ECANCELED && n != -EINTR) take(n);
    if (!reading || input_at_end) return;
    try {
        arm_read();
    } catch (...) {
        input_ended(std::current_exception());
    }
}

void pipe_input::take(int n) noexcept {
    if (n > 0) {
        much_ = n >= static_cast<int>(little);
        input.commit(static_cast<std::size_t>(n));
        bytes_arrived();
    } else if (n == 0 || (n == -EIO && is_pty_master_)) {
        input_ended(nullptr);
    } else {
        input_ended(error_from([&] { return error(-n, "read", name_); }));
    }
}

void pipe_input::reader_dropped() noexcept {
    dropped_ = true;
    if (!in_flight()) return finish();
    loop::current_or_null()->adopt(*this);
    abort();
}

/// A thread may have been told just before its call began to block: it is told again.
void pipe_input::abort() noexcept {
    loop::current_or_null()->cancel(*this);
    if (!polled()) timer::arm(ask_again);
}

void pipe_input::finish() noexcept {
    loop& here = *loop::current_or_null();
    const int fd = descriptor();
    use(-1, false);
    if (polled()) {
        if (is_shared_) here.kernel().forget(fd);  // epoll would go on watching what others still have open
        here.close(fd);
    } else {
        close_without_waiting(fd, way_ == usable_descriptor::way::direct);
    }
    here.release(*this);
    delete this;
}

}  // namespace leat::detail
