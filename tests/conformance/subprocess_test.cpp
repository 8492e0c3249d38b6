// What asyncio promises of subprocesses, as Python 3.11's own tests have it: test/test_asyncio/test_subprocess.py. Each test names the one that it
// follows; where leat differs, README.md says why.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

constexpr spawn_options piped{.standard_input = stdio::pipe, .standard_output = stdio::pipe};
constexpr spawn_options all_piped{.standard_input = stdio::pipe, .standard_output = stdio::pipe, .standard_error = stdio::pipe};

/// Prints how many bytes its standard input had.
const std::vector<std::string> count_input{"wc", "-c"};

// test_subprocess.SubprocessTransportTests.test_proc_exited
TEST(Subprocess, TheCodeIsKnownAfterTheEndAndSignalsDoNothing) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("exit 6");
        co_await process.wait();
        EXPECT_EQ(process.status()->return_code(), 6);
        // ProcessLookupError there.
        process.send_signal(SIGTERM);
        process.terminate();
        process.kill();
        EXPECT_EQ((co_await process.wait()).return_code(), 6);
    }());
}

// test_subprocess.SubprocessMixin.test_stdin_stdout
TEST(Subprocess, StandardInputAndOutput) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"cat"}, piped);
        co_await process.standard_input().write("some data");
        co_await process.standard_input().drain();
        co_await process.standard_input().close();
        std::string all;
        while (auto piece = co_await process.standard_output().read()) all += *piece;
        EXPECT_EQ((co_await process.wait()).return_code(), 0);
        EXPECT_EQ(all, "some data");
    }());
}

// test_subprocess.SubprocessMixin.test_communicate
TEST(Subprocess, Communicate) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"cat"}, piped);
        auto all = co_await process.communicate("some data");
        EXPECT_EQ(process.status()->return_code(), 0);  // known without a wait
        EXPECT_EQ(all.output, "some data");
    }());
}

// test_subprocess.SubprocessMixin.test_shell
TEST(Subprocess, Shell) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("exit 7");
        EXPECT_EQ((co_await process.wait()).return_code(), 7);
    }());
}

// test_subprocess.SubprocessMixin.test_start_new_session
TEST(Subprocess, StartNewSession) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("exit 8", {.group = process_group::session});
        EXPECT_EQ((co_await process.wait()).return_code(), 8);
    }());
}

// test_subprocess.SubprocessMixin.test_kill
TEST(Subprocess, Kill) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"sleep", "3600"});
        process.kill();
        EXPECT_EQ((co_await process.wait()).return_code(), -SIGKILL);
    }());
}

// test_subprocess.SubprocessMixin.test_kill_issue43884
TEST(Subprocess, KillOfAShellDoesNotWaitForWhatItRuns) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("echo started; sleep 3600; sleep 3600", {.standard_output = stdio::pipe});
        EXPECT_EQ(co_await process.standard_output().read_line(), "started\n");
        process.kill();
        EXPECT_EQ((co_await process.wait()).return_code(), -SIGKILL);
    }());
}

// test_subprocess.SubprocessMixin.test_terminate
TEST(Subprocess, Terminate) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"sleep", "3600"});
        process.terminate();
        EXPECT_EQ((co_await process.wait()).return_code(), -SIGTERM);
    }());
}

// test_subprocess.SubprocessMixin.test_send_signal
TEST(Subprocess, SendSignal) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("echo sleeping; exec sleep 3600", {.standard_output = stdio::pipe});
        EXPECT_EQ(co_await process.standard_output().read_line(), "sleeping\n");
        process.send_signal(SIGHUP);
        EXPECT_EQ((co_await process.wait()).return_code(), -SIGHUP);
    }());
}

// test_subprocess.SubprocessMixin.test_stdin_broken_pipe
TEST(Subprocess, WritingToOneThatHasEndedIsABrokenPipe) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"true"}, {.standard_input = stdio::pipe});
        co_await process.wait();
        const std::string large(4 << 20, 'x');
        auto written = co_await (process.standard_input().write(large) | as_result);
        EXPECT_FALSE(written);
        EXPECT_EQ(written.error().code(), std::errc::broken_pipe);
        auto drained = co_await (process.standard_input().drain() | as_result);
        EXPECT_EQ(drained.error().code(), std::errc::broken_pipe);
    }());
}

