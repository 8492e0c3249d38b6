#pragma once
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "leat/log/log.hpp"
#include "leat/net/server.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/timeout.hpp"
#include "leat/tls/connection.hpp"
#include "leat/tls/context.hpp"
#include "support/raw_socket.hpp"
#include "support/run.hpp"
#include "tls_support.hpp"

/// leat at both ends of a secured connection.
namespace leat::tls_test {

inline const certificates& files() { return certificates::instance(); }
inline tls::server_options serving() { return {.certificate = files().good, .key = files().key}; }
inline tls::client_options trusting() { return {.ca_file = files().authority}; }

/// Answers each line with itself; at the end of them ends its own side, too.
inline task<> echo_lines(stream_reader reader, stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

/// What the server knows of the connections, in their order.
struct witness {
    std::vector<tls::session> sessions;
    task<> echo(stream_reader reader, stream_writer writer) {
        sessions.push_back(tls::session_of(reader).value());
        co_await echo_lines(std::move(reader), std::move(writer));
    }
};

/// Opens, sends a line, takes it back, closes. What the client knows of the session.
inline task<tls::session> exchange(std::uint16_t port, const tls::context& context, std::string server_name = "localhost") {
    auto [reader, writer] = co_await open_connection({"127.0.0.1", port}, {.tls = &context, .server_name = server_name});
    co_await writer.write("hello\n");
    auto line = co_await reader.read_line();
    if (line.value_or("") != "hello\n") throw std::runtime_error("no echo");
    tls::session session = tls::session_of(reader).value();
    co_await writer.close();
    co_return session;
}

/// The error's text with its kind in front; "" if there is none.
inline std::string text_of(const std::exception_ptr& error) {
    if (!error) return "";
    try {
        std::rethrow_exception(error);
    } catch (const tls::certificate_error& e) {
        return std::string{"certificate: "} + e.what();
    } catch (const tls::handshake_error& e) {
        return std::string{"handshake: "} + e.what();
    } catch (const tls::truncated_error& e) {
        return std::string{"truncated: "} + e.what();
    } catch (const tls::error& e) {
        return std::string{"tls: "} + e.what();
    } catch (const timeout_error& e) {
        return std::string{"timeout: "} + e.what();
    } catch (const cancelled&) {
        return "cancelled";
    } catch (const std::exception& e) {
        return std::string{"other: "} + e.what();
    }
}

template <class T>
task<std::string> outcome_of(task<T> what) {
    try {
        (void)co_await std::move(what);
    } catch (...) {
        co_return text_of(std::current_exception());
    }
    co_return "";
}
template <>
inline task<std::string> outcome_of(task<> what) {
    try {
        co_await std::move(what);
    } catch (...) {
        co_return text_of(std::current_exception());
    }
    co_return "";
}

template <class T>
task<T> limited(duration limit, task<T> what) {
    co_return co_await timeout(limit, std::move(what));
}

/// The same, of what may take so long and no longer.
template <class T>
task<std::string> outcome_within(duration limit, task<T> what) {
    return outcome_of(limited(limit, std::move(what)));
}

/// What is logged while it lives.
class listening_to_the_log {
public:
    listening_to_the_log() { ::testing::internal::CaptureStderr(); }
    ~listening_to_the_log() {
        if (!taken_) take();
    }
    std::string take() {
        taken_ = true;
        log::setup();  // waits for what was logged
        return ::testing::internal::GetCapturedStderr();
    }

private:
    bool taken_ = false;
};

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace leat::tls_test
