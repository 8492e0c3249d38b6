#include "leat/io/detail/transport.hpp"

#include <stdexcept>

namespace leat::detail {

bool transport_waiter::await_ready() noexcept {
    if (what_ == event::closed)
        of_.begin_close();
    return reached();
}

bool transport_waiter::reached() const noexcept {
    if (what_ == event::closed) return of_.closed();
    if (of_.output_error()) return true;
    return what_ == event::all_sent ? of_.buffered() == 0 : of_.output_ended();
}

const char* transport_waiter::describe() const noexcept {
    return what_ == event::closed ? "close" : what_ == event::all_sent ? "flush" : "write_eof";
}

bool transport_waiter::start(promise_base& frame, std::source_location at) {
    if (of_.watcher) throw std::logic_error(of_.subject() + ": closed by two tasks at once");
    if (!suspend(frame, at)) return false;  // the closing itself goes on
    of_.watcher = this;
    return true;
}

void transport_waiter::look() noexcept {
    if (!reached()) return;
    of_.watcher = nullptr;
    wake();
}

void transport_waiter::cancel() noexcept {
    of_.watcher = nullptr;
    wake_cancelled();
}

std::exception_ptr transport_waiter::error() {
    if (was_cancelled()) throw cancelled{};
    return of_.output_error();
}

}  // namespace leat::detail
