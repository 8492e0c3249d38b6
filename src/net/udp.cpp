#include "leat/net/udp.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>

#include "engine/datagram.hpp"
#include "engine/owned_descriptor.hpp"
#include "engine/socket.hpp"
#include "engine/unix_socket.hpp"
#include "io/error_from.hpp"
#include "leat/io/error.hpp"
#include "net/resolver.hpp"
#include "task/loop.hpp"

namespace leat {
namespace detail {

namespace {

constexpr int full_budget = 1024;         // calls in a row that may go on at once
constexpr std::size_t read_ahead = 16;    // datagrams in one call, where one was asked for

}  // namespace

/// A UDP socket and what was received and not yet taken. On the heap until its last operation has completed.
class datagram_core final : private resident {
public:
    datagram_core(int fd, std::size_t size, socket_file file) noexcept
        : fd_(fd), size_(size), file_(std::move(file)), incoming_(*this, fd), outgoing_(*this, fd), ipv6_(local_of(fd).is_ipv6()) {}

    int descriptor() const noexcept { return fd_; }
    bool ipv6() const noexcept { return ipv6_; }

    /// Nobody holds it any more.
    void drop() noexcept {
        dropped_ = true;
        if (closing_) return end_if_over();
        close();  // which may be the end of it
    }
    void close() noexcept {
        if (closing_) return;
        closing_ = true;
        file_.remove();
        if (receiving_) fail_receive(EBADF), receiving_ = nullptr;
        while (sending_) {
            datagram_send& first = *sending_;
            sending_ = first.next_;
            first.to_ = nullptr;
            first.failed_ = error_from([] { return leat::error(EBADF, "send", "on a closed UDP socket"); });
            first.wake();
        }
        loop& here = loop::current();
        if (incoming_.in_flight() || outgoing_.in_flight()) here.adopt(*this);
        here.cancel(incoming_);
        here.cancel(outgoing_);
        end_if_over();
    }

private:
    friend class datagram_receive;
    friend class datagram_send;

    struct arrival final : datagram_readiness {
        arrival(datagram_core& c, int fd) noexcept : datagram_readiness(fd, waits_for::readable), core(c) {}
        int look() noexcept override { return core.fill(); }
        void complete(completion done) noexcept override { core.arrived(done.result); }
        datagram_core& core;
    };
    struct room final : datagram_readiness {
        room(datagram_core& c, int fd) noexcept : datagram_readiness(fd, waits_for::writable), core(c) {}
        int look() noexcept override { return core.send_waiting(); }
        void complete(completion done) noexcept override { core.may_send(done.result); }
        datagram_core& core;
    };

    bool has_datagrams() const noexcept { return next_ < filled_; }

    /// Receives if nothing is left. 0, or -EAGAIN; another error is kept for the receive that waits, or for the next.
    int fill() noexcept {
        if (closing_ || has_datagrams() || pending_ != 0) return 0;
        const std::size_t wanted = receiving_ ? std::max(receiving_->most_, read_ahead) : read_ahead;
        const int n = slots_->receive(fd_, wanted);
        if (n == -EAGAIN) return n;
        next_ = 0;
        filled_ = n > 0 ? static_cast<std::size_t>(n) : 0;
        more_expected_ = filled_ == wanted;
        if (n < 0) pending_ = -n;
        return 0;
    }
    void arrived(int result) noexcept {
        if (closing_) return end_if_over();
        // io_uring only tells that something is there.
        if (receiving_ && !has_datagrams() && pending_ == 0 && (result == -ECANCELED || fill() == -EAGAIN)) {
            if (result >= 0 || result == -ECANCELED || result == -EINTR) return loop::current_or_null()->submit(incoming_);
            pending_ = -result;  // the kernel cannot tell when something arrives
        }
        if (!receiving_) return;
        if (pending_ != 0) return fail_receive(std::exchange(pending_, 0));
        receiving_->wake();
    }
    void fail_receive(int reason) noexcept {
        receiving_->failed_ = error_from([&] { return leat::error(reason, "receive", closing_ ? "on a closed UDP socket" : subject()); });
        receiving_->from_ = closing_ ? nullptr : this;
        receiving_->wake();
    }
    std::string subject() const {
        const address peer = peer_of(fd_);
        return peer.empty() ? local_of(fd_).to_string() : peer.to_string();
    }

