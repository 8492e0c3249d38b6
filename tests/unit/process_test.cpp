#include "leat/process/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

std::set<int> open_descriptors() {
    std::set<int> found;
    DIR* listing = ::opendir("/proc/self/fd");
    while (const dirent* each = ::readdir(listing))
        if (const int fd = std::atoi(each->d_name); each->d_name[0] != '.' && fd != ::dirfd(listing)) found.insert(fd);
    ::closedir(listing);
    return found;
}

/// Has a process ended, whoever its parent is now? A zombie that init has not looked at yet has ended.
bool has_ended(int pid) {
    const std::string state = content_of("/proc/" + std::to_string(pid) + "/stat");
    if (state.empty()) return true;
    const auto at = state.rfind(')');
    return at == std::string::npos || state.at(at + 2) == 'Z' || state.at(at + 2) == 'X';
}
task<> until_ended(int pid) {
    while (!has_ended(pid)) co_await sleep(1ms);
}
int number_in(std::string_view text) { return std::stoi(std::string{text}); }

/// The number of this process's children, zombies among them.
int children() {
    int count = 0;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
        for (char c : content_of(thread.path() / "children")) count += c == ' ';
    return count;
}

/// What a /proc/…/status says of signals that are blocked, ignored and handled.
std::string signals_of(std::string_view status) {
    std::string found;
    for (const char* each : {"SigBlk:\t", "SigIgn:\t", "SigCgt:\t"}) found += std::string{status.substr(status.find(each) + 8, 16)} + " ";
    return found;
}

task<> wait_for(leat::process& process) { co_await process.wait(); }

constexpr spawn_options all_piped{.standard_input = stdio::pipe, .standard_output = stdio::pipe, .standard_error = stdio::pipe};
constexpr spawn_options output_piped{.standard_output = stdio::pipe};

TEST(Process, GivesItsOutputAndItsStatus) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"sh", "-c", "echo out; echo err >&2; exit 3"}, all_piped);
        EXPECT_GT(process.id(), 0);
        auto all = co_await process.communicate();
        EXPECT_EQ(all.output, "out\n");
        EXPECT_EQ(all.error_output, "err\n");
        auto status = co_await process.wait();
        EXPECT_EQ(status.code, 3);
        EXPECT_FALSE(status.success());
        EXPECT_EQ(status.to_string(), "exited with 3");
        EXPECT_EQ(process.status(), status);
    }());
}

TEST(Process, IsTalkedToByStreams) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"cat"}, {.standard_input = stdio::pipe, .standard_output = stdio::pipe});
        for (int i = 0; i < 100; ++i) {
            const std::string line = "line " + std::to_string(i) + "\n";
            co_await process.standard_input().write(line);
            EXPECT_EQ(co_await process.standard_output().read_line(), line);
        }
        EXPECT_FALSE(process.status());
        co_await process.standard_input().close();
        auto end = co_await process.standard_output().read_line();
        EXPECT_FALSE(end);
        EXPECT_TRUE((co_await process.wait()).success());
    }());
}

TEST(Process, CommunicatesTenMegabytesBothWaysWithoutDeadlock) {
    in_loop([]() -> task<> {
        std::string big(10 * 1024 * 1024, '\0');
        for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 2654435761u >> 13);
        auto process = co_await spawn_process({"cat"}, all_piped);
        auto all = co_await process.communicate(big);
        EXPECT_TRUE(all.output == big) << all.output.size();
        EXPECT_EQ(all.error_output, "");
    }());
}

TEST(Process, KeepsNoMoreThanTheLimit) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"yes"}, output_piped);
        auto all = co_await (process.communicate({}, 100_KiB) | as_result);
        EXPECT_EQ(all.error().message(), "communicate yes: no end within the limit of 102400 bytes");
        EXPECT_FALSE(process.status());
    }());
    EXPECT_EQ(children(), 0);
}

TEST(Process, TheLimitItselfIsNotTooMuch) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"head", "-c", "1000", "/dev/zero"}, output_piped);
        auto all = co_await process.communicate({}, bytes{1000});
        EXPECT_EQ(all.output.size(), 1000u);
    }());
}