// test_subprocess.SubprocessMixin.test_communicate_ignore_broken_pipe
TEST(Subprocess, CommunicateIgnoresABrokenPipe) {
    in_loop([]() -> task<> {
        const std::string large(4 << 20, 'x');
        auto process = co_await spawn_process({"true"}, {.standard_input = stdio::pipe});
        co_await process.communicate(large);
        EXPECT_TRUE((co_await process.wait()).success());
    }());
}

// test_subprocess.SubprocessMixin.test_pause_reading
TEST(Subprocess, ASmallLimitDoesNotCutWhatIsCommunicated) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"printf", "xxxxxxxxxxxxxxxxxxxxx"},
                                              {.standard_input = stdio::pipe, .standard_output = stdio::pipe, .limit = bytes{10}});
        EXPECT_EQ(process.standard_output().limit(), bytes{10});
        auto all = co_await process.communicate();
        EXPECT_EQ(all.output, std::string(21, 'x'));
    }());
}

// test_subprocess.SubprocessMixin.test_pause_reading
TEST(Subprocess, WithNobodyReadingAProcessHasToWait) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"yes"}, {.standard_output = stdio::pipe});
        EXPECT_EQ(co_await process.standard_output().read_line(), "y\n");
        co_await sleep(5ms);
        // One read's worth; the rest is in the pipe, and yes waits.
        EXPECT_LE(process.standard_output().buffered().size(), 64u * 1024);
        EXPECT_FALSE(process.status());
    }());
}

// test_subprocess.SubprocessMixin.test_stdin_not_inheritable
TEST(Subprocess, StandardInputIsNotInheritedByTheChildItself) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process(count_input, all_piped);
        auto all = co_await process.communicate("abc");
        EXPECT_EQ(all.output, "3\n");
        EXPECT_TRUE((co_await process.wait()).success());
    }());
}

// test_subprocess.SubprocessMixin.test_stdin_not_inheritable
TEST(Subprocess, StandardInputIsNotInheritedByAnotherChild) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process(count_input, all_piped);
        auto neighbour = co_await spawn_process({"sleep", "3600"});
        auto all = co_await process.communicate("abc");
        EXPECT_EQ(all.output, "3\n");
    }());
}

// test_subprocess.SubprocessMixin.test_empty_input
TEST(Subprocess, EmptyInputIsTheEnd) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process(count_input, all_piped);
        auto all = co_await process.communicate("");
        EXPECT_EQ(all.output, "0\n");
        EXPECT_TRUE(process.status()->success());
    }());
}

// test_subprocess.SubprocessMixin.test_devnull_input
TEST(Subprocess, NullInput) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process(count_input, {.standard_input = stdio::null, .standard_output = stdio::pipe, .standard_error = stdio::pipe});
        auto all = co_await process.communicate();
        EXPECT_EQ(all.output, "0\n");
        EXPECT_TRUE(process.status()->success());
    }());
}

// test_subprocess.SubprocessMixin.test_devnull_output
TEST(Subprocess, NullOutput) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process(count_input, {.standard_input = stdio::pipe, .standard_output = stdio::null, .standard_error = stdio::pipe});
        auto all = co_await process.communicate("abc");
        EXPECT_EQ(all.output, "");  // None there
        EXPECT_TRUE(process.status()->success());
    }());
}

// test_subprocess.SubprocessMixin.test_devnull_error
TEST(Subprocess, NullError) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("wc -c; echo unheard >&2", {.standard_input = stdio::pipe, .standard_output = stdio::pipe, .standard_error = stdio::null});
        auto all = co_await process.communicate("abc");
        EXPECT_EQ(all.output, "3\n");
        EXPECT_EQ(all.error_output, "");
    }());
}

// test_subprocess.SubprocessMixin.test_devstdin_input
TEST(Subprocess, StandardInputMayBeOpenedByName) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"wc", "-c", "/dev/stdin"}, all_piped);
        auto all = co_await process.communicate("abc");
        EXPECT_EQ(all.output, "3 /dev/stdin\n");
        EXPECT_TRUE(process.status()->success());
    }());
}

