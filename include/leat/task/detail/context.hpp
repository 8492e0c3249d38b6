#pragma once
#include <coroutine>
#include <cstdint>
#include <exception>
#include <source_location>

namespace leat::detail {

struct promise_base;
struct context;
struct local_value;

/// What the innermost frame of a strand waits on. Lives inside an awaiter, so inside the waiting coroutine's frame; it may be
/// destroyed at any moment, and its destructor takes it out of everything that points at it.
class waiter {
public:
    waiter(const waiter&) = delete;
    waiter& operator=(const waiter&) = delete;

    /// Give up: detach from the operation and call wake(), or, for a combinator, cancel the children. Called once at most.
    virtual void cancel() noexcept = 0;
    /// A result that is here but has not been taken goes back to where it came from, and the await throws `cancelled`, if that is possible:
    /// a read does it. For those that lost a race in the turn in which they, too, were done.
    virtual void give_back() noexcept {}
    /// The operation's name, for the task tree.
    virtual const char* describe() const noexcept = 0;

protected:
    waiter() = default;
    ~waiter() {
        if (context_) leave();
    }

    /// Makes this what the frame waits on. False in a cancelled scope: then nothing is to be started, and was_cancelled() is true.
    bool suspend(promise_base& frame, std::source_location at) noexcept;
    /// The same in a cancelled scope too: for combinators, whose children have to end first.
    void suspend_regardless(promise_base& frame, std::source_location at) noexcept;
    /// Queues the frame to be resumed. Harmless if it is queued already.
    void wake() noexcept;
    /// Charges an await that could go on at once. False when the task has had its turn: then await_ready takes nothing and says no, and
    /// await_suspend calls suspend(), takes what is there, and wakes itself, so that the others run first.
    static bool spend() noexcept;
    /// Resumes the frame at once: for the end of a strand below, with nothing of it left on the stack.
    void wake_now() noexcept;
    /// For cancel(): the frame will throw `cancelled`.
    void wake_cancelled() noexcept {
        cancelled_ = true;
        wake();
    }
    /// Takes itself out of the strand and the ready queue.
    void leave() noexcept;
    bool suspended() const noexcept { return context_ != nullptr; }
    bool was_cancelled() const noexcept { return cancelled_; }
    context* strand() const noexcept { return context_; }

private:
    friend class loop;
    friend struct context;

    context* context_ = nullptr;  // the strand, while suspended
    bool cancelled_ = false;

protected:
    std::uint8_t state_ = 0;  // the derived awaiter's, in the padding
};

/// One strand of frames that await each other, and the cancellation scope around it. A group's child, a branch of `gather` or
/// `race`, the inside of `timeout` and `shield` each have one. Outlives its frames.
struct context {
    using finished_function = void (*)(context&) noexcept;

    context(context* parent, finished_function finished) noexcept;
    ~context();
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Cancels the strand: the operation it waits on now, and every suspending await from now on.
    void cancel() noexcept;
    /// Cancels every strand directly below.
    void cancel_children() noexcept;
    /// What it has reached but not taken goes back; see waiter.
    void give_back() noexcept {
        if (leaf) leaf->give_back();
    }

    context* parent;
    context* first_child = nullptr;
    context* previous = nullptr;
    context* next = nullptr;
    waiter* leaf = nullptr;           // what the innermost frame waits on
    promise_base* top = nullptr;      // the frame to resume
    finished_function finished;       // called when the strand's first frame has ended
    local_value* locals = nullptr;    // the task-local values it sees, the newest first; see task_local
    std::uint32_t ready_slot = 0;     // place in the ready queue, 0: not queued
    bool cancelled = false;
    bool scheduled = false;           // counts as a task
};

/// What every task's promise begins with. Frames find their promise_base at one fixed offset, so a frame is named by it.
struct promise_base {
    promise_base* parent = nullptr;  // the frame that awaits this one
    context* strand = nullptr;
    std::source_location waits_at;   // the line it waits at
    std::exception_ptr error;
    bool starting = false;           // its starter is still on the stack; cleared when it has ended (a generator: has yielded)

    /// Keeps the exception in flight as the frame's error, and notes the frame in the error's trace.
    void fail() noexcept;

    std::coroutine_handle<> handle() noexcept { return std::coroutine_handle<promise_base>::from_promise(*this); }

    static void* operator new(std::size_t size);
    static void operator delete(void* frame, std::size_t size) noexcept;
};

/// Is it the exception that means cancellation? Answered without a throw.
bool is_cancelled(const std::exception_ptr& error) noexcept;
/// Runs a new strand's first frame until it first suspends. True if it has ended; `finished` is then not called.
bool start_strand(context& strand, promise_base& first) noexcept;
/// Runs a child frame in its parent's strand. True if the child has ended and the parent goes on at once.
bool start_child(promise_base& parent, promise_base& child, std::source_location at) noexcept;
/// Queues a strand's first frame to be started from the loop.
void schedule_strand(context& strand, promise_base& first) noexcept;
/// The strand below takes over the task-local values that `from` sees now, in place of its own.
void inherit_locals(context& strand, const context& from) noexcept;
/// Called at the end of a frame, and where a generator has a value.
void frame_ended(promise_base& frame) noexcept;
/// The strand whose frame runs now; null outside any task.
context* running_strand() noexcept;

struct final_awaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame) noexcept {
        frame_ended(frame.promise());
    }
    void await_resume() noexcept {}
};

}  // namespace leat::detail
