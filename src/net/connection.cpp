#include "leat/net/connection.hpp"

#include <cerrno>

#include "engine/open_beneath.hpp"
#include "engine/operation/connect.hpp"
#include "engine/socket.hpp"
#include "leat/task/timeout.hpp"
#include "net/open.hpp"
#include "net/resolver.hpp"
#include "net/tcp_stream.hpp"
#include "task/loop.hpp"

namespace leat {
namespace detail {
namespace {

/// A connect that outlives whoever waits for it: on the heap until its last completion, and the socket with it.
class connecting final : public connect_operation, private resident {
public:
    connecting(int fd, const address& to) noexcept : connect_operation(fd, to) {}
    void begin() {
        loop::current().adopt(*this);
        loop::current().submit(*this);
    }
    void complete(completion done) noexcept override {
        finished = true;
        result = done.result;
        if (owner) return owner->connected();
        loop::current().close(descriptor());
        delete this;
    }
    void abort() noexcept override { loop::current().cancel(*this); }
    void abandon() noexcept {
        owner = nullptr;
        loop::current().cancel(*this);
    }

    struct listener {
        virtual void connected() noexcept = 0;
    };
    listener* owner = nullptr;
    bool finished = false;
    int result = 0;
};

class connect_awaiter final : waiter, connecting::listener {
public:
    connect_awaiter(owned_descriptor& opened, const address& to) : operation_(new connecting(opened.get(), to)) {
        opened.release();
        operation_->owner = this;
    }
    ~connect_awaiter() {
        if (!operation_) return;
        if (operation_->in_flight())
            operation_->abandon();
        else {
            loop::current().close(operation_->descriptor());
            delete operation_;
        }
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        if (!suspend(frame.promise(), at)) return false;
        operation_->begin();
        return true;
    }
    /// 0, or an errno value; after 0 the descriptor belongs to the caller.
    int await_resume() {
        if (was_cancelled()) throw cancelled{};
        int result = operation_->result;
        if (result == 0) delete std::exchange(operation_, nullptr);
        return -result;
    }

private:
    void connected() noexcept override { wake(); }
    void cancel() noexcept override {
        std::exchange(operation_, nullptr)->abandon();
        wake_cancelled();
    }
    const char* describe() const noexcept override { return "connect"; }

    connecting* operation_;
};

}  // namespace

task<tcp_stream*> open_tcp(endpoint to) {
    std::vector<address> addresses = co_await resolve(to);
    int failed = EHOSTUNREACH;
    address last;
    for (const address& target : addresses) {
        last = target;
        int fd = open_stream_socket(target);
        if (fd < 0) {
            failed = -fd;
            continue;
        }
        owned_descriptor opened{fd};
        connect_awaiter waited(opened, target);
        failed = co_await waited;
        if (failed == 0) {
            set_no_delay(fd);
            try {
                co_return new tcp_stream(fd, target);
            } catch (...) {
                loop::current().close(fd);
                throw;
            }
        }
    }
    std::string subject = to.to_string();
    if (!last.empty() && last.to_string() != subject) subject += " [" + last.host() + "]";
    throw error(failed, "connect", subject);
}

}  // namespace detail

namespace {

task<connection> connect_and_wrap(endpoint to, connect_options options) {
    detail::tcp_stream* opened = co_await detail::open_tcp(std::move(to));
    opened->limit = detail::tcp_stream::as_limit(options.limit.count);
    co_return connection{stream_reader{*opened}, stream_writer{*opened}};
}

}  // namespace

task<connection> open_connection(endpoint to, connect_options options) {
    if (options.timeout <= duration::zero()) co_return co_await connect_and_wrap(std::move(to), options);
    const std::string name = to.to_string();
    auto opened = co_await (timeout(options.timeout, connect_and_wrap(std::move(to), options)) | as_result);
    if (opened) co_return std::move(*opened);
    try {
        std::rethrow_exception(opened.error().exception());
    } catch (const timeout_error& e) {
        throw timeout_error("connect " + name + ": " + e.what());
    }
}

}  // namespace leat
