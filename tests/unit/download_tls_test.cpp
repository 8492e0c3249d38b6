// Which failures of TLS a download tries again: a handshake that was broken off is like a connection that was; what the peer says is final.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <ostream>
#include <string_view>

#include "leat/download/download.hpp"
#include "leat/http/client.hpp"
#include "leat/http/error.hpp"
#include "leat/net/server.hpp"
#include "leat/task/group.hpp"
#include "leat/task/to_thread.hpp"
#include "leat/tls/connection.hpp"
#include "leat/tls/context.hpp"
#include "leat/tls/error.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"
#include "support/temporary.hpp"
#include "tls_support.hpp"

namespace leat {
namespace {

using testing::content_of;
using testing::failure_of;
using testing::in_loop;
using testing::raw_listener;
using testing::raw_socket;
using testing::temporary_directory;
using tls_test::certificates;
using ::testing::HasSubstr;
using namespace std::chrono_literals;
using namespace std::string_view_literals;

/// What the peer does to a connection instead of a handshake.
struct breaking {
    const char* name;
    bool listens;           // to the client's hello, first
    std::string_view says;
    bool resets;            // rather than closes
};
void PrintTo(const breaking& how, std::ostream* out) { *out << how.name; }

constexpr std::string_view begun_hello = "\x16\x03\x03\x00\x7a\x02\x00\x00"sv;
constexpr breaking broken_off[] = {
    {"closes at once", false, {}, false},
    {"closes after the hello", true, {}, false},       {"resets after the hello", true, {}, true},
    {"closes in its hello", true, begun_hello, false}, {"resets in its hello", true, begun_hello, true},
};
constexpr breaking refused[] = {
    {"sends an alert", true, "\x15\x03\x03\x00\x02\x02\x28"sv, false},
    {"speaks plain HTTP", true, "HTTP/1.1 400 Bad Request\r\n\r\n"sv, false},
};

/// A peer whose first connections break, and which then serves files over TLS.
class breaking_peer {
public:
    std::uint16_t port() const { return listener_.port(); }
    std::string url() const { return "https://127.0.0.1:" + std::to_string(port()) + "/file"; }

    /// Until so many were broken, and from then on a server; or until end().
    task<> serve(breaking how, int times) {
        co_await to_thread(break_some, &listener_, how, times, &broken_);
        if (broken_ != times) co_return;
        auto context = co_await tls::context::server({.certificate = certificates::instance().good, .key = certificates::instance().key});
        auto handler = [](stream_reader reader, stream_writer writer) { return answer(std::move(reader), std::move(writer)); };
        server_.emplace(co_await start_server_on(handler, ::fcntl(listener_.fd(), F_DUPFD_CLOEXEC, 0), {.tls = &context}));
    }
    void end() const { ::shutdown(listener_.fd(), SHUT_RDWR); }  // wakes who accepts
    /// Once serve() is over.
    int broken() const { return broken_; }

private:
    static void break_some(const raw_listener* at, breaking how, int times, int* broken) {
        try {
            for (; *broken < times; ++*broken) {
                raw_socket client = at->accept();
                if (how.listens) client.receive();
                client.send(how.says);
                if (how.resets) client.reset();
            }
        } catch (const std::runtime_error&) {
            // It was ended.
        }
    }
    static task<> answer(stream_reader reader, stream_writer writer) {
        auto head = co_await reader.read_until("\r\n\r\n");
        if (head) co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole");
        co_await writer.close();
    }

