#pragma once
#include <string>

#include "leat/http/client.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/group.hpp"
#include "leat/task/timeout.hpp"
#include "support/http2_peer.hpp"
#include "support/run.hpp"
#include "support/scripted_server.hpp"

/// What the tests of HTTP/2 against a server that is played frame by frame have in common.
namespace leat::http2_test {

/// HTTP/2 from the first byte, without TLS.
inline constexpr http::client_options clear{.protocol = http::protocol::http2, .proxy_from_environment = false};

inline task<std::string> fetch(http::client& http, std::string url) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    co_return co_await response.text();
}

/// Answers each request with its path.
inline task<> answer_all(testing::http2_peer& peer) {
    co_await peer.begin();
    while (auto request = co_await peer.next(testing::http2_frame::headers)) co_await peer.answer(request->stream, request->fields[":path"]);
}

}  // namespace leat::http2_test