    /// Sends as much as goes. -EAGAIN: not all.
    int advance(datagram_send& one) noexcept {
        while (one.sent_ < one.list_.size()) {
            const int n = send_datagrams(fd_, one.list_.subspan(one.sent_), ipv6_);
            if (n == -EAGAIN) return n;
            if (n < 0) {
                one.failed_with_ = -n;
                return 0;
            }
            one.sent_ += static_cast<std::size_t>(n);
            send_budget_ -= n;
        }
        return 0;
    }
    int send_waiting() noexcept {
        while (sending_) {
            datagram_send& first = *sending_;
            if (advance(first) == -EAGAIN) return -EAGAIN;
            sending_ = first.next_;
            first.next_ = nullptr;
            first.state_ = 0;
            first.wake();
        }
        return 0;
    }
    void may_send(int result) noexcept {
        if (closing_) return end_if_over();
        if (!sending_ || (result != -ECANCELED && send_waiting() != -EAGAIN)) return;
        if (result < 0 && result != -ECANCELED && result != -EINTR) {  // the kernel cannot tell when there is room
            datagram_send& first = *sending_;
            sending_ = std::exchange(first.next_, nullptr);
            first.state_ = 0;
            first.failed_with_ = -result;
            first.wake();
            if (!sending_) return;
        }
        loop::current_or_null()->submit(outgoing_);
    }
    void remove(datagram_send& one) noexcept {
        for (datagram_send** at = &sending_; *at; at = &(*at)->next_)
            if (*at == &one) {
                *at = one.next_;
                return;
            }
    }
    void abort() noexcept override {}  // its operations are cancelled already
    void end_if_over() noexcept {
        if (!closing_ || incoming_.in_flight() || outgoing_.in_flight()) return;
        loop& here = *loop::current_or_null();
        if (fd_ >= 0) here.close(std::exchange(fd_, -1));
        here.release(*this);
        if (dropped_) delete this;
    }

