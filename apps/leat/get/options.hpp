#pragma once

namespace CLI {
class App;
}

namespace tool {

struct get_arguments;

/// The options of `leat get`, in the order in which --help and the manual show them.
void add_input_options(CLI::App& to, get_arguments& asked);
void add_file_options(CLI::App& to, get_arguments& asked);
void add_transfer_options(CLI::App& to, get_arguments& asked);
void add_rate_options(CLI::App& to, get_arguments& asked);
void add_http_options(CLI::App& to, get_arguments& asked);
void add_proxy_and_tls_options(CLI::App& to, get_arguments& asked);
void add_display_options(CLI::App& to, get_arguments& asked);

}  // namespace tool
