#include "net/happy_eyeballs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/operation/connect.hpp"
#include "engine/owned_descriptor.hpp"
#include "engine/socket.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "task/operation_awaiter.hpp"

namespace leat::detail {
namespace {

/// A connect that nobody waits for any more closes its socket.
struct connecting : connect_operation {
    using connect_operation::connect_operation;
    void unclaimed(int) noexcept { loop::current().close(descriptor()); }
};

/// A socket with the options that matter before the connect, or -errno.
int open_from(const address& to, const connect_options& options) noexcept {
    const int fd = open_stream_socket(to);
    if (fd < 0) return fd;
    set_buffers(fd, options.receive_buffer.count, options.send_buffer.count);
    if (options.local_address.empty()) return fd;
    if (options.local_address.port() == 0) bind_without_port(fd);
    const int failed = bind_to(fd, options.local_address);
    if (failed == 0) return fd;
    loop::current().close(fd);
    return -failed;
}

/// The connected descriptor, or -errno.
task<int> connect_one(const address& to, const connect_options& options) {
    const int fd = open_from(to, options);
    if (fd < 0) co_return fd;
    owned_descriptor opened{fd};  // closed if there is no memory for the operation
    auto* operation = new held_operation<connecting>(fd, to);
    opened.release();
    const int result = co_await operation_awaiter<connecting>("connect", operation);
    if (result == 0) co_return fd;
    loop::current().close(fd);
    co_return result;
}

std::string reason_of(int failed) { return std::string{std::strerror(failed)} + " (errno " + std::to_string(failed) + ")"; }

/// Several attempts side by side.
struct contest {
    struct failed_attempt {
        address to;
        int reason;
    };
    connected_socket winner;
    std::vector<failed_attempt> failures;  // in the order in which they failed; has room for all
    std::exception_ptr broken;             // an attempt could not even be made: no memory
    event changed;
};

task<> attempt(contest& in, address to, const connect_options& options) {
    int fd = -1;
    try {
        fd = co_await connect_one(to, options);
    } catch (const std::exception&) {
        in.broken = std::current_exception();
        in.changed.set();
        co_return;
    }
    in.changed.set();
    if (fd < 0)
        in.failures.push_back({to, -fd});
    else if (in.winner)
        loop::current().close(fd);  // in the same turn as another
    else
        in.winner = connected_socket{fd, to};
}

[[noreturn]] void fail(const std::vector<contest::failed_attempt>& failures, const std::string& name) {
    const contest::failed_attempt& last = failures.back();
    std::string about;
    for (const auto& each : failures)
        if (&each != &last) about.append(each.to.host()).append(": ").append(reason_of(each.reason)).append("; ");
    if (!about.empty() || last.to.to_string() != name) about.append(last.to.host());
    throw error(last.reason, "connect", about.empty() ? name : name + " [" + about + "]");
}

}  // namespace

connected_socket::~connected_socket() {
    if (fd_ >= 0) loop::current().close(fd_);
}

std::vector<address> interleaved(const std::vector<address>& addresses) {
    std::vector<address> mixed;
    mixed.reserve(addresses.size());
    std::size_t next[2] = {0, 0};  // where to go on looking: for the first one's family, and for the other
    for (bool other = false; mixed.size() < addresses.size(); other = !other) {
        std::size_t& at = next[other ? 1 : 0];
        const auto wanted = [&](const address& each) { return (each.is_ipv6() != addresses.front().is_ipv6()) == other; };
        while (at < addresses.size() && !wanted(addresses[at])) ++at;
        if (at < addresses.size()) mixed.push_back(addresses[at++]);
    }
    return mixed;
}

task<connected_socket> connect_to_first(std::vector<address> addresses, std::string name, connect_options options) {
    if (const address& from = options.local_address; !from.empty())
        std::erase_if(addresses, [&](const address& each) { return each.is_ipv6() != from.is_ipv6(); });
    if (addresses.empty()) throw error(EADDRNOTAVAIL, "connect", name + " [no address of the local one's family]");
    std::vector<contest::failed_attempt> failures;
    if (addresses.size() == 1) {
        const int fd = co_await connect_one(addresses.front(), options);
        if (fd >= 0) co_return connected_socket{fd, addresses.front()};
        failures.push_back({addresses.front(), -fd});
        fail(failures, name);
    }
    addresses = interleaved(addresses);
    contest running;
    running.failures.reserve(addresses.size());
    task_group attempts;  // after the contest: what still runs when this frame dies ends before it
    std::size_t begun = 0;
    while (!running.winner && !running.broken && running.failures.size() < addresses.size()) {
        running.changed.clear();
        if (begun < addresses.size()) attempts.spawn(attempt(running, addresses[begun++], options));
        // The next one begins when this one has had its time or when any fails; after the last, or without a delay, all that run are waited for.
        if (begun < addresses.size() && options.connection_attempt_delay > duration::zero()) {
            auto in_time = co_await (timeout(options.connection_attempt_delay, running.changed.wait()) | as_result);
            (void)in_time;
            continue;
        }
        do {
            co_await running.changed.wait();
            running.changed.clear();
        } while (!running.winner && !running.broken && running.failures.size() < begun);
    }
    attempts.cancel();
    co_await attempts.join();
    if (!running.winner && running.broken) std::rethrow_exception(running.broken);
    if (!running.winner) fail(running.failures, name);
    co_return std::move(running.winner);
}

}  // namespace leat::detail
