#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "fault/every_point.hpp"
#include "fault/points.hpp"
#include "leat/leat.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"
#include "unit/tls_support.hpp"

// What was there first: connections, TLS and HTTP clients, files. See every_point.hpp.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
namespace std_fs = std::filesystem;

task<> echo_lines(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

task<> talk(std::uint16_t port, int lines) {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
    for (int i = 0; i < lines; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        co_await writer.write(line);
        auto reply = co_await reader.read_line();
        if (!reply) throw incomplete_read("read_line", "the echo", line.size(), 0);
        if (*reply != line && line.starts_with(*reply)) throw incomplete_read("read_line", "the echo", line.size(), reply->size());
        demand(*reply == line, "the echo is wrong");
    }
    co_await writer.close();
}

/// Two clients at a time, then a third: what failed before it must not keep it from being served.
task<> echo_server(reports& said) {
    auto server = co_await start_server(echo_lines, {"127.0.0.1", 0});
    const auto port = server.address().port();
    co_await gather(part(talk(port, 3), said), part(talk(port, 3), said));
    co_await undisturbed_part(talk(port, 1), said, "the server does not serve the next client");
    co_await server.close();
}

/// More than fits into the buffers, in one direction each.
task<> bulk(reports& said) {
    const std::string bytes = tls_test::noise(600'000);
    auto handler = [](stream_reader reader, stream_writer writer) -> task<> {
        while (auto piece = co_await reader.read()) co_await writer.write(*piece);
        co_await writer.close();
    };
    auto server = co_await start_server(handler, {"127.0.0.1", 0});
    auto exchange = [](std::uint16_t port, const std::string& sent) -> task<> {
        auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
        auto send = [](stream_writer& to, const std::string& all) -> task<> {
            co_await to.write(all);
            co_await to.write_eof();
        }(writer, sent);
        auto receive = [](stream_reader& from) -> task<std::string> {
            std::string all;
            while (auto piece = co_await from.read()) all.append(*piece);
            co_return all;
        }(reader);
        auto done = co_await gather(std::move(send), std::move(receive));
        const std::string& got = std::get<1>(done);
        if (got.size() < sent.size()) throw incomplete_read("read", "the echo", sent.size(), got.size());
        demand(got == sent, "the bytes are wrong");
        co_await writer.close();
    };
    co_await part(exchange(server.address().port(), bytes), said);
    co_await server.close();
}

task<> tls_client(std::uint16_t port, const std::string& authority) {
    auto [reader, writer] = co_await tls::open_connection({"localhost", port}, {.ca_file = authority});
    for (int i = 0; i < 3; ++i) {
        std::string line = "line " + std::to_string(i);
        co_await writer.write(line, "\n");
        auto reply = co_await reader.read_line();
        const std::string reversed{line.rbegin(), line.rend()};
        if (!reply || reply->size() <= reversed.size()) throw incomplete_read("read_line", "the peer", line.size() + 1, 0);
        demand(*reply == reversed + "\n", "the peer's answer is wrong");
    }
    co_await writer.close();
}

task<> http_client(reports& said) {
    const std::string bytes = tls_test::noise(50'000);
    scripted_server server([&](const seen_request&) { return reply{ok(bytes)}; });
    co_await server.start();
    {
        http::client client;
        auto get = [](http::client& from, std::string url, const std::string& expected) -> task<> {
            auto response = co_await from.get(url);
            response.raise_for_status();
            const std::string got = co_await response.text();
            demand(got == expected, "the body is wrong");
        };
        co_await part(get(client, server.url("/file"), bytes), said);
        co_await part(get(client, server.url("/again"), bytes), said);
        co_await undisturbed_part(get(client, server.url("/next"), bytes), said, "the client does not recover");
    }
}

/// A folder in which a scenario finds its source, and whose files it may leave.
class Files : public ::testing::Test {
protected:
    testing::temporary_directory directory;
    const std::string bytes = tls_test::noise(700'000);
    std::string from = directory / "from";
    std::string to = directory / "to";

    void SetUp() override { put(from, bytes); }
    void begin_anew() const {
        fault::paused ours;
        for (const auto& each : std_fs::directory_iterator(directory.string()))
            if (each.path() != from) std_fs::remove_all(each.path());
    }
    bool holds(const std::string& name, std::string_view content) const {
        fault::paused ours;
        return content_of(name) == content;
    }
    /// What is in the folder beside these.
    std::string others(const std::vector<std::string>& expected) const {
        fault::paused ours;
        for (const auto& each : std_fs::directory_iterator(directory.string()))
            if (std::find(expected.begin(), expected.end(), each.path().string()) == expected.end()) return each.path().string();
        return {};
    }

    task<> copy_and_read(reports&) {
        begin_anew();
        {
            auto in = co_await open(from);
            auto out = co_await open(to, "w");
            co_await copy(in, out);
            co_await out.close();
        }
        demand(holds(to, bytes), "the copy is wrong, and no error was told");
        const std::string text = co_await read_file(to);
        demand(text == bytes, "what is read is wrong");
    }
    task<> loop_of_reads_and_writes(reports&) {
        begin_anew();
        auto in = co_await open(from);
        auto out = co_await open(to, "w");
        while (auto piece = co_await in.read(leat::bytes{100'000})) co_await out.write(*piece);
        co_await out.sync();
        co_await out.close();
        co_await in.close();
        demand(holds(to, bytes), "the copy is wrong, and no error was told");
        co_await write_file(to, "short");
        demand(holds(to, "short"), "the content is wrong, and no error was told");
    }
    task<> copy_file_by_the_kernel(reports&) {
        begin_anew();
        co_await copy_file(from, to);
        demand(holds(to, bytes), "the copy is wrong, and no error was told");
    }
    task<> replacing(reports& said) {
        begin_anew();
        {
            fault::paused ours;
            put(to, "old");
        }
        co_await part(replace_file(to, "new"), said);
        demand(holds(to, "new") || (!said.empty() && holds(to, "old")), "neither the old content nor the new");
        demand(others({from, to}).empty(), "a temporary file stays");
    }
    task<> names(reports&) {
        begin_anew();
        const path tree = directory / "tree";
        co_await make_directories(tree / "a/b");
        co_await write_file(tree / "a/b/file", "1");
        std::size_t count = 0;
        auto walked = walk(tree);
        while (auto entry = co_await walked.next()) ++count;
        demand(count == 3, "the walk left something out");
        demand((co_await list_directory(tree)).size() == 1, "the list is wrong");
        co_await rename(tree / "a", tree / "c");
        demand((co_await stat(tree / "c/b/file")).size == 1, "the size is wrong");
        co_await remove_tree(tree);
        fault::paused ours;
        demand(!std_fs::exists(tree.string()), "the tree stays");
    }
    task<> temporaries(reports&) {
        begin_anew();
        auto scratch = co_await open_temporary_file({.directory = directory.string()});
        co_await scratch.write("kept");
        co_await scratch.persist(to);
        demand(holds(to, "kept"), "the content is wrong");
        auto named = co_await open_temporary_file({.directory = directory.string(), .named = true});
        co_await named.write("gone");
    }
    /// From a file to a connection and from there to a file, without passing through the program.
    task<> over_a_connection(reports& said) {
        begin_anew();
        auto handler = [this](stream_reader, stream_writer writer) -> task<> {
            auto source = co_await open(from);
            co_await copy(source, writer);
            co_await writer.close();
        };
        auto server = co_await start_server(handler, {"127.0.0.1", 0});
        auto fetch = [this](std::uint16_t port) -> task<> {
            auto [reader, writer] = co_await open_connection({"127.0.0.1", port});
            auto out = co_await open(to, "w");
            const auto moved = co_await copy(reader, out);
            co_await out.close();
            if (moved < bytes.size()) throw incomplete_read("copy", "the connection", bytes.size(), moved);
            demand(holds(to, bytes), "what arrived is wrong");
            co_await writer.close();
        };
        co_await part(fetch(server.address().port()), said);
        co_await undisturbed_part(fetch(server.address().port()), said, "the server does not serve the next client");
        co_await server.close();
    }
};

TEST(EveryPoint, EchoServerSurvivesEveryCall) { every_call_fails_once(echo_server); }
TEST(EveryPoint, EchoServerSurvivesEveryAllocation) { every_allocation_fails_once(echo_server); }
TEST(EveryPoint, BulkSurvivesEveryCall) { every_call_fails_once(bulk); }
TEST(EveryPoint, BulkSurvivesEveryAllocation) { every_allocation_fails_once(bulk); }
TEST(EveryPoint, HttpClientSurvivesEveryCall) { every_call_fails_once(http_client); }
TEST(EveryPoint, HttpClientSurvivesEveryAllocation) { every_allocation_fails_once(http_client); }

/// `openssl s_server`, which sends each line back to front.
scenario tls_scenario(tls_test::peer& server) {
    return [&server](reports& said) -> task<> {
        const auto& authority = tls_test::certificates::instance().authority;
        co_await part(tls_client(server.port(), authority), said);
        co_await undisturbed_part(tls_client(server.port(), authority), said, "the next connection fails as well");
    };
}
tls_test::peer reversing_peer() {
    const auto& files = tls_test::certificates::instance();
    return tls_test::peer{{"openssl", "s_server", "-accept", "0", "-rev", "-cert", files.good, "-key", files.key}};
}
TEST(EveryPoint, TlsClientSurvivesEveryCall) {
    auto server = reversing_peer();
    every_call_fails_once(tls_scenario(server));
}
TEST(EveryPoint, TlsClientSurvivesEveryAllocation) {
    auto server = reversing_peer();
    every_allocation_fails_once(tls_scenario(server));
}

TEST_F(Files, CopySurvivesEveryCall) {
    every_call_fails_once([this](reports& said) { return copy_and_read(said); });
}
TEST_F(Files, CopySurvivesEveryAllocation) {
    every_allocation_fails_once([this](reports& said) { return copy_and_read(said); });
}
TEST_F(Files, ReadAndWriteSurvivesEveryCall) {
    every_call_fails_once([this](reports& said) { return loop_of_reads_and_writes(said); });
}
TEST_F(Files, ReadAndWriteSurvivesEveryAllocation) {
    every_allocation_fails_once([this](reports& said) { return loop_of_reads_and_writes(said); });
}
TEST_F(Files, CopyFileSurvivesEveryCall) {
    every_call_fails_once([this](reports& said) { return copy_file_by_the_kernel(said); });
}
TEST_F(Files, CopyFileSurvivesEveryAllocation) {
    every_allocation_fails_once([this](reports& said) { return copy_file_by_the_kernel(said); });
}
TEST_F(Files, ReplaceFileSurvivesEveryCall) {
    every_call_fails_once([this](reports& said) { return replacing(said); });
}
TEST_F(Files, ReplaceFileSurvivesEveryAllocation) {
    every_allocation_fails_once([this](reports& said) { return replacing(said); });
}
TEST_F(Files, NamesSurvivesEveryCall) {
    every_call_fails_once([this](reports& said) { return names(said); });
}
TEST_F(Files, NamesSurvivesEveryAllocation) {
    every_allocation_fails_once([this](reports& said) { return names(said); });
}
TEST_F(Files, TemporariesSurvivesEveryCall) {
    every_call_fails_once([this](reports& said) { return temporaries(said); });
}
TEST_F(Files, TemporariesSurvivesEveryAllocation) {
    every_allocation_fails_once([this](reports& said) { return temporaries(said); });
}
TEST_F(Files, OverAConnectionSurvivesEveryCall) {
    every_call_fails_once([this](reports& said) { return over_a_connection(said); });
}
TEST_F(Files, OverAConnectionSurvivesEveryAllocation) {
    every_allocation_fails_once([this](reports& said) { return over_a_connection(said); });
}

}  // namespace
}  // namespace leat::testing
