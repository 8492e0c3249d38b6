#pragma once
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "leat/net/server.hpp"
#include "leat/sync/event.hpp"
#include "leat/task/sleep.hpp"

namespace leat::testing {

/// What the server does with one request.
struct reply {
    enum class then : unsigned char { keep, close, hold };
    std::string bytes;
    then after = then::keep;  // hold: says nothing more, and waits for the client to leave
};

/// A request as it came.
struct seen_request {
    std::size_t connection;  // the first is 0
    std::string head;
    std::string body;

    std::string target() const {
        const auto start = head.find(' ') + 1;
        return head.substr(start, head.find(' ', start) - start);
    }
    std::string method() const { return head.substr(0, head.find(' ')); }
    std::string field(std::string_view name) const {
        const auto at = head.find("\r\n" + std::string{name} + ": ");
        if (at == std::string::npos) return {};
        const auto start = at + 4 + name.size();
        return head.substr(start, head.find('\r', start) - start);
    }
};

inline std::string ok(std::string_view body, std::string_view more_fields = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string{more_fields} + "\r\n" + std::string{body};
}
inline std::string moved(int status, std::string_view location) {
    return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + std::string{location} + "\r\nContent-Length: 0\r\n\r\n";
}

/// An HTTP server that does what a test tells it, however wrong that is.
class scripted_server {
public:
    explicit scripted_server(std::function<reply(const seen_request&)> answer) : answer_(std::move(answer)) {}

    task<> start() {
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        server_.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
    }
    std::string url(std::string_view target) const { return "http://127.0.0.1:" + std::to_string(port()) + std::string{target}; }
    std::uint16_t port() const { return server_->address().port(); }

    std::vector<seen_request> requests;
    std::size_t connections = 0;
    std::size_t open = 0;
    std::size_t most_open = 0;
    event gate;           // replies wait for it while `gated`
    bool gated = false;

private:
    task<> serve(stream_reader reader, stream_writer writer) {
        const std::size_t number = connections++;
        most_open = std::max(most_open, ++open);
        struct leaving {
            ~leaving() { --count; }
            std::size_t& count;
        } at_the_end{open};
        writer.set_linger(std::chrono::milliseconds{50});
        for (;;) {
            auto head = co_await (reader.read_until("\r\n\r\n") | as_result);
            if (!head || !*head) co_return;
            seen_request request{number, std::string{**head}, {}};
            if (const auto length = request.field("Content-Length"); !length.empty()) {
                auto body = co_await reader.read_exactly(std::stoul(length));
                request.body = body;
            }
            requests.push_back(request);
            const reply said = answer_(request);
            if (gated) co_await gate.wait();
            auto written = co_await (writer.write(said.bytes) | as_result);
            if (!written) co_return;
            if (said.after == reply::then::close) {
                auto closed = co_await (writer.close() | as_result);
                (void)closed;
                co_return;
            }
            if (said.after == reply::then::hold) {
                for (;;) {
                    auto more = co_await (reader.read() | as_result);
                    if (!more || !*more) co_return;
                }
            }
        }
    }

    std::function<reply(const seen_request&)> answer_;
    std::optional<server> server_;
};

/// What an awaited task fails with: its text if it is of this type, else what happened instead.
template <class Error, class T>
task<std::string> failure_of(task<T> tried) {
    auto done = co_await (std::move(tried) | as_result);
    if (done) co_return std::string{"no error"};
    try {
        std::rethrow_exception(done.error().exception());
    } catch (const Error& e) {
        co_return std::string{e.what()};
    } catch (const std::exception& e) {
        co_return std::string{"another type of error: "} + e.what();
    }
}

}  // namespace leat::testing
