#pragma once
#include <string>
#include <string_view>

#include "queue/redis.hpp"

namespace CLI {
class App;
}

namespace tool {

/// Which queue, on which server: what `leat queue` and `leat get --queue` are told.
struct queue_place {
    redis::server_address server;
    std::string queue = "leat";
    std::string ca_file;
    bool insecure = false;
};

/// --queue-name, --queue-cacert and --queue-insecure.
void add_place_options(CLI::App& to, queue_place& place);

/// Takes the server's URL, or, if that is "", the one in the environment variable LEAT_QUEUE. Throws CLI::ValidationError, with nothing of the URL in it.
void set_server(queue_place& place, std::string_view url);

/// A client for a command that ends soon: it does not wait for a server that is not there.
redis::client client_for(const queue_place& place);
/// What such a client is made with.
redis::client_options client_options_for(const queue_place& place);

}  // namespace tool
