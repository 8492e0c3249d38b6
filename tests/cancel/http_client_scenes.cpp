#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cancel/matrix.hpp"
#include "leat/http/json.hpp"
#include "leat/leat.hpp"
#include "support/http2_peer.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"

// What the HTTP client waits for besides a plain exchange: HTTP/2, bodies of requests, proxies, files of its own, pauses, jobs that are steered.

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

// ---- HTTP/2

/// Answers each request in two halves, the head and the body's first half before the gate where `early` says so.
struct with_http2 : scene {
    explicit with_http2(bool sends_half_at_once) : early(sends_half_at_once) {}
    const bool early;
    event gate;
    std::size_t asked = 0;
    http2_server server{[this](http2_peer& peer) { return serve(peer); }};
    std::optional<http::client> client;

    task<> answer(http2_peer& peer, std::uint32_t stream) {
        if (early) {
            co_await peer.head(stream, 200);
            co_await peer.data(stream, "half");
        }
        co_await gate.wait();
        if (!early) {
            co_await peer.head(stream, 200);
            co_await peer.data(stream, "half");
        }
        co_await peer.data(stream, "rest", true);
    }
    task<> serve(http2_peer& peer) {
        co_await peer.begin();
        task_group answers;
        while (auto frame = co_await peer.next()) {
            if (frame->type != http2_frame::headers) continue;
            ++asked;
            answers.spawn(answer(peer, frame->stream));
        }
    }
    task<> prepare() override {
        co_await server.start();
        client.emplace(http::client_options{.protocol = http::protocol::http2, .proxy_from_environment = false});
    }
    bool begun() const override { return asked != 0; }
    void trigger() override { gate.set(); }
    /// Its stream alone was reset: the connection serves the next request.
    task<> check(ending) override {
        gate.set();
        auto again = co_await client->get(server.url("/again"));
        EXPECT_EQ(co_await again.text(), "halfrest");
        EXPECT_EQ(client->open_connections(), 1u);
        EXPECT_LE(server.connections, 2u);
    }
};
struct getting_http2 final : with_http2 {
    getting_http2() : with_http2(false) {}
    task<> wait() override {
        auto response = co_await client->get(server.url("/a"));
        EXPECT_EQ(response.status(), 200);
        EXPECT_EQ(co_await response.text(), "halfrest");
    }
};
struct reading_http2 final : with_http2 {
    reading_http2() : with_http2(true) {}
    std::optional<http::response> response;
    std::string got;
    task<> prepare() override {
        co_await with_http2::prepare();
        response.emplace(co_await client->get(server.url("/a")));
        auto half = co_await response->body().read();
        got = std::string{*half};
    }
    task<> wait() override {
        auto piece = co_await response->body().read();
        got += *piece;
    }
    task<> check(ending how) override {
        trigger();
        while (auto piece = co_await response->body().read()) got += *piece;
        EXPECT_EQ(got, "halfrest");
        co_await with_http2::check(how);
        EXPECT_EQ(server.connections, 1u);
    }
};

