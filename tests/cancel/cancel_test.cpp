#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "support/temporary.hpp"

// Every operation that waits: cancelled before it starts, while it is suspended, in the turn in which it completes, and its frame destroyed while it
// is suspended. Run under AddressSanitizer: nothing is touched after its end, nothing leaks.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// One kind of operation, in a world of its own.
struct scene {
    virtual ~scene() = default;
    virtual task<> prepare() { co_return; }
    /// Waits, until complete() lets it end.
    virtual task<> wait() = 0;
    /// Makes the operation end; may wait itself.
    virtual task<> complete() { co_return; }
    /// Afterwards: what must not be lost is there. `ended` tells whether the wait ended by itself.
    virtual task<> check(bool ended) {
        (void)ended;
        co_return;
    }
};

struct sleeping final : scene {
    task<> wait() override { co_await sleep(2ms); }
    task<> complete() override { co_await sleep(2ms); }
};

struct waiting_event final : scene {
    event happened;
    task<> wait() override { co_await happened.wait(); }
    task<> complete() override {
        happened.set();
        co_return;
    }
};

struct acquiring final : scene {
    semaphore slots{1};
    semaphore_slot held;
    task<> prepare() override { held = co_await slots.acquire(); }
    task<> wait() override { auto slot = co_await slots.acquire(); }
    task<> complete() override {
        held.release();
        co_return;
    }
    task<> check(bool) override {
        held.release();
        EXPECT_EQ(slots.available(), 1u);
        co_return;
    }
};

/// A connection, on which the peer sends "abc\n" to complete a read.
struct reading : scene {
    connected pair;
    std::string got;
    bool sent = false;
    task<> prepare() override { pair = co_await connect_pair(); }
    task<> complete() override {
        if (!std::exchange(sent, true)) pair.peer.send("abc\n");
        co_return;
    }
    /// The line is read exactly once, by the one that waited or by the next.
    task<> check(bool) override {
        co_await complete();
        if (got.empty()) {
            auto line = co_await pair.reader.read_line();
            got = std::string{*line};
        }
        EXPECT_EQ(got, "abc\n");
        pair.peer.shut_down_sending();
        auto end = co_await pair.reader.read();
        EXPECT_FALSE(end);
    }
};
struct reading_a_line final : reading {
    task<> wait() override {
        auto line = co_await pair.reader.read_line();
        got = std::string{*line};
    }
};
struct reading_some final : reading {
    task<> wait() override {
        auto some = co_await pair.reader.read();
        got = std::string{*some};
    }
};
struct reading_exactly final : reading {
    task<> wait() override { got = std::string{co_await pair.reader.read_exactly(4)}; }
};
struct reading_until final : reading {
    task<> wait() override {
        auto until = co_await pair.reader.read_until("c\n", "zz");
        got = std::string{*until};
    }
};
struct reading_in_a_timeout final : reading {
    task<> wait() override {
        auto line = co_await timeout(1h, pair.reader.read_line());
        got = std::string{*line};
    }
};
struct reading_in_a_race final : reading {
    event never;
    task<> wait() override {
        auto first = co_await race(pair.reader.read_line(), never.wait());
        got = std::string{*std::get<0>(first)};
    }
    task<> check(bool ended) override {
        // The value of a race that is cancelled in the turn of its end goes with it, if its frame has it.
        if (ended) {
            EXPECT_EQ(got, "abc\n");
        }
        co_return;
    }
};
struct gathering final : scene {
    event a, b;
    task<> wait() override { co_await gather(a.wait(), b.wait()); }
    task<> complete() override {
        a.set();
        b.set();
        co_return;
    }
};
struct joining final : scene {
    event done;
    task<> wait() override {
        task_group group;
        for (int i = 0; i < 3; ++i) group.spawn([this]() -> task<> { co_await done.wait(); });
        co_await group.join();
    }
    task<> complete() override {
        done.set();
        co_return;
    }
};