TEST(Process, TellsWhatKilledIt) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"sleep", "1000"});
        process.kill();
        auto status = co_await process.wait();
        EXPECT_EQ(status.to_string(), "killed by SIGKILL");
        EXPECT_EQ(status.return_code(), -SIGKILL);
        EXPECT_FALSE(status);
        process.kill();  // nothing happens
        process.terminate();

        auto other = co_await spawn_process({"sleep", "1000"});
        other.send_signal(SIGHUP);
        EXPECT_EQ((co_await other.wait()).signal, SIGHUP);
        auto third = co_await spawn_process({"sleep", "1000"});
        third.terminate();
        EXPECT_EQ((co_await third.wait()).signal, SIGTERM);
    }());
}

TEST(Process, ThatIsNotThereIsAnErrorOfTheSpawn) {
    temporary_directory directory;
    put(directory / "data", "no program");
    in_loop([&]() -> task<> {
        const auto text = [](auto&& outcome) { return outcome ? std::string{} : outcome.error().message(); };
        auto missing = co_await (spawn_process({"leat-no-such-program"}) | as_result);
        EXPECT_EQ(text(missing), "spawn leat-no-such-program: No such file or directory (errno 2)");
        auto path = co_await (spawn_process({"/no/such/program"}) | as_result);
        EXPECT_EQ(text(path), "spawn /no/such/program: No such file or directory (errno 2)");
        const std::string data = directory / "data";
        auto not_executable = co_await (spawn_process({data}) | as_result);
        EXPECT_EQ(text(not_executable), "spawn " + data + ": Permission denied (errno 13)");
        auto nowhere = co_await (spawn_process({"true"}, {.working_directory = "/no/such/place"}) | as_result);
        EXPECT_EQ(text(nowhere), "spawn true in /no/such/place: No such file or directory (errno 2)");
        auto no_input = co_await (spawn_process({"true"}, {.standard_input = stdio::from_file("/no/such/file")}) | as_result);
        EXPECT_EQ(text(no_input), "open /no/such/file: No such file or directory (errno 2)");
        auto closed = co_await (spawn_process({"true"}, {.standard_input = stdio::descriptor(999)}) | as_result);
        EXPECT_EQ(text(closed), "spawn true: Bad file descriptor (errno 9)");
        EXPECT_EQ(children(), 0);
    }());
    EXPECT_THROW((void)spawn_process(std::vector<std::string>{}), std::invalid_argument);
    EXPECT_THROW((void)run_process(std::vector<std::string>{}), std::invalid_argument);
    EXPECT_THROW((void)spawn_process({"echo", std::string("a\0b", 3)}), leat::error);
}

TEST(Process, HasNoDescriptorsButItsThree) {
    const int leaked = ::open("/dev/null", O_RDONLY);  // not close-on-exec
    in_loop([]() -> task<> {
        auto neighbour = co_await spawn_process({"cat"}, all_piped);
        auto pipe = open_pipe();
        auto completed = co_await run_process({"ls", "/proc/self/fd"});
        EXPECT_EQ(completed.output, "0\n1\n2\n3\n");  // 3 is that of ls itself, for the directory
    }());
    ::close(leaked);
}

TEST(Process, HasNoSignalBlockedHandledOrIgnored) {
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const auto old = ::signal(SIGUSR2, [](int) {});
    std::string status;
    in_loop([&]() -> task<> {
        auto pipe = open_pipe();  // from here on SIGPIPE is ignored
        auto completed = co_await run_process({"cat", "/proc/self/status"});
        status = signals_of(completed.output);
    }());
    ::signal(SIGUSR2, old);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(status, "0000000000000000 0000000000000000 0000000000000000 ");
}

TEST(Process, TakesOverWhatIsIgnoredAsUnderNohup) {
    const auto old = ::signal(SIGHUP, SIG_IGN);
    std::string status;
    in_loop([&]() -> task<> { status = signals_of((co_await run_process({"cat", "/proc/self/status"})).output); }());
    ::signal(SIGHUP, old);
    EXPECT_EQ(status, "0000000000000000 0000000000000001 0000000000000000 ");
}

