#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string_view>
#include <utility>

#include "leat/io/bytes.hpp"
#include "leat/net/address.hpp"
#include "leat/net/endpoint.hpp"
#include "leat/net/unix.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// A datagram that has come.
struct datagram {
    std::string_view data;  ///< the datagram; valid until the next receive on the socket
    address from;           ///< who sent it
    /// It was longer than the socket's `max_datagram`, and the rest is gone.
    bool truncated = false;
};

/// A datagram to send; on a connected socket `to` may stay empty.
struct outgoing_datagram {
    std::string_view data;  ///< must live until the send returns
    address to = {};        ///< whom it is for
};

/// How a UDP socket is set up. Trivial, so that it may be written inside any expression.
struct udp_options {
    /// The longest datagram that is received whole; at most and by default what UDP can carry. Memory for up to 16 of them (64 for a batch) is
    /// set aside at the first receive, and used as far as datagrams fill it.
    bytes max_datagram = {65535};
    /// The kernel's buffers (SO_RCVBUF, SO_SNDBUF), which it doubles and bounds. Zero: its own choice. What comes while the first is full is lost.
    bytes receive_buffer = {0};
    /// The same for sending.
    bytes send_buffer = {0};
    /// Several sockets may have the port, and the kernel spreads the senders over them (SO_REUSEPORT).
    bool reuse_port = false;
    /// Several sockets may have the port, and a multicast datagram reaches each (SO_REUSEADDR).
    bool reuse_address = false;
    /// Sending to broadcast addresses is allowed.
    bool broadcast = false;
};

namespace detail {

class datagram_core;

/// A receive that is awaited.
class datagram_receive : protected waiter {
public:
    datagram_receive(datagram_core& from, std::size_t most) noexcept : from_(&from), most_(most) {}
    ~datagram_receive();
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }

protected:
    std::span<const datagram> take();
    std::exception_ptr error();

private:
    friend class datagram_core;
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    void give_back() noexcept override;
    const char* describe() const noexcept override { return most_ == 1 ? "receive_from" : "receive_batch"; }

    datagram_core* from_;  // null once the socket is closed
    std::size_t most_;
    std::exception_ptr failed_;
};

class one_datagram final : datagram_receive {
public:
    explicit one_datagram(datagram_core& from) noexcept : datagram_receive(from, 1) {}
    using datagram_receive::await_ready;
    using datagram_receive::await_suspend;
    datagram await_resume() {
        if (auto failed = error()) std::rethrow_exception(failed);
        return take().front();
    }
    result<datagram> finish() {
        if (auto failed = error()) return failure{std::move(failed)};
        return take().front();
    }
};

class many_datagrams final : datagram_receive {
public:
    many_datagrams(datagram_core& from, std::size_t most) noexcept : datagram_receive(from, most) {}
    using datagram_receive::await_ready;
    using datagram_receive::await_suspend;
    std::span<const datagram> await_resume() {
        if (auto failed = error()) std::rethrow_exception(failed);
        return take();
    }
    result<std::span<const datagram>> finish() {
        if (auto failed = error()) return failure{std::move(failed)};
        return take();
    }
};

/// A send that is awaited.
class datagram_send final : waiter {
public:
    datagram_send(datagram_core& to, const outgoing_datagram& one) noexcept : to_(&to), one_(one), list_(&one_, 1) {}
    datagram_send(datagram_core& to, std::span<const outgoing_datagram> list) noexcept : to_(&to), list_(list) {}
    ~datagram_send();
    bool await_ready() noexcept;
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    void await_resume() {
        if (auto failed = error()) std::rethrow_exception(failed);
    }
    result<void> finish() {
        if (auto failed = error()) return failure{std::move(failed)};
        return {};
    }

private:
    friend class datagram_core;
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "send_to"; }
    std::exception_ptr error();

    datagram_core* to_;  // null once the socket is closed
    outgoing_datagram one_;
    std::span<const outgoing_datagram> list_;
    std::size_t sent_ = 0;
    int failed_with_ = 0;
    datagram_send* next_ = nullptr;
    std::exception_ptr failed_;
};

}  // namespace detail

