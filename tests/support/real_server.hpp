#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "leat/task/task.hpp"
#include "support/free_port.hpp"
#include "support/listening_program.hpp"

namespace leat::testing {

/// A test that cannot run has not passed.
inline bool is_installed(const std::string& program) {
    const bool found = ::access(program.c_str(), X_OK) == 0;
    EXPECT_TRUE(found) << program << " is missing: scripts/install-packages test";
    return found;
}

/// Somebody else's program, in the foreground, killed with this object. It takes connections once this is made, or has ended.
class real_server {
public:
    real_server(const std::vector<std::string>& command, std::uint16_t port) : name_(command[0]), port_(port), program_(command) {}
    std::uint16_t port() const { return port_; }
    /// Throws if it has ended instead; a test that waits in vain is ended by its guard.
    task<> ready() {
        if (!program_.listens()) throw std::runtime_error(name_ + " has ended before it took connections, with status " + std::to_string(program_.status()));
        co_return;
    }

private:
    std::string name_;
    std::uint16_t port_;
    listening_program program_;
};

}  // namespace leat::testing
