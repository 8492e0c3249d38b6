#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/refusal.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

bool has_ring_descriptor() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone).string().find("io_uring") != std::string::npos) return true;
    }
    return false;
}

task<> echo(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

/// A bit of everything; 0 if it worked and `expects_ring` holds, else a number that says where it did not.
task<int> exercise(std::string directory, bool expects_ring) {
    auto server = co_await start_server(echo, {"127.0.0.1", 0});
    {
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
        co_await writer.write("through the loop\n");
        auto line = co_await reader.read_line();
        if (line != "through the loop\n") co_return 2;
        co_await writer.close();
    }
    co_await write_file(directory + "/f", "content");
    const auto content = co_await read_file(directory + "/f");
    if (content != "content") co_return 3;
    auto file = co_await open(directory + "/f", "a+");
    co_await file.write("+");
    co_await file.sync();
    co_await file.close();
    const auto status = co_await read_file("/proc/self/status");
    if (status.empty()) co_return 4;
    const int five = co_await to_thread([] { return 5; });
    if (five != 5) co_return 5;
    co_await sleep(1ms);
    co_await server.close();
    if (has_ring_descriptor() != expects_ring) co_return 6;
    co_return 0;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

struct refusal {
    const char* name;
    int with;
    const char* which;
    const char* reason;
};
void PrintTo(const refusal& r, std::ostream* to) { *to << r.name; }

class UringRefused : public ::testing::TestWithParam<refusal> {};
INSTANTIATE_TEST_SUITE_P(Seccomp, UringRefused,
                         ::testing::Values(refusal{"EpermOfSetup", EPERM, "setup", "io_uring_setup: Operation not permitted (errno 1)"},
                                           refusal{"EnosysOfSetup", ENOSYS, "setup", "io_uring_setup: Function not implemented (errno 38)"},
                                           refusal{"EnomemOfSetup", ENOMEM, "setup", "io_uring_setup: Cannot allocate memory (errno 12)"},
                                           refusal{"EpermOfAll", EPERM, "all", "io_uring_setup: Operation not permitted (errno 1)"},
                                           refusal{"EnosysOfAll", ENOSYS, "all", "io_uring_setup: Function not implemented (errno 38)"},
                                           refusal{"EpermOfRegister", EPERM, "register", ""},
                                           refusal{"EnosysOfRegister", ENOSYS, "register", ""},
                                           refusal{"EpermOfEnter", EPERM, "enter", "io_uring_enter: Operation not permitted (errno 1)"},
                                           refusal{"EnosysOfEnter", ENOSYS, "enter", "io_uring_enter: Function not implemented (errno 38)"}),
                         [](const auto& i) { return i.param.name; });

TEST_P(UringRefused, FallsBackToEpollWithOneLineThatSaysWhy) {
    temporary_directory directory;
    const refusal& how = GetParam();
    for (const char* asked : {"", "auto"}) {
        const auto outcome = in_child([&](int) {
            if (*asked)
                ::setenv("LEAT_ENGINE", asked, 1);
            else
                ::unsetenv("LEAT_ENGINE");
            log::setup({.level = log::level::info});
            if (!refuse_uring(how.with, how.which)) return 77;
            return leat::run(exercise(directory.string(), false));
        });
        if (outcome.exit_status == 77) GTEST_SKIP() << "no seccomp here";
        EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
        EXPECT_EQ(count(outcome.errors, "engine: "), 1u) << outcome.errors;
        EXPECT_NE(outcome.errors.find(std::string{"engine: epoll, since io_uring is not available: "} + how.reason), std::string::npos) << outcome.errors;
    }
}

TEST_P(UringRefused, AskedForByNameItIsAWarning) {
    temporary_directory directory;
    const auto outcome = in_child([&](int) {
        ::setenv("LEAT_ENGINE", "uring", 1);
        log::setup({.level = log::level::warn});
        if (!refuse_uring(GetParam().with, GetParam().which)) return 77;
        return leat::run(exercise(directory.string(), false));
    });
    if (outcome.exit_status == 77) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_NE(outcome.errors.find("engine: epoll, though LEAT_ENGINE=uring: "), std::string::npos) << outcome.errors;
}

// Kernels since 5.12 count rings by cgroup and not against this limit; either way the program has to work.
TEST(UringRefusedByMemlock, ASmallLimitIsNoObstacle) {
    temporary_directory directory;
    const auto outcome = in_child([&](int) {
        ::unsetenv("LEAT_ENGINE");
        log::setup({.level = log::level::info});
        rlimit none{.rlim_cur = 0, .rlim_max = 0};
        ::setrlimit(RLIMIT_MEMLOCK, &none);
        if (::getuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 77;  // root is not limited
        return leat::run([]() -> task<int> {
            auto server = co_await start_server(echo, {"127.0.0.1", 0});
            auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
            co_await writer.write("x\n");
            auto line = co_await reader.read_line();
            co_await writer.close();
            co_await server.close();
            co_return line ? 0 : 2;
        }());
    });
    EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
    EXPECT_EQ(count(outcome.errors, "engine: "), 1u) << outcome.errors;
}

TEST(EngineChoice, IsTheOneThatWasAskedFor) {
    temporary_directory directory;
    for (const std::string asked : {"uring", "epoll"}) {
        const auto outcome = in_child([&](int) {
            ::setenv("LEAT_ENGINE", asked.c_str(), 1);
            log::setup({.level = log::level::info});
            return leat::run(exercise(directory.string(), asked == "uring"));
        });
        if (outcome.errors.find("though LEAT_ENGINE=uring") != std::string::npos) continue;  // none on this machine
        EXPECT_EQ(outcome.exit_status, 0) << outcome.errors;
        EXPECT_EQ(count(outcome.errors, "engine: "), 1u) << outcome.errors;
    }
}

}  // namespace
}  // namespace leat::testing
