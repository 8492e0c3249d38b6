#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "support/temporary.hpp"

// Open files. A regular file on a local disk is read and written by direct calls, which never wait; FIFOs and devices go through
// io_uring or the pool.

namespace leat::testing {
namespace {

constexpr auto hello = "hello world\n";

/// A FIFO whose other end is this program's.
struct fifo : scene {
    temporary_directory directory;
    std::string name = directory / "fifo";
    int other = -1;
    std::string received;
    fifo() { ::mkfifo(name.c_str(), 0600); }
    ~fifo() override {
        if (other >= 0) ::close(other);
    }
    void open_other_end() {
        if (other < 0) other = ::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
    void send(std::string_view text) const { EXPECT_EQ(::write(other, text.data(), text.size()), static_cast<ssize_t>(text.size())); }
    void receive() {
        char piece[65536];
        for (ssize_t n; (n = ::read(other, piece, sizeof piece)) > 0;) received.append(piece, static_cast<std::size_t>(n));
    }
};
struct opening_a_fifo final : fifo {
    task<> wait() override { auto in = co_await open(name); }
    void trigger() override { open_other_end(); }
};
struct reading_a_fifo : fifo {
    file in;
    std::string got;
    bool sent = false;
    task<> prepare() override {
        open_other_end();
        in = co_await open(name);
    }
    void trigger() override {
        if (!std::exchange(sent, true)) send("abc\n");
    }
    task<> check(ending) override {
        trigger();
        send("next\n");
        while (got.size() < 9) {
            auto more = co_await in.read();
            got += *more;
        }
        EXPECT_EQ(got, "abc\nnext\n");
    }
};
struct reading_some final : reading_a_fifo {
    task<> wait() override {
        auto some = co_await in.read();
        got = std::string{*some};
    }
};
struct reading_a_line final : reading_a_fifo {
    task<> wait() override {
        auto line = co_await in.read_line();
        got = std::string{*line};
    }
};
struct reading_exactly final : reading_a_fifo {
    task<> wait() override { got = std::string{co_await in.read_exactly(4)}; }
};
struct reading_to_the_end : fifo {
    file in;
    bool told = false;
    std::string got;
    task<> prepare() override {
        open_other_end();
        send("abc\n");
        in = co_await open(name);
    }
    task<> wait() override { got = co_await in.read_all(); }
    void trigger() override {
        if (!std::exchange(told, true)) ::close(std::exchange(other, -1));
    }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_EQ(got, "abc\n");
        }
        co_await in.close();
    }
};
struct reading_a_whole_fifo final : reading_to_the_end {
    task<> prepare() override {
        open_other_end();
        send("abc\n");
        co_return;
    }
    task<> wait() override { got = co_await read_file(name); }
    /// Has it read what was there?
    bool begun() const override {
        int left = 0;
        return other < 0 || (::ioctl(other, FIONREAD, &left) == 0 && left == 0);
    }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_EQ(got, "abc\n");
        }
        co_return;
    }
};

/// More than a pipe holds is on its way, and nobody reads it.
struct writing_to_a_fifo : fifo {
    file out;
    std::string text;
    task<> prepare() override {
        open_other_end();
        out = co_await open(name, "w");
        for (int i = 0; i < 20'000; ++i) text += std::to_string(100'000 + i);
    }
    void trigger() override { receive(); }
    task<> complete() override {
        while (received.size() < text.size()) {
            receive();
            co_await yield();
        }
    }
    /// What was written arrives, in order.
    task<> check(ending) override {
        co_await close_while_reading();
        EXPECT_EQ(received.size(), text.size());
        EXPECT_TRUE(received == text);
    }
    task<> close_while_reading() {
        task_group group;
        group.spawn(close());
        while (group.size() > 0) {
            receive();
            co_await yield();
        }
        receive();
    }
    task<> close() {
        auto outcome = co_await (out.close() | as_result);
        (void)outcome;
    }
};
struct flushing final : writing_to_a_fifo {
    task<> prepare() override {
        co_await writing_to_a_fifo::prepare();
        co_await out.write(text);
    }
    task<> wait() override { co_await out.flush(); }
};
struct closing_a_full_one final : writing_to_a_fifo {
    task<> prepare() override {
        co_await writing_to_a_fifo::prepare();
        co_await out.write(text);
    }
    task<> wait() override { co_await out.close(); }
};
struct writing_much final : writing_to_a_fifo {
    bool whole = false;
    task<> prepare() override {
        co_await writing_to_a_fifo::prepare();
        for (int i = 0; i < 60'000; ++i) text += std::to_string(200'000 + i);
    }
    task<> wait() override {
        co_await out.write(text);
        whole = true;
    }
    task<> complete() override {
        while (!whole) {
            receive();
            co_await yield();
        }
    }
    /// A piece of it, from its beginning; all of it if it did not throw.
    task<> check(ending how) override {
        co_await close_while_reading();
        EXPECT_TRUE(std::string_view{text}.starts_with(received));
        if (how == ending::stands) {
            EXPECT_EQ(received.size(), text.size());
        }
    }
};