// test_subprocess.SubprocessMixin.test_cancel_process_wait
TEST(Subprocess, ACancelledWaitDoesNotDisturbTheNext) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"sleep", "3600"});
        {
            task_group group;
            group.spawn([](leat::process& of) -> task<> { co_await of.wait(); }(process));
            co_await yield();
            group.cancel();
            co_await group.join();
        }
        process.kill();
        EXPECT_EQ((co_await process.wait()).return_code(), -SIGKILL);
    }());
}

// test_subprocess.SubprocessMixin.test_cancel_make_subprocess_transport_exec
// test_subprocess.SubprocessMixin.test_cancel_post_init
TEST(Subprocess, ACancelledSpawnLeavesNothing) {
    in_loop([]() -> task<> {
        for (int turns = 0; turns < 4; ++turns) {
            task_group group;
            group.spawn([]() -> task<> {
                auto process = co_await spawn_process({"sleep", "3600"});
                co_await process.wait();
            }());
            co_await settle(turns);
            group.cancel();
            co_await group.join();
        }
    }());
}

// test_subprocess.SubprocessMixin.test_close_kill_running
TEST(Subprocess, OneThatRunsIsKilledWithItsObject) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"sleep", "3600"});
        auto waiting = process.wait();
        EXPECT_FALSE(process.status());
        process = {};
        EXPECT_EQ((co_await timeout(5s, std::move(waiting))).return_code(), -SIGKILL);
    }());
}

// test_subprocess.SubprocessMixin.test_close_dont_kill_finished
TEST(Subprocess, OneThatHasEndedKeepsItsStatusWhenItsObjectDies) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("exit 3");
        co_await process.wait();
        auto again = process.wait();
        process = {};
        EXPECT_EQ((co_await std::move(again)).return_code(), 3);
    }());
}

// test_subprocess.SubprocessMixin.test_popen_error
// test_subprocess.SubprocessMixin.test_popen_error_with_stdin_pipe
TEST(Subprocess, AnErrorOfTheSpawnLeavesNoPipeOpen) {
    in_loop([]() -> task<> {
        const int before = ::dup(0);
        ::close(before);
        for (stdio input : {stdio::inherit, stdio::pipe}) {
            auto process = co_await (spawn_process({"/no/such/program"}, {.standard_input = input}) | as_result);
            EXPECT_EQ(process.error().code(), std::errc::no_such_file_or_directory);
        }
        const int after = ::dup(0);  // the lowest that is free
        ::close(after);
        EXPECT_EQ(after, before);
    }());
}

// test_subprocess.SubprocessMixin.test_read_stdout_after_process_exit
TEST(Subprocess, OutputIsReadAfterTheEnd) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_shell("head -c 60000 /dev/zero; exit 1", {.standard_output = stdio::pipe});
        EXPECT_EQ((co_await process.wait()).return_code(), 1);
        std::size_t read = 0;
        while (auto piece = co_await process.standard_output().read(bytes{4096})) {
            read += piece->size();
            co_await yield();
        }
        EXPECT_EQ(read, 60'000u);
    }());
}

// test_subprocess.SubprocessMixin.test_create_subprocess_exec_with_path
TEST(Subprocess, APathIsAnArgument) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({path{"/bin/sh"}, "-c", "true"});
        EXPECT_TRUE((co_await process.wait()).success());
        auto other = co_await spawn_process({"ls", path{"."}}, {.standard_output = stdio::null});
        EXPECT_TRUE((co_await other.wait()).success());
    }());
}

// test_subprocess.SubprocessMixin.test_subprocess_communicate_stdout
TEST(Subprocess, ManyAtOnceKeepTheirOutputsApart) {
    in_loop([]() -> task<> {
        auto output_of = [](std::string text) -> task<std::string> {
            auto process = co_await spawn_process({"echo", text}, {.standard_output = stdio::pipe});
            co_return (co_await process.communicate()).output;
        };
        std::vector<task<std::string>> all;
        std::vector<std::string> expected;
        for (int i = 0; i < 10; ++i) {
            all.push_back(output_of("foo" + std::to_string(i)));
            expected.push_back("foo" + std::to_string(i) + "\n");
        }
        EXPECT_EQ(co_await gather(std::move(all)), expected);
    }());
}

}  // namespace
}  // namespace leat::testing
