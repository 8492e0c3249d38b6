#pragma once
#include <optional>

#include "leat/tls/context.hpp"
#include "unit/tls_support.hpp"

namespace leat::testing {

inline tls::server_options served_by_test() {
    const auto& files = tls_test::certificates::instance();
    return {.certificate = files.good, .key = files.key};
}
inline tls::client_options trusting_the_test() { return {.ca_file = tls_test::certificates::instance().authority}; }

/// Read once for all the scenes of a process: a hundred connections need no hundred contexts.
inline task<tls::context> shared_server_context() {
    static std::optional<tls::context> made;
    if (!made) made.emplace(co_await tls::context::server(served_by_test()));
    co_return *made;
}
inline task<tls::context> shared_client_context() {
    static std::optional<tls::context> made;
    if (!made) made.emplace(co_await tls::context::client(trusting_the_test()));
    co_return *made;
}

}  // namespace leat::testing