TEST(Process, IsGivenItsEnvironmentAndItsDirectory) {
    temporary_directory directory;
    const std::string place = directory.string();
    in_loop([&]() -> task<> {
        ::setenv("LEAT_TEST_OLD", "old", 1);
        const environment_variable variables[] = {{"LEAT_TEST_NEW", "a=b c"}, {"LEAT_TEST_OLD", "other"}};
        auto shown = co_await run_process({"sh", "-c", "echo \"$LEAT_TEST_NEW,$LEAT_TEST_OLD,${HOME:+home}\"; pwd"},
                                          {.working_directory = place, .environment = variables});
        EXPECT_EQ(shown.output, "a=b c,other,home\n" + place + "\n");
        const environment_variable only[] = {{"ONLY", "this"}};
        auto bare = co_await run_process({"/usr/bin/env"}, {.environment = only, .inherit_environment = false});
        EXPECT_EQ(bare.output, "ONLY=this\n");
        // The PATH that counts is the child's.
        const environment_variable path[] = {{"PATH", "/no/such/place"}};
        auto missing = co_await (run_process({"true"}, {.environment = path}) | as_result);
        EXPECT_FALSE(missing);
    }());
}

TEST(Process, RedirectsToFilesAndDescriptors) {
    temporary_directory directory;
    put(directory / "in", "from a file\n");
    const std::string in = directory / "in";
    const std::string out = directory / "out";
    in_loop([&]() -> task<> {
        auto copy = co_await spawn_process({"cat"}, {.standard_input = stdio::from_file(in), .standard_output = stdio::to_file(out)});
        EXPECT_TRUE((co_await copy.wait()).success());
        EXPECT_EQ(content_of(out), "from a file\n");
        auto more = co_await spawn_process({"echo", "more"}, {.standard_output = stdio::append_to_file(out)});
        co_await more.wait();
        EXPECT_EQ(content_of(out), "from a file\nmore\n");
        auto over = co_await spawn_process({"echo", "over"}, {.standard_output = stdio::to_file(out)});
        co_await over.wait();
        EXPECT_EQ(content_of(out), "over\n");
        auto both = co_await spawn_process({"sh", "-c", "echo one; echo two >&2; cat"},
                                           {.standard_input = stdio::null, .standard_output = stdio::pipe, .standard_error = stdio::to_output});
        auto all = co_await both.communicate();
        EXPECT_EQ(all.output, "one\ntwo\n");
        const int fd = ::open(out.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
        auto given = co_await spawn_process({"echo", "descriptor"}, {.standard_output = stdio::descriptor(fd)});
        ::close(fd);
        co_await given.wait();
        EXPECT_EQ(content_of(out), "descriptor\n");
    }());
}

TEST(Process, HasNoStreamWhereThereIsNoPipe) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"true"});
        EXPECT_THROW(process.standard_input(), std::logic_error);
        EXPECT_THROW(process.standard_output(), std::logic_error);
        EXPECT_THROW(process.standard_error(), std::logic_error);
        auto unwanted = co_await (process.communicate("input") | as_result);
        EXPECT_EQ(unwanted.error().message(), "true: its standard input is no pipe of this program, or was moved away");
        leat::process none;
        EXPECT_FALSE(none);
        EXPECT_THROW((void)none.wait(), std::logic_error);
    }());
}

TEST(Process, MayCloseItsStreamsEarly) {
    in_loop([]() -> task<> {
        const std::string big(1 << 20, 'x');
        // Takes one line of a megabyte and goes: no error.
        auto process = co_await spawn_process({"head", "-c", "1"}, all_piped);
        auto all = co_await process.communicate(big);
        EXPECT_EQ(all.output, "x");
        // Closes its output and lives on.
        auto silent = co_await spawn_process({"sh", "-c", "exec >&-; read line; exit 7"}, {.standard_input = stdio::pipe, .standard_output = stdio::pipe});
        auto end = co_await silent.standard_output().read();
        EXPECT_FALSE(end);
        EXPECT_FALSE(silent.status());
        co_await silent.standard_input().write("go\n");
        EXPECT_EQ((co_await silent.wait()).code, 7);
        // A write to one that is gone names it.
        auto gone = co_await spawn_process({"true"}, {.standard_input = stdio::pipe});
        co_await gone.wait();
        auto written = co_await (gone.standard_input().write("x") | as_result);
        auto closed = co_await (gone.standard_input().close() | as_result);
        EXPECT_EQ(closed.error().message(), "write standard input of true: Broken pipe (errno 32)");
    }());
}