    int fd_;
    std::size_t size_;
    socket_file file_;  // of a unix socket
    std::unique_ptr<datagram_slots> slots_;
    std::size_t next_ = 0;    // of the datagrams received, those from here on have not been taken
    std::size_t filled_ = 0;
    arrival incoming_;
    room outgoing_;
    datagram_receive* receiving_ = nullptr;
    datagram_send* sending_ = nullptr;  // the first of those that wait for room
    int pending_ = 0;                   // an error that came when nobody was waiting
    int receive_budget_ = full_budget;
    int send_budget_ = full_budget;
    bool more_expected_ = false;        // the last call filled all it was given
    bool ipv6_;
    bool closing_ = false;
    bool dropped_ = false;
};

// ---- receiving

datagram_receive::~datagram_receive() {
    if (from_ && from_->receiving_ == this) from_->receiving_ = nullptr;
}

bool datagram_receive::start(promise_base& frame, std::source_location at) {
    datagram_core& core = *from_;
    if (core.receiving_) throw std::logic_error("receive " + core.subject() + ": two receives at once");
    if (core.closing_) {
        failed_ = std::make_exception_ptr(leat::error(EBADF, "receive", "on a closed UDP socket"));
        return false;
    }
    if (!core.slots_) core.slots_ = std::make_unique<datagram_slots>(core.size_);
    core.receiving_ = this;
    // Only where the last call left something behind is a try worth its price.
    if (!core.has_datagrams() && core.more_expected_) {
        core.more_expected_ = false;
        core.fill();
    }
    if (core.pending_ != 0) {
        failed_ = std::make_exception_ptr(leat::error(std::exchange(core.pending_, 0), "receive", core.subject()));
        return false;
    }
    if (core.has_datagrams()) {
        if (--core.receive_budget_ > 0 || frame.strand->cancelled) return false;
        core.receive_budget_ = full_budget;  // the others' turn
        suspend_regardless(frame, at);
        wake();
        return true;
    }
    core.receive_budget_ = full_budget;
    if (!suspend(frame, at)) {
        core.receiving_ = nullptr;
        return false;
    }
    if (!core.incoming_.in_flight()) loop::current().submit(core.incoming_);
    return true;
}

void datagram_receive::cancel() noexcept {
    from_->receiving_ = nullptr;
    wake_cancelled();
}

void datagram_receive::give_back() noexcept {
    if (!from_ || failed_) return;
    from_->receiving_ = nullptr;  // the datagrams are where they were
    wake_cancelled();
}

std::exception_ptr datagram_receive::error() {
    if (was_cancelled()) throw cancelled{};
    if (from_ && from_->receiving_ == this) from_->receiving_ = nullptr;
    return failed_;
}

std::span<const datagram> datagram_receive::take() {
    datagram_core& core = *from_;
    const std::size_t count = std::min(most_, core.filled_ - core.next_);
    const std::size_t first = std::exchange(core.next_, core.next_ + count);
    return core.slots_->received().subspan(first, count);
}

// ---- sending

datagram_send::~datagram_send() {
    if (to_ && state_ == 1) to_->remove(*this);
}

bool datagram_send::await_ready() noexcept {
    datagram_core& core = *to_;
    if (core.closing_ || core.sending_ || core.send_budget_ <= 0) return false;
    return core.advance(*this) == 0;
}

bool datagram_send::start(promise_base& frame, std::source_location at) {
    datagram_core& core = *to_;
    if (core.closing_) {
        failed_ = std::make_exception_ptr(leat::error(EBADF, "send", "on a closed UDP socket"));
        return false;
    }
    if (!suspend(frame, at)) return false;
    core.send_budget_ = full_budget;
    datagram_send** end = &core.sending_;
    while (*end) end = &(*end)->next_;
    *end = this;
    state_ = 1;
    // One whose turn was used up goes this way too, and is sent when the others have had theirs.
    if (!core.outgoing_.in_flight()) loop::current().submit(core.outgoing_);
    return true;
}

void datagram_send::cancel() noexcept {
    to_->remove(*this);
    state_ = 0;
    wake_cancelled();
}

std::exception_ptr datagram_send::error() {
    if (was_cancelled()) throw cancelled{};
    if (failed_with_ != 0 && !failed_) {
        const address& to = list_[sent_].to;
        failed_ = std::make_exception_ptr(leat::error(failed_with_, "send", to.empty() && to_ ? to_->subject() : to.to_string()));
    }
    return failed_;
}

// ---- opening

namespace {

/// Closes the descriptor unless it is taken.
udp_socket finish_opening(owned_descriptor& socket, const udp_options& options, socket_file file = {}) {
    const std::size_t size = std::clamp<std::size_t>(options.max_datagram.count, 1, 65535);
    auto* core = new datagram_core(socket.get(), size, std::move(file));
    socket.release();
    return udp_socket{*core};
}

/// 0, or an errno value.
int try_opening(owned_descriptor& socket, const address& at, const udp_options& options, bool connects) {
    const int fd = open_datagram_socket(at);
    if (fd < 0) return -fd;
    socket = owned_descriptor{fd};
    const int failed = set_datagram_options(fd, options, at.is_ipv6());
    if (failed != 0) return failed;
    return connects ? connect_now(fd, at) : bind_to(fd, at);
}

task<udp_socket> open_first(endpoint at, udp_options options, bool connects) {
    std::vector<address> addresses;
    if (at.host().empty() && !connects)
        addresses = {address::parse("::", at.port()), address::parse("0.0.0.0", at.port())};  // the first is for both families
    else
        addresses = co_await resolve(at);
    int failed = EADDRNOTAVAIL;
    for (const address& each : addresses) {
        owned_descriptor socket;
        failed = try_opening(socket, each, options, connects);
        if (failed == 0) co_return finish_opening(socket, options);
        if (!connects && failed != EAFNOSUPPORT && failed != EADDRNOTAVAIL) break;
    }
    throw error(failed, connects ? "connect" : "bind", "UDP " + at.to_string());
}

}  // namespace
}  // namespace detail

udp_socket::~udp_socket() {
    if (core_) core_->drop();
}

address udp_socket::local_address() const noexcept { return detail::local_of(core_->descriptor()); }
address udp_socket::peer_address() const noexcept { return detail::peer_of(core_->descriptor()); }
void udp_socket::close() noexcept { core_->close(); }

void udp_socket::join_multicast(const address& group, std::string_view interface_name) {
    const int failed = detail::change_membership(core_->descriptor(), group, std::string{interface_name}, true);
    if (failed != 0) throw error(failed, "join", group.host());
}
void udp_socket::leave_multicast(const address& group, std::string_view interface_name) {
    const int failed = detail::change_membership(core_->descriptor(), group, std::string{interface_name}, false);
    if (failed != 0) throw error(failed, "leave", group.host());
}
void udp_socket::set_multicast(int hops, bool loop_back) {
    const int failed = detail::set_multicast_options(core_->descriptor(), core_->ipv6(), hops, loop_back);
    if (failed != 0) throw error(failed, "set multicast options", local_address().to_string());
}

task<udp_socket> bind_unix_datagram(unix_address local, udp_options options) {
    detail::unix_listener bound = detail::bind_unix_datagrams(local.address());
    detail::owned_descriptor socket{bound.descriptor};
    if (const int failed = detail::set_datagram_options(socket.get(), options, false); failed != 0) throw error(failed, "bind", local.to_string());
    co_return detail::finish_opening(socket, options, std::move(bound.file));
}

task<udp_socket> connect_unix_datagram(unix_address remote, udp_options options) {
    detail::owned_descriptor socket;
    const int failed = detail::try_opening(socket, remote.address(), options, true);
    if (failed != 0) throw error(failed, "connect", remote.to_string());
    co_return detail::finish_opening(socket, options);
}

task<udp_socket> bind_udp(endpoint local, udp_options options) { return detail::open_first(std::move(local), options, false); }
task<udp_socket> connect_udp(endpoint remote, udp_options options) { return detail::open_first(std::move(remote), options, true); }

}  // namespace leat