    raw_listener listener_;
    int broken_ = 0;
    std::optional<server> server_;
};

constexpr int for_ever = 1000;

struct outcome {
    download_report report;
    int broken = 0;
    std::string content;
};
task<> download_from(breaking how, int times, outcome& came) {
    temporary_directory directory;
    breaking_peer peer;
    task_group group;
    group.spawn(peer.serve(how, times));
    std::vector<std::string> urls{peer.url()};
    const std::string authority = certificates::instance().authority;
    came.report = co_await download(urls, {.directory = directory.string(), .retries = 3, .retry_delay = 1ms, .ca_file = authority});
    peer.end();
    co_await group.join();
    came.broken = peer.broken();
    if (came.report.ok()) came.content = content_of(directory / "file");
}

class broken_handshakes : public ::testing::TestWithParam<breaking> {};
INSTANTIATE_TEST_SUITE_P(all, broken_handshakes, ::testing::ValuesIn(broken_off));

TEST_P(broken_handshakes, are_tried_again) {
    outcome came;
    in_loop(download_from(GetParam(), 3, came));
    EXPECT_TRUE(came.report.ok()) << came.report.files[0].error;
    EXPECT_EQ(came.content, "whole");
    EXPECT_EQ(came.broken, 3);
}

TEST(download_tls, a_connection_that_is_reset_at_once_is_tried_again) {
    outcome came;
    in_loop(download_from({"resets at once", false, {}, true}, 3, came));  // before the handshake, or in it
    EXPECT_TRUE(came.report.ok()) << came.report.files[0].error;
    EXPECT_EQ(came.broken, 3);
}

TEST_P(broken_handshakes, are_not_tried_for_ever) {
    outcome came;
    in_loop(download_from(GetParam(), for_ever, came));
    EXPECT_EQ(came.broken, 4);
    EXPECT_EQ(came.report.files[0].why, failure_class::tls) << came.report.files[0].error;
    EXPECT_THAT(came.report.files[0].error, HasSubstr("during the handshake"));
}

task<> rethrow(std::exception_ptr why) {
    std::rethrow_exception(std::move(why));
    co_return;
}

task<> get_from(breaking how, int times, unsigned retries, std::string& came) {
    breaking_peer peer;
    task_group group;
    group.spawn(peer.serve(how, times));
    const std::string authority = certificates::instance().authority;
    http::client http({.retries = retries, .retry_delay = 1ms, .ca_file = authority});
    auto response = co_await (http.get(peer.url()) | as_result);
    if (response) {
        auto text = co_await response->text();
        came = text;
    } else {
        came = co_await failure_of<http::tls_error>(rethrow(response.error().exception()));
    }
    peer.end();
    co_await group.join();
}
TEST_P(broken_handshakes, are_tried_again_by_a_client_that_may) {
    std::string came;
    in_loop(get_from(GetParam(), 2, 2, came));
    EXPECT_EQ(came, "whole");
    in_loop(get_from(GetParam(), 2, 1, came));
    EXPECT_THAT(came, HasSubstr("during the handshake"));
    EXPECT_THAT(came, Not(HasSubstr("another type")));
}

class refused_handshakes : public ::testing::TestWithParam<breaking> {};
INSTANTIATE_TEST_SUITE_P(all, refused_handshakes, ::testing::ValuesIn(refused));

TEST_P(refused_handshakes, are_final) {
    outcome came;
    in_loop(download_from(GetParam(), for_ever, came));
    EXPECT_EQ(came.broken, 1);
    EXPECT_EQ(came.report.files[0].why, failure_class::tls) << came.report.files[0].error;
    std::string text;
    in_loop(get_from(GetParam(), for_ever, 2, text));
    EXPECT_THAT(text, HasSubstr(GetParam().says.starts_with("HTTP") ? "plain HTTP" : "refused the handshake"));
}

task<> from_a_stranger(std::size_t& connections, download_report& report) {
    temporary_directory directory;
    auto context = co_await tls::context::server({.certificate = certificates::instance().stranger, .key = certificates::instance().key});
    // In the handlers' place: what accepts counts also those whose handshake fails.
    auto handler = [](stream_reader, stream_writer) -> task<> { co_return; };
    auto server = co_await start_server(handler, {"127.0.0.1", 0}, {.tls = &context});
    std::vector<std::string> urls{"https://localhost:" + std::to_string(server.address().port()) + "/file"};
    const std::string authority = certificates::instance().authority;
    report = co_await download(urls, {.directory = directory.string(), .retries = 3, .retry_delay = 1ms, .ca_file = authority});
    connections = server.statistics().accepted;
}
TEST(download_tls, a_certificate_that_is_not_trusted_is_final) {
    std::size_t connections = 0;
    download_report report;
    in_loop(from_a_stranger(connections, report));
    EXPECT_EQ(connections, 1u);
    EXPECT_EQ(report.files[0].why, failure_class::tls) << report.files[0].error;
}

/// In the words of TLS itself it is what it was.
task<> direct(breaking how, std::string& text) {
    breaking_peer peer;
    task_group group;
    group.spawn(peer.serve(how, 1));
    text = co_await failure_of<tls::handshake_error>(tls::open_connection({"127.0.0.1", peer.port()}));
    co_await group.join();
}
TEST_P(broken_handshakes, are_errors_of_the_handshake) {
    std::string text;
    in_loop(direct(GetParam(), text));
    EXPECT_THAT(text, HasSubstr("during the handshake"));
    EXPECT_THAT(text, Not(HasSubstr("another type")));
}

}  // namespace
}  // namespace leat
