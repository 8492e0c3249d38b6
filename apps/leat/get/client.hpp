#pragma once
#include "get/arguments.hpp"
#include "leat/http/client.hpp"

namespace tool {

/// What the command line says about HTTP, TLS and proxies, as the library takes it; views into `asked`.
leat::http::client_options client_options_of(const get_arguments& asked);
/// The rest of it. `http` is to live until the options have been read.
leat::download_options download_options_of(const get_arguments& asked, const leat::http::client_options& http);

}  // namespace tool