TEST(Process, EndsWhileNobodyWaitsAndIsNotLost) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"sh", "-c", "exit 5"}, output_piped);
        while (!process.status()) co_await sleep(1ms);
        EXPECT_EQ(process.status()->code, 5);
        for (int i = 0; i < 3; ++i) EXPECT_EQ((co_await process.wait()).code, 5);
    }());
}

TEST(Process, IsWaitedForBySeveralTasks) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"cat"}, {.standard_input = stdio::pipe});
        auto waits = [&]() -> task<int> { co_return (co_await process.wait()).code; };
        auto ends = [&]() -> task<int> {
            co_await settle();
            co_await process.standard_input().close();
            co_return 0;
        };
        auto [a, b, c] = co_await gather(waits(), waits(), ends());
        EXPECT_EQ(a + b + c, 0);
        // A wait that outlives the object.
        auto killed = co_await spawn_process({"sleep", "1000"});
        auto waiting = killed.wait();
        killed = {};
        EXPECT_EQ((co_await std::move(waiting)).signal, SIGKILL);
    }());
    EXPECT_EQ(children(), 0);
}

TEST(Process, ACancelledWaitLosesNothing) {
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"cat"}, {.standard_input = stdio::pipe});
        auto late = co_await (timeout(1ms, process.wait()) | as_result);
        EXPECT_FALSE(late);
        EXPECT_FALSE(process.status());
        {
            task_group group;  // destroyed while it waits
            group.spawn(wait_for(process));
            co_await settle();
        }
        {
            task_group group;  // cancelled before it starts
            group.cancel();
            group.spawn(wait_for(process));
            co_await group.join();
        }
        process.standard_input() = {};
        EXPECT_TRUE((co_await process.wait()).success());
        {
            task_group group;  // a result that is there wins
            bool got = false;
            group.cancel();
            group.spawn([](leat::process& of, bool& outcome) -> task<> { outcome = (co_await of.wait()).success(); }(process, got));
            co_await group.join();
            EXPECT_TRUE(got);
        }
    }());
}

