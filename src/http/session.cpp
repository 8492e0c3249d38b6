#include "http/session.hpp"

namespace leat::detail {

http_session::http_session(const http::client_options&) {}

task<> http_session::load() { co_return; }
void http_session::prepare(http_request&, http::url&) {}
void http_session::learn(const http::url&, const http_exchange&) {}
bool http_session::answer_challenge(http_request&, const http::url&, const http_exchange&) { return false; }

}  // namespace leat::detail
