#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "leat/leat.hpp"

namespace leat {
namespace {

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 31 + i / 977) % 26);
    return text;
}

class copy_test : public ::testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "leat-copy-XXXXXX").string();
        directory = ::mkdtemp(name.data());
    }
    void TearDown() override { std::filesystem::remove_all(directory.string()); }
    path directory;
};

/// Sends a file and hands back what arrived, by way of a file on the other side as well.
task<std::string> send_and_receive(path from, path to) {
    auto serve_file = [](stream_reader, stream_writer writer, path name) -> task<> {
        auto source = co_await open(name, "r");
        co_await copy(source, writer);
        co_await writer.close();
    };
    auto handler = [&](stream_reader reader, stream_writer writer) { return serve_file(std::move(reader), std::move(writer), from); };
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
    auto target = co_await open(to, "w");
    const auto moved = co_await copy(reader, target);
    co_await target.close();
    co_await writer.close();
    co_await server.close();
    std::string content = co_await read_file(to);
    EXPECT_EQ(moved, content.size());
    co_return content;
}

TEST_F(copy_test, a_file_goes_through_a_connection_into_a_file) {
    for (std::size_t size : {0u, 1u, 4096u, 70'000u, 3'000'000u}) {
        const std::string content = pattern(size);
        run_until_complete(write_file(directory / "from", content));
        EXPECT_EQ(run_until_complete(send_and_receive(directory / "from", directory / "to")), content) << size;
    }
}

task<std::uint64_t> copy_file_to_file(path from, path to, std::size_t skip) {
    auto source = co_await open(from, "r");
    co_await source.read_exactly(skip);
    auto target = co_await open(to, "w");
    const auto moved = co_await copy(source, target);
    co_await target.close();
    co_return moved;
}

TEST_F(copy_test, what_is_left_of_a_file_goes_to_a_file) {
    const std::string content = pattern(1'000'000);
    run_until_complete(write_file(directory / "from", content));
    EXPECT_EQ(run_until_complete(copy_file_to_file(directory / "from", directory / "to", 10)), content.size() - 10);
    EXPECT_EQ(run_until_complete(read_file(directory / "to")), content.substr(10));
}

task<std::string> echo_by_copy(std::string text) {
    auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
        co_await copy(reader, writer);
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    auto [reader, writer] = co_await open_connection({"127.0.0.1", server.address().port()});
    auto send = [](stream_writer& to, std::string what) -> task<> {
        co_await to.write(what);
        to.write_eof();
    };
    task_group sending;
    sending.spawn(send(writer, text));
    std::string all;
    while (auto piece = co_await reader.read()) all.append(*piece);
    co_await sending.join();
    co_await writer.close();
    co_await server.close();
    co_return all;
}

TEST_F(copy_test, a_reader_goes_to_a_writer) {
    const std::string text = pattern(2'000'000);
    EXPECT_EQ(run_until_complete(echo_by_copy(text)), text);
}

}  // namespace
}  // namespace leat
