#pragma once
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "leat/net/connection.hpp"
#include "leat/task/sleep.hpp"
#include "support/free_port.hpp"

namespace leat::testing {

/// A test that cannot run has not passed.
inline bool is_installed(const std::string& program) {
    const bool found = ::access(program.c_str(), X_OK) == 0;
    EXPECT_TRUE(found) << program << " is missing: scripts/install-packages test";
    return found;
}

/// Somebody else's program, in the foreground, killed with this object.
class real_server {
public:
    real_server(const std::vector<std::string>& command, std::uint16_t port) : name_(command[0]), port_(port) {
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
        if (child_ < 0) return;
        ::kill(-child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    std::uint16_t port() const { return port_; }
    /// Until it takes connections. Throws if it ends instead; a test that waits in vain is ended by its guard.
    task<> ready() {
        for (;;) {
            int status = 0;
            if (child_ < 0 || ::waitpid(child_, &status, WNOHANG) == child_) {
                if (child_ >= 0) ::kill(-child_, SIGKILL);  // what it may have started
                child_ = -1;
                throw std::runtime_error(name_ + " has ended before it took connections, with status " + std::to_string(status));
            }
            auto there = co_await (open_connection({"127.0.0.1", port_}) | as_result);
            if (there) co_return;
            co_await sleep(std::chrono::milliseconds{5});
        }
    }

private:
    std::string name_;
    pid_t child_ = -1;
    std::uint16_t port_;
};

}  // namespace leat::testing