TEST(Process, ThatIgnoresSigtermIsKilledWithItsScope) {
    int pid = 0;
    in_loop([&]() -> task<> {
        auto process = co_await spawn_process({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1000; done"}, output_piped);
        pid = process.id();
        co_await process.standard_output().read_line();
        process.terminate();
        auto late = co_await (timeout(20ms, process.wait()) | as_result);
        EXPECT_FALSE(late);
    }());
    EXPECT_EQ(::kill(pid, 0), -1);  // not even a zombie
    EXPECT_EQ(children(), 0);
}

TEST(Process, DiesWithAllThatItStarted) {
    in_loop([]() -> task<> {
        std::vector<int> family;
        {
            auto process = co_await spawn_shell("sleep 1000 & echo $!; (sleep 1000 & echo $!; wait) & sleep 1000 & echo $!; wait", output_piped);
            for (int i = 0; i < 3; ++i) {
                auto line = co_await process.standard_output().read_line();
                family.push_back(number_in(*line));
            }
            family.push_back(process.id());
            for (int pid : family) EXPECT_FALSE(has_ended(pid));
            auto late = co_await (timeout(10ms, process.communicate()) | as_result);
            EXPECT_FALSE(late);
            try {
                late.value();
            } catch (const timeout_error&) {
                family.push_back(0);
            }
        }
        EXPECT_EQ(family.back(), 0);
        family.pop_back();
        for (int pid : family) co_await until_ended(pid);
    }());
}

TEST(Process, TakesItsGroupAlongEvenAfterItsOwnEnd) {
    in_loop([]() -> task<> {
        int grandchild = 0;
        {
            auto process = co_await spawn_shell("sleep 1000 & echo $!", {.standard_output = stdio::pipe});
            auto line = co_await process.standard_output().read_line();
            grandchild = number_in(*line);
            co_await process.wait();
            EXPECT_FALSE(has_ended(grandchild));
        }
        co_await until_ended(grandchild);
        auto process = co_await spawn_shell("sleep 1000 & echo $!", {.standard_output = stdio::pipe});
        auto line = co_await process.standard_output().read_line();
        grandchild = number_in(*line);
        co_await process.wait();
        process.signal_group(SIGKILL);
        co_await until_ended(grandchild);
    }());
}

TEST(Process, RunsOnIfItIsAllowedTo) {
    temporary_directory directory;
    const std::string go = directory / "go";
    ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
    in_loop([&]() -> task<> {
        int pid = 0;
        {
            auto process = co_await spawn_process({"cat", go}, {.standard_output = stdio::null, .kill_on_drop = false});
            pid = process.id();
        }
        co_await settle();
        EXPECT_FALSE(has_ended(pid));
        {
            auto writer = co_await open_fifo_writer(go);
            co_await writer.close();
        }
        co_await until_ended(pid);
        // The next one to be started looks after it.
        co_await run_process({"true"});
    }());
    EXPECT_EQ(children(), 0);
}

TEST(Process, BelongsToAGroupOrASessionOfItsOwnOrToOurs) {
    in_loop([]() -> task<> {
        const std::string ask = "ps -o pgid=,sid= -p $$";
        auto number = [](std::string_view text, int which) {
            std::istringstream in{std::string{text}};
            int one = 0, two = 0;
            in >> one >> two;
            return which == 0 ? one : two;
        };
        auto own = co_await spawn_shell(ask, output_piped);
        auto all = co_await own.communicate();
        EXPECT_EQ(number(all.output, 0), own.id());
        EXPECT_EQ(number(all.output, 1), ::getsid(0));
        auto ours = co_await spawn_shell(ask, {.standard_output = stdio::pipe, .group = process_group::inherit});
        all = co_await ours.communicate();
        EXPECT_EQ(number(all.output, 0), ::getpgrp());
        auto session = co_await spawn_shell(ask, {.standard_output = stdio::pipe, .group = process_group::session});
        all = co_await session.communicate();
        EXPECT_EQ(number(all.output, 1), session.id());
    }());
}

TEST(Process, TwoHundredAtOnce) {
    in_loop([]() -> task<> {
        auto one = [](int i) -> task<int> {
            const std::string text = std::to_string(i);
            auto completed = co_await run_process({"sh", "-c", "read n; echo $n; exit $((n % 7))"}, {.input = text});
            EXPECT_EQ(completed.output, text + "\n");
            co_return completed.status.code == i % 7 ? 1 : 0;
        };
        std::vector<task<int>> all;
        for (int i = 0; i < 200; ++i) all.push_back(one(i));
        auto done = co_await gather(std::move(all));
        EXPECT_EQ(std::count(done.begin(), done.end(), 1), 200);
        EXPECT_EQ(children(), 0);
    }());
}

TEST(Process, LeavesNoDescriptorBehind) {
    in_loop([]() -> task<> {
        co_await run_process({"true"});
        const auto before = open_descriptors();
        for (int i = 0; i < 10; ++i) {
            auto completed = co_await run_process({"cat"}, {.input = "x"});
            auto killed = co_await spawn_process({"sleep", "1000"}, all_piped);
            auto failed = co_await (spawn_process({"leat-no-such-program"}, all_piped) | as_result);
            EXPECT_FALSE(failed);
        }
        while (children() != 0) co_await sleep(1ms);
        EXPECT_EQ(open_descriptors(), before);
    }());
}

/// No more than so many descriptors are to be had.
class descriptor_limit {
public:
    explicit descriptor_limit(std::size_t spare) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit now = before_;
        now.rlim_cur = static_cast<rlim_t>(*open_descriptors().rbegin() + 1) + spare;
        ::setrlimit(RLIMIT_NOFILE, &now);
        for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken_.push_back(fd);
        for (; spare > 0; --spare, taken_.pop_back()) ::close(taken_.back());
    }
    ~descriptor_limit() {
        for (int fd : taken_) ::close(fd);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

private:
    rlimit before_{};
    std::vector<int> taken_;
};

TEST(Process, RunningOutOfDescriptorsIsReportedAndLeavesNothingBehind) {
#ifdef __has_feature
#if __has_feature(undefined_behavior_sanitizer)
    GTEST_SKIP() << "the sanitizer opens a pipe to look at a pointer, and takes having no descriptor for a bad one";
#endif
#endif
    in_loop([]() -> task<> {
        co_await run_process({"true"});
        const auto before = open_descriptors();
        int failures = 0;
        int successes = 0;
        // Three pipes are six descriptors, the one by which the end is told is the seventh.
        for (std::size_t spare = 0; spare < 9; ++spare) {
            {
                descriptor_limit narrow(spare);
                auto process = co_await (spawn_process({"cat"}, all_piped) | as_result);
                if (!process) {
                    ++failures;
                    EXPECT_EQ(process.error().message(), "spawn cat: Too many open files (errno 24)");
                } else {
                    ++successes;
                    EXPECT_EQ((co_await process->communicate("x")).output, "x");
                }
            }
            while (children() != 0) co_await sleep(1ms);
            EXPECT_EQ(open_descriptors(), before) << spare;
        }
        EXPECT_EQ(failures, 7);
        EXPECT_EQ(successes, 2);
    }());
}

TEST(Process, ASpawnMayBeCancelledAtEachMoment) {
    in_loop([]() -> task<> {
        co_await run_process({"true"});
        const auto before = open_descriptors();
        // After so many turns, the first of which is before it starts; some end before they are cancelled.
        for (int turns = 0; turns < 12; ++turns) {
            for (bool destroy : {false, true}) {
                task_group group;
                if (turns == 0 && !destroy) group.cancel();
                group.spawn([]() -> task<> {
                    auto process = co_await spawn_process({"sleep", "1000"}, all_piped);
                    co_await process.communicate("x");
                }());
                co_await settle(turns);
                if (destroy) continue;  // the group dies at the end of the block
                group.cancel();
                co_await group.join();
            }
        }
        while (children() != 0) co_await sleep(1ms);
        EXPECT_EQ(open_descriptors(), before);
    }());
}

TEST(Process, ACommunicationMayBeCancelledAtEachMoment) {
    in_loop([]() -> task<> {
        const std::string big(300'000, 'x');
        for (auto limit : {1ms, 3ms, 5ms, 20ms}) {
            auto process = co_await spawn_process({"sh", "-c", "sleep 0.003; cat; sleep 1000"}, all_piped);
            auto cut = co_await (timeout(limit, process.communicate(big)) | as_result);
            EXPECT_FALSE(cut);
        }
        {
            auto process = co_await spawn_process({"cat"}, all_piped);
            task_group group;
            group.spawn([](leat::process& with, const std::string& input) -> task<> { co_await with.communicate(input); }(process, big));
            co_await settle(2);
        }
        while (children() != 0) co_await sleep(1ms);
    }());
}

TEST(Process, TheOneCallForm) {
    in_loop([]() -> task<> {
        auto [status, output, errors] = co_await run_process({"tr", "a-z", "A-Z"}, {.input = "shout"});
        EXPECT_TRUE(status.success());
        EXPECT_EQ(output, "SHOUT");
        EXPECT_EQ(errors, "");
        auto nothing = co_await run_process({"cat"});  // its input is /dev/null
        EXPECT_EQ(nothing.output, "");
        auto failed = co_await (run_process({"sh", "-c", "echo why >&2; exit 4"}, {.check = true}) | as_result);
        EXPECT_EQ(failed.error().message(), "sh: exited with 4");
        try {
            failed.value();
            ADD_FAILURE();
        } catch (const process_error& e) {
            EXPECT_EQ(e.status().code, 4);
            EXPECT_EQ(e.completed().error_output, "why\n");
        }
        auto late = co_await (run_process({"sh", "-c", "sleep 1000 & sleep 1000"}, {.timeout = 10ms}) | as_result);
        EXPECT_FALSE(late);
        EXPECT_THROW(late.value(), timeout_error);
        while (children() != 0) co_await sleep(1ms);
    }());
}

TEST(Process, AnEndThatSomebodyElseReapedIsAnError) {
    const auto old = ::signal(SIGCHLD, SIG_IGN);
    in_loop([]() -> task<> {
        auto process = co_await spawn_process({"true"});
        auto status = co_await (process.wait() | as_result);
        EXPECT_EQ(status.error().message(), "wait true: No child processes (errno 10)");
    }());
    ::signal(SIGCHLD, old);
}

TEST(Process, OurOwnHandlerForChildrenIsLeftAlone) {
    // A child of the program's own is not reaped by leat.
    const pid_t own = ::fork();
    if (own == 0) ::_exit(42);
    in_loop([]() -> task<> { co_await run_process({"true"}); }());
    int status = 0;
    ASSERT_EQ(::waitpid(own, &status, 0), own);
    EXPECT_EQ(WEXITSTATUS(status), 42);
}

}  // namespace
}  // namespace leat::testing
