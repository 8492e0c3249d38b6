#pragma once
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "leat/net/connection.hpp"
#include "leat/task/sleep.hpp"

namespace leat::testing {

/// A port that was free a moment ago, for a program that cannot be asked which one it got.
inline std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    auto* as_general = reinterpret_cast<sockaddr*>(&here);
    const bool bound = ::bind(fd, as_general, size) == 0 && ::getsockname(fd, as_general, &size) == 0;
    ::close(fd);
    return bound ? ntohs(here.sin_port) : std::uint16_t{0};
}

inline bool is_installed(const std::string& program) { return ::access(program.c_str(), X_OK) == 0; }

/// Somebody else's program, in the foreground, killed with this object.
class real_server {
public:
    real_server(const std::vector<std::string>& command, std::uint16_t port) : port_(port) {
        std::vector<char*> arguments;
        for (const auto& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
        arguments.push_back(nullptr);
        child_ = ::fork();
        if (child_ == 0) {
            const int nothing = ::open("/dev/null", O_RDWR);
            ::dup2(nothing, 1);
            ::dup2(nothing, 2);
            ::setpgid(0, 0);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::setpgid(child_, child_);
    }
    real_server(const real_server&) = delete;
    real_server& operator=(const real_server&) = delete;
    ~real_server() {
        ::kill(-child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    std::uint16_t port() const { return port_; }
    /// Until it takes connections; a test that waits in vain is ended by its guard.
    task<> ready() {
        for (;;) {
            auto there = co_await (open_connection({"127.0.0.1", port_}) | as_result);
            if (there) co_return;
            co_await sleep(std::chrono::milliseconds{5});
        }
    }

private:
    pid_t child_ = -1;
    std::uint16_t port_;
};

}  // namespace leat::testing