/// A server that takes nothing of a body beyond what fits into the windows before the gate.
struct uploading_http2 final : scene {
    event gate;
    std::size_t asked = 0;
    std::string body = std::string(300'000, 'u');
    http2_server server{[this](http2_peer& peer) { return serve(peer); }};
    std::optional<http::client> client;
    std::unique_ptr<http::content> content = http::text_content(body);

    task<> widen(http2_peer& peer) {
        co_await gate.wait();
        co_await peer.send(http2_frame::window, 0, 0, four(10'000'000));
        co_await peer.send(http2_frame::settings, 0, 0, std::string("\0\4", 2) + four(1'000'000));
    }
    task<> serve(http2_peer& peer) {
        co_await peer.begin();
        task_group others;
        others.spawn(widen(peer));
        while (auto frame = co_await peer.next()) {
            if (frame->type == http2_frame::headers) ++asked;
            const bool over = (frame->type == http2_frame::headers || frame->type == http2_frame::data) && (frame->flags & end_stream) != 0;
            if (over) co_await peer.answer(frame->stream, "taken");
        }
    }
    task<> prepare() override {
        co_await server.start();
        client.emplace(http::client_options{.protocol = http::protocol::http2, .proxy_from_environment = false});
    }
    bool begun() const override { return asked != 0; }
    void trigger() override { gate.set(); }
    task<> wait() override {
        auto response = co_await client->request("POST", server.url("/a"), {.content = content.get()});
        EXPECT_EQ(co_await response.text(), "taken");
    }
    task<> check(ending) override {
        gate.set();
        auto again = co_await client->get(server.url("/again"));
        EXPECT_EQ(co_await again.text(), "taken");
        EXPECT_EQ(client->open_connections(), 1u);
    }
};

// ---- bodies of requests over HTTP/1.1

/// Gives a piece, then waits.
struct slow_content final : http::content {
    event gate;
    std::size_t given = 0;
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    task<std::optional<std::string_view>> read() override {
        if (given == 1) co_await gate.wait();
        if (given == 2) co_return std::nullopt;
        ++given;
        co_return std::string_view{"piece"};
    }
    bool rewind() override {
        given = 0;
        return true;
    }
};
struct uploading_chunks final : scene {
    std::optional<server> serving;
    std::optional<http::client> client;
    slow_content content;
    std::size_t asked = 0;
    std::string url;
    task<> answer(stream_reader reader, stream_writer writer) {
        writer.set_linger(50ms);
        for (;;) {
            auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
            if (!head || !*head) co_return;
            const bool has_body = (*head)->starts_with("POST");
            ++asked;
            if (has_body) {
                auto body = co_await (reader.read_until("0\r\n\r\n") | as_result);
                if (!body || !*body) co_return;
                if (*body != "5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n") co_return;
            }
            auto written = co_await (writer.write(ok("taken")) | as_result);
            if (!written) co_return;
        }
    }
    task<> prepare() override {
        auto handler = [this](stream_reader reader, stream_writer writer) { return answer(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
        url = "http://127.0.0.1:" + std::to_string(serving->address().port()) + "/";
        client.emplace(http::client_options{.proxy_from_environment = false});
    }
    bool begun() const override { return asked != 0 && content.given == 1; }
    void trigger() override { content.gate.set(); }
    task<> wait() override {
        auto response = co_await client->request("POST", url, {.content = &content});
        EXPECT_EQ(co_await response.text(), "taken");
    }
    task<> check(ending) override {
        content.gate.set();
        content.rewind();
        co_await wait();
        EXPECT_EQ(client->open_connections(), 1u);
    }
};

/// From a file, all of it: whatever was cancelled, the file is read from its beginning once more.
struct reading_a_multipart final : scene {
    temporary_directory directory;
    http::multipart form;
    std::string all;
    task<> prepare() override {
        put(directory / "file", "what is in it");
        form.add_field("name", "value");
        co_await form.add_file("file", directory / "file");
    }
    task<> wait() override {
        EXPECT_TRUE(form.rewind());
        all.clear();
        while (auto piece = co_await form.read()) all += *piece;
    }
    task<> check(ending) override {
        co_await wait();
        EXPECT_NE(all.find("what is in it"), std::string::npos);
        EXPECT_EQ(all.size(), form.size());
        EXPECT_TRUE(form.rewind());
    }
};
struct reading_file_content final : scene {
    temporary_directory directory;
    std::unique_ptr<http::content> content;
    task<> prepare() override {
        put(directory / "file", "what is in it");
        content = co_await http::file_content(directory / "file");
    }
    task<> wait() override {
        EXPECT_TRUE(content->rewind());
        std::string all;
        while (auto piece = co_await content->read()) all += *piece;
        EXPECT_EQ(all, "what is in it");
    }
    task<> check(ending) override { co_await wait(); }
};

// ---- on the way to a connection

/// Something that was asked to let a connection through, and has not answered yet.
struct behind_a_proxy : scene {
    virtual task<> agree(stream_reader& reader, stream_writer& writer) = 0;
    virtual std::string proxy_url(std::uint16_t port) const = 0;
    virtual std::string url() const { return "http://far.example/a"; }
    event gate;
    std::size_t asked = 0;
    std::optional<server> serving;
    std::optional<http::client> client;

    task<> serve(stream_reader reader, stream_writer writer) {
        writer.set_linger(50ms);
        auto agreed = co_await (agree(reader, writer) | as_result);
        if (!agreed) co_return;
        for (;;) {
            auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
            if (!head || !*head) co_return;
            auto written = co_await (writer.write(ok("from far away")) | as_result);
            if (!written) co_return;
        }
    }
    task<> prepare() override {
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
        const std::string at = proxy_url(serving->address().port());
        client.emplace(http::client_options{.proxy = at});
    }
    bool begun() const override { return asked != 0; }
    void trigger() override { gate.set(); }
    task<> wait() override {
        auto response = co_await client->get(url());
        EXPECT_EQ(co_await response.text(), "from far away");
    }
    /// No connection that was half made stays, and the next gets through.
    task<> check(ending how) override {
        gate.set();
        if (how != ending::stands) {
            EXPECT_EQ(client->open_connections(), 0u);
        }
        co_await wait();
        EXPECT_EQ(client->open_connections(), 1u);
    }
};
struct through_socks final : behind_a_proxy {
    std::string proxy_url(std::uint16_t port) const override { return "socks5h://127.0.0.1:" + std::to_string(port); }
    task<> agree(stream_reader& reader, stream_writer& writer) override {
        co_await reader.read_exactly(3);
        co_await writer.write(std::string_view{"\5\0", 2});
        co_await reader.read_exactly(5 + 11 + 2);
        ++asked;
        co_await gate.wait();
        co_await writer.write(std::string_view{"\5\0\0\1\0\0\0\0\0\0", 10});
    }
};
/// What is behind it turns out not to speak TLS: by then the tunnel is there.
struct through_connect final : behind_a_proxy {
    std::string proxy_url(std::uint16_t port) const override { return "http://127.0.0.1:" + std::to_string(port); }
    std::string url() const override { return "https://far.example/a"; }
    task<> agree(stream_reader& reader, stream_writer& writer) override {
        co_await reader.read_until("\r\n\r\n");
        ++asked;
        co_await gate.wait();
        co_await writer.write("HTTP/1.1 200 Go\r\n\r\n");
        auto hello = co_await (reader.read() | as_result);
        (void)hello;
        co_await writer.write(std::string_view{"\x15\x03\x03\0\2\2\x28", 7});
        throw std::runtime_error("that was all");
    }
    task<> wait() override {
        auto failed = co_await failure_of<http::tls_error>(client->get(url()));
        EXPECT_NE(failed.find("handshake failure"), std::string::npos) << failed;
    }
    task<> check(ending) override {
        gate.set();
        co_await wait();
        EXPECT_EQ(client->open_connections(), 0u);
    }
};

/// The second request to an origin waits for what the first one's connection will turn out to speak.
struct waiting_for_the_outcome final : scene {
    std::optional<server> serving;
    std::optional<http::client> client;
    event gate;
    std::size_t connections = 0;
    std::string url;
    task_group first;
    task<> serve(stream_reader reader, stream_writer writer) {
        ++connections;
        auto hello = co_await (reader.read() | as_result);
        (void)hello;
        co_await gate.wait();
        auto written = co_await (writer.write(std::string_view{"\x15\x03\x03\0\2\2\x28", 7}) | as_result);
        (void)written;
    }
    task<> get() {
        auto failed = co_await failure_of<http::tls_error>(client->get(url));
        EXPECT_NE(failed.find("handshake failure"), std::string::npos) << failed;
    }
    task<> prepare() override {
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
        url = "https://localhost:" + std::to_string(serving->address().port()) + "/";
        client.emplace(http::client_options{.proxy_from_environment = false});
        first.spawn(get());
        while (connections == 0) co_await yield();
    }
    void trigger() override { gate.set(); }
    task<> wait() override { return get(); }
    task<> check(ending) override {
        gate.set();
        co_await first.join();
        co_await get();
        EXPECT_EQ(client->open_connections(), 0u);
    }
};

// ---- files of its own

template <class Store>
struct with_store : scene {
    temporary_directory directory;
    Store store;
    static void fill(http::cookie_jar& jar) {
        jar.set({.name = "one", .value = "two", .domain = "host.example", .expires = 4'000'000'000});
    }
    static void fill(http::hsts_store& known) { known.set({.host = "host.example"}); }
    static std::size_t count(const Store& in) { return in.all().size(); }
    /// Nothing but the file itself stays.
    void look() const {
        std::size_t files = 0;
        for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(directory.string())) ++files;
        EXPECT_LE(files, 1u);
    }
};
template <class Store>
struct loading final : with_store<Store> {
    task<> prepare() override {
        Store full;
        this->fill(full);
        co_await full.save(this->directory / "file");
    }
    task<> wait() override {
        const auto taken = co_await this->store.load(this->directory / "file");
        EXPECT_EQ(taken, 1u);
    }
    task<> check(ending how) override {
        EXPECT_EQ(this->count(this->store), how == ending::stands ? 1u : 0u);
        co_await wait();
        EXPECT_EQ(this->count(this->store), 1u);
    }
};
template <class Store>
struct saving final : with_store<Store> {
    task<> prepare() override {
        put(this->directory / "file", "# old\n");
        this->fill(this->store);
        co_return;
    }
    task<> wait() override { co_await this->store.save(this->directory / "file"); }
    task<> check(ending how) override {
        const std::string now = content_of(this->directory / "file");
        const bool whole = now.find("host.example") != std::string::npos;
        EXPECT_TRUE(whole || now == "# old\n") << now;
        if (how == ending::stands) {
            EXPECT_TRUE(whole);
        }
        co_await wait();
        this->look();
        Store again;
        const auto taken = co_await again.load(this->directory / "file");
        EXPECT_EQ(taken, 1u);
    }
};

// ---- pauses, and what is read whole

struct reading_json final : scene {
    std::optional<server> serving;
    std::optional<http::client> client;
    std::optional<http::response> response;
    event gate;
    std::string url;
    task<> serve(stream_reader reader, stream_writer writer) {
        writer.set_linger(50ms);
        for (;;) {
            auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
            if (!head || !*head) co_return;
            co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"a\": ");
            co_await gate.wait();
            co_await writer.write("[1, 2]}");
        }
    }
    task<> prepare() override {
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        serving.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
        url = "http://127.0.0.1:" + std::to_string(serving->address().port()) + "/";
        client.emplace(http::client_options{.proxy_from_environment = false});
        response.emplace(co_await client->get(url));
    }
    void trigger() override { gate.set(); }
    task<> wait() override {
        auto value = co_await http::read_json(*response);
        EXPECT_EQ(value["a"].size(), 2u);
    }
    task<> check(ending) override {
        trigger();
        response.reset();
        response.emplace(co_await client->get(url));
        co_await wait();
    }
};

/// The server is busy, and wants to be asked again a second later; a request to another place is not held up meanwhile.
struct pausing_before_a_retry final : scene {
    scripted_server server{[this](const seen_request& asked) -> reply {
        if (asked.target() != "/busy" || ready) return {ok("body")};
        return {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"};
    }};
    bool ready = false;
    std::optional<http::client> client;
    task<> prepare() override {
        co_await server.start();
        client.emplace(http::client_options{.retries = 1, .retry_delay = 60ms, .retry_budget = 1, .proxy_from_environment = false});
    }
    bool begun() const override { return !server.requests.empty() && client->idle_connections() == 1; }
    void trigger() override { ready = true; }
    task<> wait() override {
        auto response = co_await client->get(server.url("/busy"));
        EXPECT_EQ(co_await response.text(), "body");
    }
    task<> check(ending) override {
        ready = true;
        auto again = co_await client->get(server.url("/other"));
        EXPECT_EQ(co_await again.text(), "body");
        EXPECT_EQ(client->open_connections(), 1u);
    }
};

// ---- a job that is steered

struct with_job : scene {
    scripted_server server{[](const seen_request& asked) { return reply{ok("content of " + asked.target())}; }};
    temporary_directory directory;
    std::optional<downloader> job;
    std::optional<download_handle> one;
    http::client_options direct{.proxy_from_environment = false};
    void make() {
        const std::string into = directory.string();
        job.emplace(download_options{.directory = into, .http = &direct});
        one.emplace(job->add({server.url("/a"), {}, {}}));
        job->close();
    }
    task<> prepare() override {
        co_await server.start();
        server.gated = true;
        make();
    }
    bool begun() const override { return !server.requests.empty(); }
    void trigger() override { server.gate.set(); }
    void look(const std::string& name) const {
        for (const auto& each : std::filesystem::directory_iterator(directory.string())) EXPECT_EQ(each.path().filename(), name);
        EXPECT_EQ(content_of(directory / name), "content of /" + name);
    }
};
struct running_a_job final : with_job {
    task<> wait() override {
        auto report = co_await job->run();
        EXPECT_TRUE(report.ok());
    }
    task<> check(ending) override {
        trigger();
        make();
        co_await wait();
        look("a");
        auto report = co_await one->wait();
        EXPECT_TRUE(report.ok()) << report.error;
    }
};
struct waiting_for_a_file final : with_job {
    task_group running;
    static task<> run(downloader& all) {
        auto report = co_await all.run();
        EXPECT_TRUE(report.ok());
    }
    task<> prepare() override {
        co_await with_job::prepare();
        running.spawn(run(*job));
    }
    task<> wait() override {
        auto report = co_await one->wait();
        EXPECT_TRUE(report.ok()) << report.error;
    }
    task<> check(ending) override {
        trigger();
        co_await running.join();
        co_await wait();
        look("a");
    }
};

}  // namespace

std::vector<matrix_row> http_client_rows() {
    constexpr auto group = "HTTP client";
    constexpr auto stream = "its stream alone is reset, the connection serves the next request";
    auto retrying = waiting_row<pausing_before_a_retry>(group, "client::get, before its next attempt", "the connection is free meanwhile, and serves the next request");
    retrying.is.ends_itself = false;
    return {
        waiting_row<getting_http2>(group, "client::get, HTTP/2", stream),
        waiting_row<reading_http2>(group, "body::read, HTTP/2", "no byte is lost; may be called again; the connection serves the next request"),
        waiting_row<uploading_http2>(group, "client::request with content, HTTP/2", stream),
        waiting_row<uploading_chunks>(group, "client::request with content, chunked", "the content can be sent again, by another connection"),
        call_row<reading_a_multipart>(group, "multipart::read", "it can be read again from its beginning"),
        call_row<reading_file_content>(group, "file_content, read", "it can be read again from its beginning"),
        waiting_row<through_connect>(group, "client::get through an HTTP proxy", "nothing stays open; the next request gets through"),
        waiting_row<through_socks>(group, "client::get through a SOCKS5 proxy", "nothing stays open; the next request gets through"),
        waiting_row<waiting_for_the_outcome>(group, "client::get, before it is known what the server speaks", "the first request goes on"),
        call_row<loading<http::cookie_jar>>(group, "cookie_jar::load", "nothing is added; may be called again"),
        call_row<saving<http::cookie_jar>>(group, "cookie_jar::save", "the name stands for the old content or the new one; no other file stays"),
        call_row<loading<http::hsts_store>>(group, "hsts_store::load", "nothing is added; may be called again"),
        call_row<saving<http::hsts_store>>(group, "hsts_store::save", "the name stands for the old content or the new one; no other file stays"),
        waiting_row<reading_json>(group, "read_json", "the client serves the next request"),
        retrying,
        waiting_row<running_a_job>(group, "downloader::run", "handles tell what was reached; no temporary file stays behind a later job"),
        waiting_row<waiting_for_a_file>(group, "download_handle::wait", "the file goes on; may be called again"),
    };
}

}  // namespace leat::testing
