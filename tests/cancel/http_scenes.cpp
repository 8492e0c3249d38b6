#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "cancel/matrix.hpp"
#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

// Requests, bodies and downloads, from a server that answers when it is told to.

namespace leat::testing {
namespace {

/// A server whose responses wait at a gate.
struct with_a_server : scene {
    scripted_server server{[](const seen_request& asked) {
        if (asked.method() == "HEAD") return reply{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"};
        return reply{ok("body")};
    }};
    std::optional<http::client> client;
    task<> prepare() override {
        co_await server.start();
        server.gated = true;
        client.emplace(http::client_options{.connections_per_origin = 1});
    }
    bool begun() const override { return !server.requests.empty(); }
    void trigger() override { server.gate.set(); }
    /// A connection that was cut is not used again, one that is whole is.
    task<> check(ending) override {
        server.gate.set();
        auto again = co_await client->get(server.url("/again"));
        EXPECT_EQ(co_await again.text(), "body");
        EXPECT_EQ(client->open_connections(), 1u);
        client.reset();
    }
};
struct getting final : with_a_server {
    task<> wait() override {
        auto response = co_await client->get(server.url("/a"));
        EXPECT_EQ(response.status(), 200);
        EXPECT_EQ(co_await response.text(), "body");
    }
    task<> ahead() override { co_await wait(); }
};
struct asking_for_the_head final : with_a_server {
    task<> wait() override {
        auto response = co_await client->head(server.url("/a"));
        EXPECT_EQ(response.status(), 200);
    }
    task<> ahead() override { co_await wait(); }
};
struct requesting final : with_a_server {
    task<> wait() override {
        auto response = co_await client->request("PUT", server.url("/a"), {.body = "some body"});
        EXPECT_EQ(co_await response.text(), "body");
    }
    task<> ahead() override { co_await wait(); }
};

/// A server that sends half of a body, and the rest when it is told to.
struct with_half_a_body : scene {
    std::optional<server> serving;
    event gate;
    std::optional<http::client> client;
    std::optional<http::response> response;
    std::string got;
    task<> answer(stream_reader reader, stream_writer writer) {
        writer.set_linger(std::chrono::milliseconds{50});
        for (;;) {
            auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
            if (!head || !*head) co_return;
            co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
            co_await gate.wait();
            co_await writer.write("rest");
        }
    }
    task<> prepare() override {
        auto handler = [this](stream_reader reader, stream_writer writer) { return answer(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
        client.emplace();
        response.emplace(co_await client->get("http://127.0.0.1:" + std::to_string(serving->address().port()) + "/"));
        auto half = co_await response->body().read();
        got = std::string{*half};
    }
    void trigger() override { gate.set(); }
    task<> check(ending) override {
        trigger();
        while (auto piece = co_await response->body().read()) got += *piece;
        EXPECT_EQ(got, "halfrest");
        EXPECT_EQ(client->idle_connections(), 1u) << "the connection serves the next request";
    }
};
struct reading_a_body final : with_half_a_body {
    task<> wait() override {
        auto piece = co_await response->body().read();
        got += *piece;
    }
};
struct reading_the_text final : with_half_a_body {
    task<> wait() override { got += co_await response->text(); }
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_EQ(got, "halfrest");
        }
        trigger();
        while (auto piece = co_await response->body().read()) got += *piece;
        EXPECT_TRUE(response->body().complete());
        EXPECT_EQ(client->idle_connections(), 1u);
    }
};
struct copying_a_body final : with_half_a_body {
    testing::temporary_directory directory;
    file to;
    task<> prepare() override {
        co_await with_half_a_body::prepare();
        to = co_await open(directory / "file", "w");
    }
    task<> wait() override { EXPECT_EQ(co_await copy(response->body(), to), 4u); }
    task<> check(ending) override {
        trigger();
        co_await copy(response->body(), to);
        co_await to.close();
        EXPECT_EQ(content_of(directory / "file"), "rest");
    }
};

struct downloading final : scene {
    scripted_server server{[](const seen_request& asked) { return reply{ok("content of " + asked.target())}; }};
    testing::temporary_directory directory;
    task<> prepare() override {
        co_await server.start();
        server.gated = true;
    }
    bool begun() const override { return server.requests.size() >= 2; }
    void trigger() override { server.gate.set(); }
    task<> wait() override {
        const std::string into = directory.string();
        std::vector<std::string> urls{server.url("/a"), server.url("/b")};
        auto report = co_await download(std::move(urls), {.directory = into});
        EXPECT_TRUE(report.ok());
    }
    std::size_t files() const {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(directory.string())) ++count;
        return count;
    }
    /// No temporary file stays; and once more it works.
    task<> check(ending how) override {
        if (how == ending::stands) {
            EXPECT_EQ(files(), 2u);
        }
        for (const auto& each : std::filesystem::directory_iterator(directory.string())) {
            const std::string name = each.path().filename();
            if (how == ending::threw) {
                EXPECT_TRUE(name == "a" || name == "b") << name;
            }
        }
        trigger();
        co_await wait();
        while (files() > 2) co_await yield();
        EXPECT_EQ(content_of(directory / "a"), "content of /a");
        EXPECT_EQ(content_of(directory / "b"), "content of /b");
    }
};

}  // namespace

std::vector<matrix_row> http_rows() {
    constexpr auto group = "HTTP";
    constexpr auto kept = "no byte is lost; may be called again; the connection serves the next request";
    constexpr auto again = "the client serves the next request";
    return {
        queued_row<getting>(group, "client::get", again),
        queued_row<asking_for_the_head>(group, "client::head", again),
        queued_row<requesting>(group, "client::request", again),
        waiting_row<reading_a_body>(group, "body::read", kept),
        waiting_row<reading_the_text>(group, "response::text", "the rest of the body can be read"),
        waiting_row<copying_a_body>(group, "copy, body to file", "what was moved is in the file, the rest can still be read"),
        waiting_row<downloading>(group, "download", "files that are complete stay, no temporary ones do; may be called again"),
    };
}

}  // namespace leat::testing
