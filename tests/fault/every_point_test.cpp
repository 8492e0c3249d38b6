#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "fault/points.hpp"
#include "leat/leat.hpp"
#include "support/child_process.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"
#include "unit/tls_support.hpp"

// Every point fails once: each call into the kernel and each allocation of a scenario, in every way that is open to it. Afterwards the scenario has
// succeeded with the right bytes, or said what failed; nothing hangs, no descriptor stays, and a server goes on.
//
// LEAT_FAULT_ONLY="12.1" runs that point and way alone; LEAT_FAULT_SHOW=1 prints what came of each; LEAT_FAULT_TRACE=1 prints where
// the allocation that fails is made.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
namespace std_fs = std::filesystem;

constexpr auto hangs_after = 3s;

/// What a scenario reports beside what it throws: failures that somebody in it was told about.
using reports = std::vector<std::string>;
using scenario = std::function<task<>(reports&)>;

struct wrong : std::logic_error {
    using std::logic_error::logic_error;
};

void demand(bool holds, const char* what) {
    if (!holds) throw wrong(what);
}

/// Not an error that was met, but a result that is not right.
bool is_wrong(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const wrong&) {
        return true;
    } catch (const error_group& group) {
        for (const auto& each : group.errors())
            if (is_wrong(each)) return true;
    } catch (...) {
    }
    return false;
}

/// Awaits a part whose failure does not end the scenario.
task<> part(task<> tried, reports& said) {
    auto done = co_await (std::move(tried) | as_result);
    if (done) co_return;
    if (is_wrong(done.error().exception())) std::rethrow_exception(done.error().exception());
    said.push_back(done.error().message());
}

/// One that has to succeed if what was to fail has failed before it began.
task<> undisturbed_part(task<> tried, reports& said, const char* what) {
    const bool before = fault::has_fired();
    const std::size_t failed = said.size();
    co_await part(std::move(tried), said);
    demand(!before || said.size() == failed, what);
}

/// Descriptors by kind, but for the pipes that a thread keeps for its next splice.
std::map<std::string, int> descriptors() {
    std::map<std::string, int> all;
    for (const auto& entry : std_fs::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        std::string kind = std_fs::read_symlink(entry.path(), gone).string();
        if (gone || kind.starts_with("pipe:") || kind.starts_with("/proc/")) continue;
        if (kind.starts_with("socket:")) kind = "socket";
        ++all[kind];
    }
    return all;
}

/// Runs it once; what was wrong about it, or nothing.
std::string run_once(const scenario& what, fault::plan chosen, fault::outcome& seen) {
    const auto before = descriptors();
    reports said;
    std::string problem;
    std::string error_text;
    ::alarm(30);
    fault::arm(chosen);
    try {
        run_until_complete([](const scenario& inner, reports& into) -> task<> { co_await timeout(hangs_after, inner(into)); }(what, said));
    } catch (const wrong& e) {
        problem = e.what();
    } catch (const timeout_error& e) {
        problem = std::string{"hung: "} + e.what();
    } catch (const leat::error& e) {
        error_text = e.what();
        if (e.operation().empty() || error_text.empty()) problem = "an error without a name";
    } catch (const std::exception& e) {
        error_text = e.what();
        if (error_text.empty()) problem = "an error without a text";
    } catch (const cancelled&) {
        problem = "cancelled, and nobody asked for it";
    }
    seen = fault::disarm();
    ::alarm(0);
    if (std::getenv("LEAT_FAULT_SHOW")) std::fprintf(stderr, "%ld.%d %s: %s%s\n", chosen.point, chosen.choice, seen.what.c_str(), error_text.c_str(), said.empty() ? "" : said.front().c_str());
    if (problem.empty() && !seen.fired && (!error_text.empty() || !said.empty())) problem = "failed by itself: " + error_text + (said.empty() ? "" : said.front());
    if (problem.empty() && descriptors() != before) {
        problem = "a descriptor stays:";
        for (const auto& [kind, count] : descriptors()) {
            const auto was = before.contains(kind) ? before.at(kind) : 0;
            if (was != count) problem += " " + kind + " " + std::to_string(was) + "→" + std::to_string(count);
        }
    }
    return problem;
}

void every_call_fails_once(const scenario& what) {
    log::set_level(log::level::off);
    fault::outcome seen;
    ASSERT_EQ(run_once(what, {}, seen), "") << "without any fault";
    const char* only = std::getenv("LEAT_FAULT_ONLY");
    int problems = 0;
    int runs = 0;
    fault::plan chosen{.point = 0};
    if (only) {
        chosen.point = std::strtol(only, nullptr, 10);
        if (const char* dot = std::strchr(only, '.')) chosen.choice = std::atoi(dot + 1);
        log::set_level(log::level::debug);
    }
    for (; problems < 8; ++runs) {
        const std::string problem = run_once(what, chosen, seen);
        if (!problem.empty()) {
            ++problems;
            ADD_FAILURE() << "point " << chosen.point << "." << chosen.choice << " (" << seen.what << "): " << problem;
        }
        if (!seen.fired || only) break;
        if (++chosen.choice >= seen.choices) {
            ++chosen.point;
            chosen.choice = 0;
        }
    }
    ::testing::Test::RecordProperty("points", static_cast<int>(chosen.point));
    EXPECT_TRUE(only || runs > 10) << "what was to fail?";
    log::set_level(log::level::info);
}

/// Each run in a process of its own: what would end it is told about.
void every_allocation_fails_once(const scenario& what) {
    log::set_level(log::level::off);
    fault::outcome seen;
    ASSERT_EQ(run_once(what, {}, seen), "");
    const char* only = std::getenv("LEAT_FAULT_ONLY");
    int problems = 0;
    for (long n = only ? std::atol(only) : 0; problems < 8; ++n) {
        const auto outcome = in_child([&](int) {
            fault::outcome here;
            const std::string problem = run_once(what, {.point = n, .choice = 0, .memory = true}, here);
            if (!problem.empty()) {
                [[maybe_unused]] auto ignored = ::write(2, problem.data(), problem.size());
                return 2;
            }
            return here.fired ? 0 : 1;
        });
        if (outcome.exit_status == 1 || only) break;
        if (outcome.exit_status == 0) continue;
        ++problems;
        ADD_FAILURE() << "allocation " << n << ": status " << outcome.exit_status << ", signal " << outcome.signal << ": " << outcome.errors.substr(0, 6000);
    }
    log::set_level(log::level::info);
}

// ---- scenarios

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
// A subprocess belongs here as well, once leat can start one.

}  // namespace
}  // namespace leat::testing
