#include "process/pipe_output.hpp"

#include <cerrno>
#include <utility>

#include "fs/file_call.hpp"
#include "io/error_from.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t let_others_run = 1024 * 1024;       // bytes without a turn of the loop, to a reader that keeps up
constexpr auto flush_stall = std::chrono::seconds{30};    // a dropped writer whose reader takes nothing for so long is cut
constexpr auto ask_again = std::chrono::milliseconds{20};

}  // namespace

pipe_output::pipe_output(const usable_descriptor& to, std::string name)
    : pipe_operation(direction::out, to.how == usable_descriptor::way::polled), way_(to.how), is_shared_(to.is_shared), name_(std::move(name)) {
    use(to.fd, to.is_socket);
    ignore_broken_pipes();
}

pipe_output::~pipe_output() { end_piece(); }

// ---- sending

void pipe_output::flush() noexcept {
    if (in_flight() || descriptor() < 0) return update_fast_end();
    go_on();
}

/// Sends until nothing is left, or the pipe is full. May be the end of this.
void pipe_output::go_on() noexcept {
    while (descriptor() >= 0 && !output_failed()) {
        if (sending_size_ == 0) {
            if (size_ == 0) break;
            take_piece();
        }
        if (!send_piece()) {
            if (in_flight()) {
                pump();  // it may be down to the low-water mark all the same
                if (closing_ && !timer::armed()) timer::arm(flush_stall);
                return update_fast_end();
            }
            break;
        }
        end_piece();
        pump();
    }
    update_fast_end();
    settle();
}

void pipe_output::take_piece() noexcept {
    sending_ = std::exchange(memory_, nullptr);
    sending_capacity_ = capacity_;
    sending_size_ = size_;
    sending_done_ = 0;
    set_buffer(nullptr, 0);
}

void pipe_output::end_piece() noexcept {
    if (sending_) loop::current_or_null()->buffers().give_back(std::exchange(sending_, nullptr), sending_capacity_);
    sending_size_ = sending_done_ = 0;
}

/// True if the piece is sent. Else it is in flight, or it has failed.
bool pipe_output::send_piece() noexcept {
    while (sending_done_ < sending_size_) {
        target(sending_ + sending_done_, sending_size_ - sending_done_);
        const bool at_once = way_ != usable_descriptor::way::called && sent_in_a_row_ < let_others_run;
        const int n = at_once || way_ == usable_descriptor::way::direct ? transfer() : -EAGAIN;
        if (n == -EAGAIN) {
            sent_in_a_row_ = 0;
            loop::current_or_null()->submit(*this);
            return false;
        }
        if (n < 0) {
            send_failed(-n);
            return false;
        }
        sending_done_ += static_cast<std::size_t>(n);
        sent_in_a_row_ += static_cast<std::size_t>(n);
        if (closing_) timer::disarm();  // it moves: the time without progress begins anew
    }
    return true;
}

void pipe_output::send_failed(int errno_value) noexcept {
    end_piece();
    size_ = 0;
    fail_output(error_from([&] { return error(errno_value, "write", name_); }));
}

void pipe_output::complete(completion done) noexcept {
    const int n = aborted_ ? -ECANCELED : outcome(done);
    if (n >= 0) {
        sending_done_ += static_cast<std::size_t>(n);
        if (closing_) timer::disarm();
        pump();
    } else if (n == -EAGAIN || (n == -EINTR && !aborted_)) {
        return loop::current_or_null()->submit(*this);
    } else if (aborted_) {
        end_piece();
    } else {
        send_failed(-n);
    }
    go_on();
}

// ---- closing

void pipe_output::begin_close() noexcept {
    if (closing_ || descriptor() < 0) return;
    closing_ = true;
    loop::current_or_null()->adopt(*this);
    refuse_output();
    if (in_flight())
        timer::arm(flush_stall);
    else
        go_on();
}

/// Nothing can be sent now. What was waiting for that?
void pipe_output::settle() noexcept {
    if (closing_ && !in_flight()) return finish_close();
    if (watcher) watcher->look();
}

void pipe_output::expired() noexcept {
    if (watcher && !aborted_) return timer::arm(flush_stall);  // whoever awaits the close has a time-out of his own
    abort();
}

void pipe_output::abort() noexcept {
    if (!aborted_ && buffered() != 0 && !output_failed())
        fail_output(error_from([&] { return error(ECONNABORTED, "close with " + std::to_string(buffered()) + " bytes unsent", name_); }));
    aborted_ = true;
    size_ = 0;
    if (!in_flight()) return finish_close();
    loop::current_or_null()->cancel(*this);
    timer::arm(ask_again);  // a thread may have been told just before its call began to block
}

void pipe_output::finish_close() noexcept {
    loop& here = *loop::current_or_null();
    const int fd = descriptor();
    use(-1, false);
    timer::disarm();
    if (polled()) {
        if (is_shared_) here.kernel().forget(fd);  // epoll would go on watching what others still have open
        here.close(fd);
    } else {
        close_without_waiting(fd, way_ == usable_descriptor::way::direct);
    }
    here.release(*this);
    if (watcher)
        watcher->look();
    else if (output_failed() && !held_ && !discarded_)
        log::warn("closing a dropped pipe: {}", describe(output_error()));
    if (!held_) delete this;
}

void pipe_output::writer_dropped() noexcept {
    held_ = false;
    if (descriptor() < 0) {
        delete this;
    } else if (!closing_) {
        begin_close();
    }
}

void pipe_output::discard() noexcept {
    discarded_ = true;
    if (descriptor() < 0) return;
    if (!closing_) {
        closing_ = true;
        loop::current_or_null()->adopt(*this);
        refuse_output();
    }
    abort();
}

}  // namespace leat::detail
