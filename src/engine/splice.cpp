#include "engine/splice.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace leat::detail {
namespace {

constexpr int wanted_size = 1 << 20;  // what an ordinary user may ask for
constexpr std::size_t most_kept = 4;

}  // namespace

/// Pipes that are empty and wait for their next use.
class pipe_cache {
public:
    ~pipe_cache() {
        open_ = false;
        close();
    }
    void close() noexcept {
        for (splice_pipe& pipe : kept_) pipe.close();
        kept_.clear();
    }
    bool take(splice_pipe& into) noexcept {
        if (kept_.empty()) return false;
        into = std::move(kept_.back());
        kept_.pop_back();
        return true;
    }
    bool keep(splice_pipe& pipe) noexcept {
        if (!open_ || kept_.size() >= most_kept) return false;
        try {
            kept_.reserve(most_kept);
        } catch (...) {
            return false;
        }
        kept_.push_back(std::move(pipe));
        return true;
    }

    static thread_local pipe_cache here;

private:
    std::vector<splice_pipe> kept_;
    bool open_ = true;
};

thread_local pipe_cache pipe_cache::here;

splice_pipe splice_pipe::take() noexcept {
    splice_pipe pipe;
    if (pipe_cache::here.take(pipe)) return pipe;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return pipe;
    pipe.out_ = ends[0];
    pipe.in_ = ends[1];
    int size = ::fcntl(pipe.in_, F_SETPIPE_SZ, wanted_size);
    if (size < 0) size = ::fcntl(pipe.in_, F_GETPIPE_SZ);  // the user's share of pipe memory is used up
    pipe.size_ = size > 0 ? static_cast<std::size_t>(size) : 4096;
    return pipe;
}

void splice_pipe::close_kept() noexcept { pipe_cache::here.close(); }

splice_pipe::~splice_pipe() {
    if (in_ < 0) return;
    if (held_ != 0 || !pipe_cache::here.keep(*this)) close();
}

void splice_pipe::close() noexcept {
    if (in_ < 0) return;
    ::close(in_);
    ::close(out_);
    in_ = out_ = -1;
}

long splice_pipe::fill(int socket, std::size_t most) noexcept {
    long n;
    do n = ::splice(socket, nullptr, in_, nullptr, most < size_ ? most : size_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    held_ += static_cast<std::size_t>(n);
    return n;
}

int splice_pipe::drain(int file, std::int64_t offset) noexcept {
    loff_t at = offset;
    while (held_ != 0) {
        const long n = ::splice(out_, nullptr, file, &at, held_, SPLICE_F_MOVE);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? -errno : -EIO;
        held_ -= static_cast<std::size_t>(n);
    }
    return 0;
}

}  // namespace leat::detail
