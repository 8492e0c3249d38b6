#include "net/resolver.hpp"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "leat/net/resolve.hpp"
#include "engine/operation/poll.hpp"
#include "leat/net/connection.hpp"
#include "task/loop.hpp"

namespace leat::detail {
namespace {

/// One look-up: a c-ares channel whose sockets and timer the loop runs. It ends itself when c-ares is done and no poll is in flight.
class lookup final : resident, timer {
public:
    explicit lookup(const endpoint& host) : name_(host.host()), port_(host.port()) {
        static std::once_flag once;
        std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
        ares_options options{};
        options.sock_state_cb = [](void* self, ares_socket_t fd, int in, int out) { static_cast<lookup*>(self)->socket_changed(fd, in != 0, out != 0); };
        options.sock_state_cb_data = this;
        if (int failed = ares_init_options(&channel_, &options, ARES_OPT_SOCK_STATE_CB); failed != ARES_SUCCESS)
            throw name_error("resolve " + name_ + ": " + ares_strerror(failed));
    }

    struct listener {
        virtual void resolved() noexcept = 0;
    };
    void begin(listener& owner) {
        owner_ = &owner;
        loop::current().adopt(*this);
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        ares_getaddrinfo(channel_, name_.c_str(), nullptr, &hints, &lookup::answered, this);
        set_timer();
    }
    /// Nobody waits any more.
    void abandon() noexcept {
        owner_ = nullptr;
        abort();
    }
    void abort() noexcept override {
        ares_cancel(channel_);
        end_if_done();
    }

    bool done = false;
    int status = ARES_SUCCESS;
    std::vector<address> addresses;
    const std::string& name() const noexcept { return name_; }
    void end() noexcept {
        owner_ = nullptr;
        end_if_done();
    }

private:
    struct watch final : poll_operation {
        watch(lookup& l, int fd, direction way) : poll_operation(fd, way), owner(l), reads(way == direction::in) {}
        void complete(completion result) noexcept override { owner.ready(*this, result.result); }
        lookup& owner;
        bool reads;
        bool wanted = true;
    };

    ~lookup() { ares_destroy(channel_); }

    /// Nothing may be thrown through c-ares, which holds its lock meanwhile.
    static void answered(void* argument, int status, int, ares_addrinfo* found) noexcept {
        auto& self = *static_cast<lookup*>(argument);
        self.status = status;
        if (found) {
            try {
                for (auto* node = found->nodes; node; node = node->ai_next) self.add(*node->ai_addr);
            } catch (const std::bad_alloc&) {
                self.status = ARES_ENOMEM;
            }
            ares_freeaddrinfo(found);
        }
        self.done = true;
        if (self.owner_) self.owner_->resolved();
    }

    void add(const sockaddr& from) {
        std::array<std::uint8_t, 16> bytes{};
        if (from.sa_family == AF_INET) {
            sockaddr_in in;
            std::memcpy(&in, &from, sizeof in);
            std::memcpy(bytes.data(), &in.sin_addr, 4);
            addresses.emplace_back(address::family::ipv4, bytes, port_);
        } else if (from.sa_family == AF_INET6) {
            sockaddr_in6 in;
            std::memcpy(&in, &from, sizeof in);
            std::memcpy(bytes.data(), &in.sin6_addr, 16);
            addresses.emplace_back(address::family::ipv6, bytes, port_, in.sin6_scope_id);
        }
    }

    void socket_changed(int fd, bool in, bool out) {
        want(fd, poll_operation::direction::in, in);
        want(fd, poll_operation::direction::out, out);
        if (!in && !out) loop::current().kernel().forget(fd);  // c-ares closes it now
    }
    void want(int fd, poll_operation::direction way, bool wanted) {
        const bool reads = way == poll_operation::direction::in;
        for (watch& known : watches_) {
            if (known.descriptor() != fd || known.reads != reads) continue;
            known.wanted = wanted;
            if (!wanted) loop::current().cancel(known);
            return;
        }
        if (wanted) loop::current().submit(watches_.emplace_back(*this, fd, way));
    }
    void ready(watch& by, int result) noexcept {
        const int fd = by.descriptor();
        const bool reads = by.reads;
        if (result >= 0 && by.wanted) ares_process_fd(channel_, reads ? fd : ARES_SOCKET_BAD, reads ? ARES_SOCKET_BAD : fd);
        if (by.wanted && !done && result != -ECANCELED)
            loop::current().submit(by);
        else
            watches_.remove_if([&](const watch& w) { return &w == &by; });
        if (!done) set_timer();
        end_if_done();
    }
    void set_timer() noexcept {
        if (done) return;
        timeval limit{};
        if (timeval* next = ares_timeout(channel_, nullptr, &limit)) arm(std::chrono::seconds{next->tv_sec} + std::chrono::microseconds{next->tv_usec});
    }
    void expired() noexcept override {
        ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        set_timer();
        end_if_done();
    }
    void end_if_done() noexcept {
        if (!done || owner_) return;
        disarm();
        bool flying = false;
        for (watch& w : watches_)
            if (w.in_flight()) {
                flying = true;
                loop::current().cancel(w);
            }
        if (flying) return;
        delete this;
    }

    std::string name_;
    std::uint16_t port_;
    ares_channel channel_ = nullptr;
    listener* owner_ = nullptr;
    std::list<watch> watches_;
};

class lookup_awaiter final : waiter, lookup::listener {
public:
    explicit lookup_awaiter(const endpoint& host) : host_(host) {}
    ~lookup_awaiter() {
        if (lookup_) lookup_->abandon();
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        if (!suspend(frame.promise(), at)) return false;
        lookup_ = new lookup(host_);
        lookup_->begin(*this);  // may answer at once, from /etc/hosts
        return true;
    }
    std::vector<address> await_resume() {
        if (was_cancelled()) throw cancelled{};
        lookup& answered = *std::exchange(lookup_, nullptr);
        std::vector<address> found = std::move(answered.addresses);
        const int status = answered.status;
        answered.end();
        if (found.empty()) throw name_error("resolve " + host_.host() + ": " + ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status));
        return found;
    }

private:
    void resolved() noexcept override { wake(); }
    void cancel() noexcept override {
        std::exchange(lookup_, nullptr)->abandon();
        wake_cancelled();
    }
    const char* describe() const noexcept override { return "resolve"; }

    const endpoint& host_;
    lookup* lookup_ = nullptr;
};

}  // namespace

task<std::vector<address>> resolve(endpoint host) {
    if (auto literal = address::parse(host.host(), host.port()); !literal.empty()) co_return std::vector<address>(1, literal);
    if (host.host().empty()) throw name_error("resolve: the host name is empty");
    co_return co_await lookup_awaiter(host);
}

}  // namespace leat::detail

namespace leat {

task<std::vector<address>> resolve(endpoint host) { return detail::resolve(std::move(host)); }

}  // namespace leat