/// A regular file with a line in it, in a directory that is known to be local.
struct regular : scene {
    temporary_directory directory;
    std::string name = directory / "file";
    file both;
    task<> prepare() override {
        put(name, hello);
        both = co_await open(name, "r+");
    }
    /// The file is as usable as before.
    task<> check(ending) override {
        co_await both.seek(0);
        EXPECT_EQ(co_await both.read_exactly(5), "hello");
        co_await both.close();
    }
};
struct opening final : regular {
    task<> wait() override { auto again = co_await open(name); }
};
struct reading_the_file final : regular {
    task<> wait() override { EXPECT_EQ(co_await both.read(), hello); }
};
struct writing_the_file final : regular {
    task<> wait() override { co_await both.write("hello"); }
};
struct syncing final : regular {
    task<> prepare() override {
        co_await regular::prepare();
        co_await both.write("hello");
    }
    task<> wait() override { co_await both.sync(); }
};
struct seeking final : regular {
    task<> wait() override { EXPECT_EQ(co_await both.seek(3), 3u); }
};
struct truncating final : regular {
    task<> wait() override { co_await both.truncate(8); }
};
struct asking_for_the_size final : regular {
    task<> wait() override { EXPECT_EQ(co_await both.size(), 12u); }
};
struct reading_at final : regular {
    task<> wait() override { EXPECT_EQ(co_await both.read_at(6, 5), "world"); }
};
struct writing_at final : regular {
    task<> wait() override { co_await both.write_at(6, "WORLD"); }
};
struct closing_it final : regular {
    task<> wait() override { co_await both.close(); }
    task<> check(ending) override {
        co_await both.close();
        EXPECT_FALSE(both.is_open());
    }
};
struct reading_a_file final : regular {
    task<> wait() override { EXPECT_EQ(co_await read_file(name), hello); }
};
struct writing_a_file final : regular {
    task<> wait() override { co_await write_file(directory / "new", "new"); }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_EQ(content_of(directory / "new"), "new");
        }
        co_return;
    }
};

/// Devices, which may block: every call goes through io_uring or the pool.
struct device : scene {
    file of;
    task<> prepare() override { of = co_await open("/dev/zero", "r+"); }
    task<> check(ending) override {
        EXPECT_EQ(co_await of.read_at(0, 3), std::string(3, '\0'));
        co_await of.close();
    }
};
struct opening_a_device final : scene {
    task<> wait() override { auto opened = co_await open("/dev/null", "w"); }
};
struct reading_a_device_at final : device {
    task<> wait() override { EXPECT_EQ(co_await of.read_at(0, 100'000), std::string(100'000, '\0')); }
};
struct writing_a_device_at final : device {
    std::string text = std::string(100'000, 'x');
    task<> wait() override { co_await of.write_at(0, text); }
};
struct closing_a_device final : device {
    task<> prepare() override {
        co_await device::prepare();
        co_await of.write("some");
    }
    task<> wait() override { co_await of.close(); }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_FALSE(of.is_open());
        }
        co_await of.close();
        EXPECT_FALSE(of.is_open());
    }
};

// ---- copies between files and connections

