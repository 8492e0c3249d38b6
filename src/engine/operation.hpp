#pragma once
#include <cstddef>
#include <cstdint>

struct io_uring_sqe;

namespace leat::detail {

/// Memory that an engine lends to a receive, shared by all of them: what is not copied before complete() returns is lost.
struct scratch_buffer {
    char* data = nullptr;
    std::size_t size = 0;
};

/// How an operation ended, or, with `more`, one arrival of an operation that goes on.
struct completion {
    int result;                  // as the system call would return it, or -errno
    bool more = false;           // the operation stays in flight and completes again
    const char* data = nullptr;  // for a receive without memory of its own: where the bytes are, until complete() returns
};

/// One thing asked of the kernel, in both of its forms. Owned by a stream, a file or a server, which lives until the last
/// completion: the kernel never points at memory that may die.
class operation {
public:
    /// What the plain system call needs before it can succeed.
    enum class waits_for : std::uint8_t {
        readable,  // epoll tells; the call itself never blocks
        writable,
        file,      // nothing tells, and it may block: io_uring runs it, elsewhere the pool does
        thread,    // a function of the caller: always in the pool
    };

    enum class repetition : std::uint8_t {
        none,
        each_event,  // one try an event, until the end of the stream: a receive
        burst,       // until nothing is left: an accept
    };

    explicit operation(waits_for how) noexcept : how_(how) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    /// The io_uring form.
    virtual void prepare(io_uring_sqe& sqe) noexcept = 0;
    /// The plain form: one try. -EAGAIN: not yet. May point `data` at the scratch buffer.
    virtual completion attempt(scratch_buffer scratch) noexcept = 0;
    /// Does it go on by itself after a success? Asked by the epoll engine; io_uring says so with each completion.
    virtual repetition repeats() const noexcept { return repetition::none; }
    /// Called by the engine from wait(), never from submit() or cancel().
    virtual void complete(completion done) noexcept = 0;

    int descriptor() const noexcept { return fd_; }
    bool in_flight() const noexcept { return in_flight_; }
    waits_for how() const noexcept { return how_; }

protected:
    ~operation() = default;

    int fd_ = -1;

private:
    friend class uring_engine;
    friend class epoll_engine;
    friend class thread_pool;
    waits_for how_;
    bool in_flight_ = false;
    bool cancelling_ = false;
};

}  // namespace leat::detail
