#pragma once
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "leat/process/process.hpp"
#include "leat/task/task.hpp"

namespace leat::testing {

/// httpbin, which shows what it was sent, as a process that ends with this object.
class httpbin {
public:
    /// A failure: python3-httpbin is not installed, and the test is to be skipped.
    task<result<void>> start() {
        const auto script = std::filesystem::path{LEAT_SOURCE_DIR} / "tests" / "cli" / "httpbin_server.py";
        arguments program{script.string()};
        server_.emplace(co_await spawn_process(std::move(program), {.standard_input = stdio::pipe, .standard_output = stdio::pipe}));
        auto line = co_await server_->standard_output().read_line();
        if (!line) co_return failure{std::make_exception_ptr(std::runtime_error("python3-httpbin is not installed"))};
        url_ = line->substr(0, line->find('\n'));
        co_return result<void>{};
    }
    /// Ends it, so that no descriptor is left when a test does.
    task<> stop() {
        co_await server_->standard_input().close();
        co_await server_->wait();
        server_.reset();
    }
    std::string url(std::string_view target) const { return url_ + std::string{target}; }

private:
    std::optional<process> server_;
    std::string url_;
};

}  // namespace leat::testing