struct copying_a_file final : regular {
    file to;
    task<> prepare() override {
        co_await regular::prepare();
        to = co_await open(directory / "copy", "w");
    }
    task<> wait() override { EXPECT_EQ(co_await copy(both, to), 12u); }
    task<> check(ending) override {
        co_await copy(both, to);
        co_await to.close();
        EXPECT_EQ(content_of(directory / "copy"), hello) << "what was moved is not moved twice, nor lost";
        co_await both.close();
    }
};
struct receiving_into_a_file final : scene {
    temporary_directory directory;
    connected from;
    file to;
    bool sent = false;
    task<> prepare() override {
        from = co_await connect_pair();
        to = co_await open(directory / "file", "w");
        from.peer.send("first ");
    }
    task<> wait() override { EXPECT_EQ(co_await copy(from.reader, to), 10u); }
    void trigger() override {
        if (std::exchange(sent, true)) return;
        from.peer.send("last");
        from.peer.shut_down_sending();
    }
    task<> check(ending) override {
        trigger();
        co_await copy(from.reader, to);
        co_await to.close();
        EXPECT_EQ(content_of(directory / "file"), "first last");
    }
};
/// A file that is larger than what the kernel takes, for a peer that does not read yet.
struct sending_a_file : scene {
    static constexpr std::size_t size = 16 << 20;
    temporary_directory directory;
    file from;
    connected to;
    std::size_t received = 0;
    task<> prepare() override {
        put(directory / "file", std::string(size, 's'));
        from = co_await open(directory / "file");
        to = co_await connect_pair();
        to.writer.set_linger(std::chrono::milliseconds{1});
    }
    task<> wait() override { EXPECT_EQ(co_await copy(from, to.writer), size); }
    void trigger() override { receive(); }
    void receive() {
        static char piece[65536];
        for (ssize_t n; (n = ::recv(to.peer.fd(), piece, sizeof piece, MSG_DONTWAIT)) > 0;) received += static_cast<std::size_t>(n);
    }
    task<> complete() override {
        while (received < size) {
            receive();
            co_await yield();
        }
    }
    /// The position is behind what was moved: the rest follows, and all of it arrives once.
    task<> check(ending) override {
        task_group group;
        group.spawn(the_rest());
        while (group.size() > 0) {
            receive();
            co_await yield();
        }
        co_await group.join();
        while (received < size) {
            receive();
            co_await yield();
        }
        receive();
        EXPECT_EQ(received, size);
        to.peer.close();
    }
    task<> the_rest() { co_await copy(from, to.writer); }
};
struct sending_by_send_file final : sending_a_file {
    task<> wait() override { EXPECT_EQ(co_await send_file(to.writer, from), size); }
};

}  // namespace

std::vector<matrix_row> file_rows() {
    constexpr auto group = "files";
    constexpr auto kept = "no byte is lost; may be called again";
    constexpr auto usable = "the file is as usable as before";
    constexpr auto closed = "nothing stays open";
    return {
        waiting_row<opening_a_fifo>(group, "open, of a FIFO", closed),
        call_row<opening_a_device>(group, "open, of a device", closed),
        instant_row<opening>(group, "open", closed),
        waiting_row<reading_some>(group, "file::read, from a FIFO", kept),
        waiting_row<reading_a_line>(group, "file::read_line, from a FIFO", kept),
        waiting_row<reading_exactly>(group, "file::read_exactly, from a FIFO", kept),
        waiting_row<reading_to_the_end>(group, "file::read_all, from a FIFO", "the file can be closed"),
        instant_row<reading_the_file>(group, "file::read", kept),
        waiting_row<writing_much>(group, "file::write, to a full FIFO", "whole, or a beginning of it, in order"),
        instant_row<writing_the_file>(group, "file::write", usable),
        waiting_row<flushing>(group, "file::flush, to a full FIFO", "the writing goes on: everything arrives, in order"),
        call_row<syncing>(group, "file::sync", usable),
        instant_row<seeking>(group, "file::seek", usable),
        instant_row<truncating>(group, "file::truncate", usable),
        instant_row<asking_for_the_size>(group, "file::size", usable),
        instant_row<reading_at>(group, "file::read_at", usable),
        call_row<reading_a_device_at>(group, "file::read_at, from a device", usable),
        instant_row<writing_at>(group, "file::write_at", usable),
        call_row<writing_a_device_at>(group, "file::write_at, to a device", usable),
        waiting_row<closing_a_full_one>(group, "file::close, of a full FIFO", "everything arrives, in order; may be called again"),
        call_row<closing_a_device>(group, "file::close, of a device", "it is closed; may be called again"),
        instant_row<closing_it>(group, "file::close", "it is closed"),
        instant_row<reading_a_file>(group, "read_file", closed),
        waiting_row<reading_a_whole_fifo>(group, "read_file, of a FIFO", closed),
        instant_row<writing_a_file>(group, "write_file", closed),
        instant_row<copying_a_file>(group, "copy, file to file", "what was moved is not moved twice, nor lost"),
        waiting_row<receiving_into_a_file>(group, "copy, connection to file", "what was moved is in the file, the rest can still be read"),
        waiting_row<sending_a_file>(group, "copy, file to connection", "the position is behind what was moved; all arrives once"),
        waiting_row<sending_by_send_file>(group, "send_file", "the same"),
    };
}

}  // namespace leat::testing
