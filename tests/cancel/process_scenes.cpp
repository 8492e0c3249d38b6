#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

// Pipes, FIFOs as streams, and processes. The processes are cat: it ends with its input, and not before.

namespace leat::testing {
namespace {

/// A pipe of leat's own that is full.
struct brimful_pipe : scene {
    pipe_ends ends;
    std::string sent, received;
    task<> prepare() override {
        ends = open_pipe();
        ends.writer.set_water_marks({4096}, {1024});
        do {
            sent.append(4096, static_cast<char>('a' + sent.size() / 4096 % 26));
            const std::string piece = sent.substr(sent.size() - 4096);
            auto outcome = co_await (timeout(std::chrono::milliseconds{1}, ends.writer.write(piece)) | as_result);
            (void)outcome;
            co_await settle(2);
        } while (ends.writer.buffered() <= 4096);
    }
    task<> read_all() {
        while (received.size() < sent.size()) {
            auto piece = co_await ends.reader.read();
            received += *piece;
        }
    }
    task<> complete() override { co_await read_all(); }
    task<> check(ending) override {
        ends.writer = {};
        while (auto piece = co_await ends.reader.read()) received += *piece;
        EXPECT_EQ(received.size(), sent.size());
        EXPECT_TRUE(received == sent);
    }
};
struct writing_to_a_pipe final : brimful_pipe {
    task<> wait() override { co_await ends.writer.write(""); }
};
struct draining_a_pipe final : brimful_pipe {
    task<> wait() override { co_await ends.writer.drain(); }
};
struct closing_a_pipe final : brimful_pipe {
    task<> wait() override { co_await ends.writer.close(); }
};

struct on_a_fifo : scene {
    temporary_directory directory;
    std::string name = directory / "fifo";
    int other = -1;
    on_a_fifo() { ::mkfifo(name.c_str(), 0600); }
    ~on_a_fifo() override {
        if (other >= 0) ::close(other);
    }
    void trigger() override {
        if (other < 0) other = ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
};
struct opening_to_read final : on_a_fifo {
    task<> wait() override { auto reader = co_await open_fifo_reader(name); }
};
struct opening_to_write final : on_a_fifo {
    task<> wait() override { auto writer = co_await open_fifo_writer(name); }
};

struct spawning final : scene {
    int started = 0;
    task<> wait() override {
        auto child = co_await spawn_process({"cat"}, {.standard_input = stdio::pipe, .standard_output = stdio::null});
        started = child.id();
    }
    /// It is killed, and reaped.
    task<> check(ending how) override {
        if (how != ending::stands) co_return;
        while (::kill(started, 0) == 0) co_await sleep(std::chrono::milliseconds{1});
        EXPECT_EQ(errno, ESRCH);
    }
};
struct spawning_a_shell final : scene {
    task<> wait() override { auto child = co_await spawn_shell("exec cat", {.standard_input = stdio::pipe, .standard_output = stdio::null}); }
};

/// A cat that runs.
struct with_a_process : scene {
    process child;
    task<> prepare() override { child = co_await spawn_process({"cat"}, {.standard_input = stdio::pipe, .standard_output = stdio::pipe}); }
    bool told = false;
    void trigger() override {
        if (!std::exchange(told, true)) child.standard_input() = {};
    }
};
struct waiting_for_a_process final : with_a_process {
    task<> wait() override {
        auto status = co_await child.wait();
        EXPECT_TRUE(status.success());
    }
    task<> ahead() override { co_await wait(); }
    task<> check(ending) override {
        trigger();
        auto status = co_await child.wait();
        EXPECT_TRUE(status.success()) << status.to_string();
    }
};
struct reading_a_process final : with_a_process {
    std::string got;
    bool sent = false;
    task<> wait() override {
        auto line = co_await child.standard_output().read_line();
        got = std::string{*line};
    }
    void trigger() override {
        if (std::exchange(sent, true)) return;
        sends->spawn(write(child.standard_input()));
    }
    std::optional<task_group> sends;
    static task<> write(stream_writer& to) { co_await to.write("abc\n"); }
    task<> prepare() override {
        co_await with_a_process::prepare();
        sends.emplace();
    }
    task<> check(ending) override {
        trigger();
        if (got.empty()) co_await wait();
        EXPECT_EQ(got, "abc\n");
        co_await sends->join();
        child.standard_input() = {};
        auto end = co_await child.standard_output().read();
        EXPECT_FALSE(end);
    }
};
/// It sleeps until it is told to end.
struct communicating final : scene {
    process child;
    temporary_directory directory;
    std::string name = directory / "fifo";
    int other = -1;
    bool told = false;
    ~communicating() override {
        if (other >= 0) ::close(other);
    }
    task<> prepare() override {
        ::mkfifo(name.c_str(), 0600);
        other = ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
        child = co_await spawn_process({"head", "-n1", std::string_view{name}, "-"}, {.standard_input = stdio::pipe, .standard_output = stdio::pipe});
    }
    task<> wait() override {
        auto all = co_await child.communicate("input\n");
        EXPECT_TRUE(all.output.ends_with("input\n")) << all.output;
    }
    void trigger() override {
        if (std::exchange(told, true)) return;
        EXPECT_EQ(::write(other, "go\n", 3), 3);
    }
    /// The process goes on.
    task<> check(ending how) override {
        if (how == ending::threw) {
            EXPECT_EQ(::kill(child.id(), 0), 0);
        }
        trigger();
        child = {};
        co_return;
    }
};
struct running_a_process final : scene {
    temporary_directory directory;
    std::string name = directory / "fifo";
    std::string mark = directory / "mark";
    int other = -1;
    running_a_process() {
        ::mkfifo(name.c_str(), 0600);
        other = ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
    ~running_a_process() override { ::close(other); }
    bool told = false;
    task<> wait() override {
        auto done = co_await run_process({"head", "-n1", std::string_view{name}});
        EXPECT_EQ(done.output, "go\n");
    }
    void trigger() override {
        if (std::exchange(told, true)) return;
        EXPECT_EQ(::write(other, "go\n", 3), 3);
    }
};

}  // namespace

std::vector<matrix_row> process_rows() {
    constexpr auto group = "pipes and processes";
    constexpr auto kept = "everything arrives, in order";
    constexpr auto closed = "nothing stays open";
    std::vector<matrix_row> rows{
        waiting_row<writing_to_a_pipe>(group, "write, to a full pipe", kept),
        waiting_row<draining_a_pipe>(group, "drain, of a full pipe", kept),
        waiting_row<closing_a_pipe>(group, "close, of a full pipe", "everything arrives, then the end"),
        call_row<opening_to_read>(group, "open_fifo_reader", closed),
        waiting_row<opening_to_write>(group, "open_fifo_writer", closed),
        pool_row<spawning>(group, "spawn_process", "the process is killed and reaped"),
        pool_row<spawning_a_shell>(group, "spawn_shell", "the process is killed and reaped"),
        queued_row<waiting_for_a_process>(group, "process::wait", "the process goes on; may be called again"),
        waiting_row<reading_a_process>(group, "read_line from a process", "no byte is lost; may be called again"),
        waiting_row<communicating>(group, "process::communicate", "the process goes on"),
        waiting_row<running_a_process>(group, "run_process", "the process is killed and reaped"),
    };
    return rows;
}

}  // namespace leat::testing
