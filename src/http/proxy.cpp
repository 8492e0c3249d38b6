#include "http/proxy.hpp"

namespace leat::detail {

proxy_choice::proxy_choice(const http::client_options&) {}

const proxy_server* proxy_choice::choose(const http::url&) const { return nullptr; }

task<tcp_stream*> open_through(const proxy_server&, endpoint, bool, const tls_client_settings&) { co_return nullptr; }

}  // namespace leat::detail