/// A UDP socket (asyncio's DatagramTransport and DatagramProtocol in one, and without callbacks).
///
/// An error that the network reports about an earlier datagram (ICMP; on connected sockets: "Connection refused") comes from the next call.
/// One receive at a time: a second is a std::logic_error. Several tasks may send. Threads: the loop's own.
class udp_socket {
public:
    /// For leat's own layers.
    explicit udp_socket(detail::datagram_core& core) noexcept : core_(&core) {}
    udp_socket(udp_socket&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    udp_socket& operator=(udp_socket&& other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    /// As close().
    ~udp_socket();

    /// Receives a datagram. What has come already is read ahead, up to 16 in one system call.
    /// @return `datagram`, whose data is valid until the next receive on this socket.
    /// Completes when: one is there. Errors: `leat::error` "receive ADDRESS: …". Cancellation: no datagram is lost, call again.
    /// Allocates: at the first call, see udp_options. Source: asyncio DatagramProtocol.datagram_received, recvfrom(2).
    detail::one_datagram receive_from() noexcept { return detail::one_datagram{*core_}; }
    /// Receives what is there, at least one and at most `most` (and 64), in one system call.
    /// @return `span<const datagram>`, valid until the next receive on this socket.
    /// Completes when: at least one is there. Errors: as receive_from. Limits: 64 datagrams a call. Cancellation: no datagram is lost, call again.
    /// Allocates: as receive_from. Source: recvmmsg(2).
    detail::many_datagrams receive_batch(std::size_t most = 64) noexcept { return {*core_, most == 0 ? 1 : most}; }

    /// Sends a datagram. The data must live until the await returns.
    /// Completes when: the kernel has taken it; waits only while the socket's buffer is full. That does not mean that it arrives.
    /// Errors: `leat::error` "send ADDRESS: …"; EMSGSIZE if it is too long. Cancellation: it was not sent. Allocates: never.
    /// Source: asyncio DatagramTransport.sendto.
    detail::datagram_send send_to(std::string_view data, const address& to) noexcept { return {*core_, outgoing_datagram{data, to}}; }
    /// The same to the address that the socket is connected to, with the contract of `send_to`:
    /// Completes when: the kernel has taken it. Errors: also "Destination address required" on a socket that is not connected. Cancellation: it was not sent.
    detail::datagram_send send(std::string_view data) noexcept { return {*core_, outgoing_datagram{data, {}}}; }
    /// Sends many, up to 64 in a system call, in order. Completes when: the kernel has taken the last. Errors: the first one's that fails; those before it are sent, those behind it are not.
    /// Cancellation: what the kernel has taken by then is sent. The list and its data must live until the await returns. Source: sendmmsg(2).
    detail::datagram_send send_batch(std::span<const outgoing_datagram> list) noexcept { return {*core_, list}; }

    /// Its own address; `.port()` is the port that was given for 0.
    address local_address() const noexcept;
    /// What it is connected to; else empty.
    address peer_address() const noexcept;

    /// Receives what is sent to a multicast group, by the named interface ("eth0"; "" lets the kernel choose), until leave_multicast or close.
    /// These do not wait. Errors: `leat::error` "join GROUP: …".
    void join_multicast(const address& group, std::string_view interface_name = {});
    /// Ends what `join_multicast` with the same arguments began. Errors: `leat::error` "leave GROUP: …".
    void leave_multicast(const address& group, std::string_view interface_name = {});
    /// How many routers a multicast datagram may pass (default 1: none), and whether this machine's own members get it too (default: yes).
    void set_multicast(int hops, bool loop_back = true);

    /// Closes at once; a receive or a send that waits fails with "Bad file descriptor", as every later call. What was sent stays sent.
    void close() noexcept;

private:
    detail::datagram_core* core_;
};

/// A UDP socket on this address; port 0 takes a free one, "" as the host means every local IPv6 and IPv4 address where the machine has both.
/// Completes when: it is bound. Errors: `leat::error` "bind ADDRESS: …", `name_error`. Cancellation: nothing stays open.
/// Source: asyncio loop.create_datagram_endpoint(local_addr=…).
task<udp_socket> bind_udp(endpoint local, udp_options options = {});

/// A UDP socket that sends to, and receives from, one address only: the first of the host's that the machine has a route to.
/// Completes when: it is connected, which sends nothing. Errors: `leat::error` "connect ADDRESS: …", `name_error`. Cancellation: nothing stays
/// open. Source: asyncio loop.create_datagram_endpoint(remote_addr=…).
task<udp_socket> connect_udp(endpoint remote, udp_options options = {});

/// The same for datagrams between processes of this machine, which are neither lost nor reordered. While the receiver's queue is full,
/// `send` on a connected socket waits; `send_to` on another is an error (ENOBUFS), since nothing tells when there is room.
/// A socket file whose socket is gone is replaced; the file is removed when the socket closes, if it is still its own.
/// Completes when: it is bound, which waits for nothing. Errors: `leat::error` "bind unix:PATH: …"; EADDRINUSE if somebody has the name.
/// Cancellation: there is nothing to wait for; a socket that is dropped is closed. Source: unix(7), SOCK_DGRAM.
task<udp_socket> bind_unix_datagram(unix_address local, udp_options options = {});
/// Sends to that socket only. It has no name of its own, so that nobody can answer: for answers, bind one and use send_to.
/// Completes when: it is connected, which waits for nothing. Errors: `leat::error` "connect unix:PATH: …", ECONNREFUSED if its socket is gone.
/// Cancellation: there is nothing to wait for; a socket that is dropped is closed.
task<udp_socket> connect_unix_datagram(unix_address remote, udp_options options = {});

}  // namespace leat
