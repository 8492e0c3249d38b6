#include "leat/fs/copy.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "leat/leat.hpp"
#include "support/connected.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
namespace std_fs = std::filesystem;

class CopyFile : public ::testing::Test {
protected:
    testing::temporary_directory directory;
    std::string from = directory / "from";
    std::string to = directory / "to";
};

std::string patterned(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
    return text;
}

TEST_F(CopyFile, CopiesEverySize) {
    in_loop([&]() -> task<> {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65'537}, std::size_t{40} << 20}) {
            const std::string text = patterned(size);
            put(from, text);
            EXPECT_EQ(co_await copy_file(from, to), size);
            EXPECT_TRUE(content_of(to) == text) << size;
            std_fs::remove(to);
            EXPECT_EQ(co_await copy_file(from, to, {.reflink = reflink::never}), size);
            EXPECT_TRUE(content_of(to) == text) << size;
        }
    }());
}

TEST_F(CopyFile, ReplacesLongerContentUnlessToldNotTo) {
    put(from, "short");
    put(to, "much longer than that");
    in_loop([&]() -> task<> {
        auto refused = co_await (copy_file(from, to, {.overwrite = false}) | as_result);
        EXPECT_EQ(refused.error().message(), "copy_file " + from + " to " + to + ": File exists (errno 17)");
        EXPECT_EQ(content_of(to), "much longer than that");
        co_await copy_file(from, to);
        EXPECT_EQ(content_of(to), "short");
    }());
}

TEST_F(CopyFile, KeepsPermissionsAndTimesWhereAsked) {
    put(from, "x");
    ::chmod(from.c_str(), 0750);
    in_loop([&]() -> task<> {
        co_await set_times(from, 1000s, 2000s);
        co_await copy_file(from, to, {.preserve_times = true});
        EXPECT_EQ((co_await stat(to)).permissions, 0750u);
        EXPECT_EQ((co_await stat(to)).modified, 2000s);
        const auto plain = directory / "plain";
        co_await copy_file(from, plain, {.preserve_permissions = false});
        EXPECT_EQ((co_await stat(plain)).permissions & 0111u, 0u);
        EXPECT_NE((co_await stat(plain)).modified, 2000s);
    }());
}

TEST_F(CopyFile, HolesStayHoles) {
    const int fd = ::open(from.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(::pwrite(fd, "middle", 6, 8 << 20), 6);
    ASSERT_EQ(::ftruncate(fd, 64 << 20), 0);
    ::close(fd);
    struct ::stat made {};
    ::stat(from.c_str(), &made);
    if (made.st_blocks * 512 > 1 << 20) GTEST_SKIP() << "no holes here";
    in_loop([&]() -> task<> {
        EXPECT_EQ(co_await copy_file(from, to, {.reflink = reflink::never}), 64u << 20);
        EXPECT_TRUE(content_of(to) == content_of(from));
    }());
    ::stat(to.c_str(), &made);
    EXPECT_LT(made.st_blocks * 512, 1 << 20);
    EXPECT_EQ(made.st_size, 64 << 20);
}

TEST_F(CopyFile, AFileThatSeemsEmptyIsReadAllTheSame) {
    in_loop([&]() -> task<> {
        EXPECT_GT(co_await copy_file("/proc/self/status", to, {.preserve_permissions = false}), 100u);
        EXPECT_NE(content_of(to).find("Pid:"), std::string::npos);
    }());
}

TEST_F(CopyFile, BetweenFileSystems) {
    if (!std_fs::exists("/dev/shm")) GTEST_SKIP();
    in_loop([&]() -> task<> {
        auto elsewhere = co_await make_temporary_directory({.directory = "/dev/shm"});
        const std::string text = patterned(3 << 20);
        put(from, text);
        co_await copy_file(from, elsewhere / "there");
        co_await copy_file(elsewhere / "there", to);
        EXPECT_TRUE(content_of(to) == text);
    }());
}

TEST_F(CopyFile, WhatCannotBeCopiedLeavesNothing) {
    put(from, "x");
    std_fs::create_hard_link(from, directory / "same");
    std_fs::create_directory(directory / "sub");
    ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
    in_loop([&]() -> task<> {
        auto missing = co_await (copy_file(directory / "none", to) | as_result);
        EXPECT_EQ(missing.error().code(), std::errc::no_such_file_or_directory);
        auto folder = co_await (copy_file(directory / "sub", to) | as_result);
        EXPECT_EQ(folder.error().code(), std::errc::is_a_directory);
        auto fifo = co_await (copy_file(directory / "fifo", to) | as_result);
        EXPECT_EQ(fifo.error().code(), std::errc::invalid_argument);
        auto into_fifo = co_await (copy_file(from, directory / "fifo") | as_result);
        EXPECT_FALSE(into_fifo.has_value());
        auto itself = co_await (copy_file(from, directory / "same") | as_result);
        EXPECT_EQ(itself.error().code(), std::errc::invalid_argument);
        EXPECT_EQ(content_of(from), "x");
        auto shared = co_await (copy_file("/proc/self/status", to, {.reflink = reflink::always}) | as_result);
        EXPECT_FALSE(shared.has_value());
        EXPECT_FALSE(std_fs::exists(to));
    }());
}

TEST_F(CopyFile, AFullDeviceIsToldAbout) {
    put(from, patterned(100'000));
    in_loop([&]() -> task<> {
        auto into_device = co_await (copy_file(from, "/dev/full") | as_result);
        EXPECT_FALSE(into_device.has_value());
    }());
}

TEST_F(CopyFile, CancelledItLeavesAWholeCopyOrNone) {
    const std::string text = patterned(48 << 20);
    put(from, text);
    in_loop([&]() -> task<> {
        for (int i = 0; i < 12; ++i) {
            std_fs::remove(to);
            task_group group;
            bool ended = false;
            group.spawn([&]() -> task<> {
                co_await copy_file(from, to);
                ended = true;
            });
            for (int turns = 0; turns < i; ++turns) co_await yield();
            if (i % 2) {
                group.cancel();
                co_await group.join();
                EXPECT_EQ(ended, std_fs::exists(to));
            }
        }
        std_fs::remove(to);
    }());
}

TEST_F(CopyFile, SendFileSendsAPart) {
    const std::string text = patterned(2 << 20);
    put(from, text);
    in_loop([&]() -> task<> {
        auto server = co_await start_server(
            [&](stream_reader, stream_writer writer) -> task<> {
                auto source = co_await open(from);
                EXPECT_EQ(co_await send_file(writer, source, 1000, 1 << 20), 1u << 20);
                EXPECT_EQ(source.tell(), 1000u + (1 << 20));
                EXPECT_EQ(co_await send_file(writer, source, text.size() - 10), 10u);
                EXPECT_EQ(co_await send_file(writer, source, text.size() + 10), 0u);
                co_await writer.close();
            },
            {"127.0.0.1", 0});
        auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
        std::string got;
        while (auto piece = co_await reader.read()) got.append(*piece);
        EXPECT_TRUE(got == text.substr(1000, 1 << 20) + text.substr(text.size() - 10));
        co_await writer.close();
        co_await server.close();
    }());
}

}  // namespace
}  // namespace leat::testing