/// A connection whose peer does not read, filled to the brim.
struct full_pipe : scene {
    connected pair;
    task<> prepare() override {
        pair = co_await connect_pair({}, false, true);
        pair.writer.set_linger(1ms);
        bool fits = true;
        while (fits) {
            auto outcome = co_await (timeout(1ms, pair.writer.write(std::string(60'000, 'f'))) | as_result);
            fits = outcome.has_value();
        }
    }
    task<> complete() override { co_await to_thread(receive_exactly_from, pair.peer.fd(), pair.writer.buffered()); }
    task<> check(bool) override {
        pair.peer.close();
        co_return;
    }
};
struct writing final : full_pipe {
    std::string text = std::string(50'000, 'w');
    task<> wait() override { co_await pair.writer.write(text); }
};
struct writing_piecewise final : full_pipe {
    std::string text = std::string(500'000, 'w');
    task<> wait() override { co_await pair.writer.write(text); }
    task<> complete() override { co_await to_thread(receive_exactly_from, pair.peer.fd(), pair.writer.buffered() + text.size()); }
};
struct draining final : full_pipe {
    task<> wait() override { co_await pair.writer.drain(); }
};
struct closing final : scene {
    connected pair;
    task<> prepare() override {
        pair = co_await connect_pair();
        co_await pair.writer.write("last");
    }
    task<> wait() override { co_await pair.writer.close(); }
    task<> complete() override {
        pair.peer.shut_down_sending();
        co_return;
    }
    task<> check(bool) override {
        pair.writer = {};
        pair.reader = {};
        pair.peer.shut_down_sending();
        EXPECT_EQ(co_await to_thread(receive_all_from, pair.peer.fd()), "last");
    }
};
struct ending final : full_pipe {
    task<> wait() override { co_await pair.writer.write_eof(); }
};

struct connecting final : scene {
    raw_listener listener{false, 64};
    task<> wait() override { auto opened = co_await open_connection({"127.0.0.1", listener.port()}); }
};
struct resolving final : scene {
    task<> wait() override {
        // Answered by a name server or not at all; either way it takes a while.
        auto outcome = co_await (open_connection({"leat-cancel-test.invalid", 80}, {.timeout = 1ms}) | as_result);
        (void)outcome;
    }
    task<> complete() override { co_await sleep(2ms); }
};

struct serving final : scene {
    raw_socket client;
    bool inside = false;
    task<> wait() override {
        auto handler = [this](stream_reader reader, stream_writer writer) -> task<> {
            inside = true;
            while (auto line = co_await reader.read_line()) co_await writer.write(*line);
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.drain_timeout = 1ms});
        client = raw_socket::connect_to(server.address().port());
        client.send("hello\n");
        client.shut_down_sending();
        co_await server.serve_forever();
    }
    task<> complete() override {
        for (int i = 0; i < 100 && !inside; ++i) co_await yield();
    }
};

struct fifo : scene {
    temporary_directory directory;
    std::string name = directory / "fifo";
    int other = -1;
    fifo() { ::mkfifo(name.c_str(), 0600); }
    ~fifo() override {
        if (other >= 0) ::close(other);
    }
    void open_other_end() {
        if (other < 0) other = ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
};
struct opening_a_fifo final : fifo {
    task<> wait() override { auto in = co_await open(name); }
    task<> complete() override {
        open_other_end();
        co_return;
    }
};
struct reading_a_fifo final : fifo {
    file in;
    std::string got;
    task<> prepare() override {
        open_other_end();
        in = co_await open(name);
    }
    task<> wait() override {
        auto line = co_await in.read_line();
        got = std::string{*line};
    }
    bool sent = false;
    task<> complete() override {
        if (std::exchange(sent, true)) co_return;
        EXPECT_EQ(::write(other, "abc\n", 4), 4);
    }
    task<> check(bool) override {
        co_await complete();
        if (got.empty()) {
            auto line = co_await in.read_line();
            got = std::string{*line};
        }
        EXPECT_EQ(got, "abc\n");
    }
};
struct reading_uncached final : scene {
    temporary_directory directory;
    std::string name = directory / "file";
    file in;
    std::string got;
    task<> prepare() override {
        put(name, "abc\n" + std::string(1 << 20, 'x'));
        const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
        ::fsync(fd);
        ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        ::close(fd);
        in = co_await open(name);
    }
    task<> wait() override {
        auto line = co_await in.read_line();
        got = std::string{*line};
    }
    task<> check(bool) override {
        if (got.empty()) {
            auto line = co_await in.read_line();
            got = std::string{*line};
        }
        EXPECT_EQ(got, "abc\n");
    }
};
struct positional final : scene {
    temporary_directory directory;
    file both;
    task<> prepare() override {
        both = co_await open(directory / "file", "w+");
        co_await both.write(std::string(1 << 20, 'x'));
        co_await both.sync();
    }
    task<> wait() override {
        co_await both.write_at(5, "hello");
        EXPECT_EQ(co_await both.read_at(5, 5), "hello");
        co_await both.sync();
    }
};
struct closing_a_slow_file final : scene {
    file out;
    task<> prepare() override {
        out = co_await open("/dev/null", "w");
        co_await out.write(std::string(100'000, 'n'));
    }
    task<> wait() override { co_await out.close(); }
};

struct in_a_thread final : scene {
    std::shared_ptr<std::latch> go = std::make_shared<std::latch>(1);
    bool let_go = false;
    task<> wait() override {
        auto body = [go = go] { go->wait(); };
        co_await to_thread(body);
    }
    task<> complete() override {
        if (!std::exchange(let_go, true)) go->count_down();
        co_return;
    }
};

struct kind {
    const char* name;
    std::function<std::unique_ptr<scene>()> make;
    bool blocks_destruction = false;  // to_thread: its frame's end waits for the call
};
void PrintTo(const kind& k, std::ostream* to) { *to << k.name; }

template <class T>
std::unique_ptr<scene> make() {
    return std::make_unique<T>();
}

class Cancel : public ::testing::TestWithParam<kind> {
protected:
    /// Each world ends quickly, whatever it leaves behind.
    static constexpr run_options quickly{.linger = 20ms};
};
INSTANTIATE_TEST_SUITE_P(
    Each, Cancel,
    ::testing::Values(kind{"Sleep", make<sleeping>}, kind{"Event", make<waiting_event>}, kind{"Semaphore", make<acquiring>}, kind{"ReadLine", make<reading_a_line>},
                      kind{"Read", make<reading_some>}, kind{"ReadExactly", make<reading_exactly>}, kind{"ReadUntil", make<reading_until>},
                      kind{"ReadInTimeout", make<reading_in_a_timeout>}, kind{"ReadInRace", make<reading_in_a_race>}, kind{"Gather", make<gathering>},
                      kind{"Join", make<joining>}, kind{"Write", make<writing>}, kind{"WritePiecewise", make<writing_piecewise>}, kind{"Drain", make<draining>},
                      kind{"Close", make<closing>}, kind{"WriteEof", make<ending>}, kind{"Connect", make<connecting>}, kind{"Resolve", make<resolving>},
                      kind{"Serve", make<serving>}, kind{"OpenFifo", make<opening_a_fifo>}, kind{"ReadFifo", make<reading_a_fifo>},
                      kind{"ReadUncached", make<reading_uncached>}, kind{"Positional", make<positional>}, kind{"CloseFile", make<closing_a_slow_file>},
                      kind{"ToThread", make<in_a_thread>, true}),
    [](const auto& i) { return i.param.name; });

task<> note_end(scene& world, bool& ended) {
    co_await world.wait();
    ended = true;
}

TEST_P(Cancel, BeforeItStarts) {
    in_loop([](kind what) -> task<> {
        auto world = what.make();
        co_await world->prepare();
        bool ended = false;
        {
            task_group group;
            group.spawn(note_end(*world, ended));
            group.cancel();
            co_await group.join();
        }
        co_await world->complete();
        co_await settle();
        co_await world->check(ended);
    }(GetParam()), quickly);
}

TEST_P(Cancel, WhileItIsSuspended) {
    in_loop([](kind what) -> task<> {
        for (int turns = 1; turns < 6; ++turns) {
            auto world = what.make();
            co_await world->prepare();
            bool ended = false;
            task_group group;
            group.spawn(note_end(*world, ended));
            for (int i = 0; i < turns; ++i) co_await yield();
            group.cancel();
            if (what.blocks_destruction) co_await world->complete();
            co_await group.join();
            co_await world->check(ended);
        }
    }(GetParam()), quickly);
}

TEST_P(Cancel, InTheTurnOfItsCompletion) {
    in_loop([](kind what) -> task<> {
        for (int turns = 0; turns < 8; ++turns) {
            auto world = what.make();
            co_await world->prepare();
            bool ended = false;
            task_group group;
            group.spawn(note_end(*world, ended));
            co_await settle(4);
            co_await world->complete();
            for (int i = 0; i < turns; ++i) co_await yield();
            group.cancel();
            co_await group.join();
            co_await settle();
            co_await world->check(ended);
        }
    }(GetParam()), quickly);
}

TEST_P(Cancel, ByDestructionWhileItIsSuspended) {
    in_loop([](kind what) -> task<> {
        for (int turns = 0; turns < 6; ++turns) {
            auto world = what.make();
            co_await world->prepare();
            bool ended = false;
            {
                task_group group;
                group.spawn(note_end(*world, ended));
                for (int i = 0; i < turns; ++i) co_await yield();
                if (what.blocks_destruction) co_await world->complete();
            }
            co_await settle();
            co_await world->check(ended);
        }
    }(GetParam()), quickly);
}

TEST_P(Cancel, ByDestructionInTheTurnOfItsCompletion) {
    in_loop([](kind what) -> task<> {
        for (int turns = 0; turns < 8; ++turns) {
            auto world = what.make();
            co_await world->prepare();
            bool ended = false;
            {
                task_group group;
                group.spawn(note_end(*world, ended));
                co_await settle(4);
                co_await world->complete();
                for (int i = 0; i < turns; ++i) co_await yield();
            }
            co_await settle();
            co_await world->check(ended);
        }
    }(GetParam()), quickly);
}

TEST_P(Cancel, ByTheEndOfAWorldThatThrows) {
    if (GetParam().blocks_destruction) return;
    EXPECT_EQ(thrown_by([&] {
        in_loop([](kind what) -> task<> {
            auto world = what.make();
            co_await world->prepare();
            bool ended = false;
            task_group group;
            group.spawn(note_end(*world, ended));
            co_await settle(3);
            throw std::runtime_error("the world ends");
        }(GetParam()), quickly);
    }), "the world ends");
}

// The operation gives up its place in the pool's queue before a thread has begun with it.
TEST(CancelPool, ManyFifosThatNobodyOpens) {
    temporary_directory directory;
    const std::string name = directory / "fifo";
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    for (int round = 0; round < 100; ++round)
        in_loop([&]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                auto outcome = co_await (timeout(0s, open(name)) | as_result);
                EXPECT_FALSE(outcome);
            }
        }(), {.linger = 0s});
}

}  // namespace
}  // namespace leat::testing
