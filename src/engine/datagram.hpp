#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/operation.hpp"
#include "leat/net/udp.hpp"

namespace leat::detail {

/// Memory for datagrams that come, and the call that fills it.
class datagram_slots {
public:
    /// Each datagram gets `size` bytes. Memory is only touched as far as datagrams fill it.
    explicit datagram_slots(std::size_t size);
    ~datagram_slots();
    static constexpr std::size_t most = 64;

    /// Receives what is there, at most so many, without waiting: how many, or -errno.
    int receive(int fd, std::size_t count) noexcept;
    std::span<const datagram> received() const noexcept { return {datagrams_.get(), most}; }

private:
    struct headers;
    std::size_t size_;
    std::unique_ptr<char[]> memory_;
    std::unique_ptr<headers> headers_;
    std::unique_ptr<datagram[]> datagrams_;
};

/// Sends without waiting, at most 64: how many were taken, or -errno of the first.
int send_datagrams(int fd, std::span<const outgoing_datagram> list, bool ipv6) noexcept;

/// Waits until a datagram socket can be read or written. The plain form asks `look` itself, so that it costs no call of its own.
class datagram_readiness : public operation {
public:
    datagram_readiness(int fd, waits_for how) noexcept : operation(how) { fd_ = fd; }
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;

protected:
    ~datagram_readiness() = default;
    /// What is to be done when it is ready; -EAGAIN: it was not.
    virtual int look() noexcept = 0;
};

/// These return 0 or an errno value.
int set_datagram_options(int fd, const udp_options& options, bool ipv6) noexcept;
int change_membership(int fd, const address& group, const std::string& interface_name, bool join) noexcept;
int set_multicast_options(int fd, bool ipv6, int hops, bool loop_back) noexcept;

}  // namespace leat::detail
