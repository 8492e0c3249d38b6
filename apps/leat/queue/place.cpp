#include "queue/place.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <stdexcept>

namespace tool {

void add_place_options(CLI::App& to, queue_place& place) {
    to.add_option("--queue-name", place.queue, "Which queue of the server (default leat)")->option_text("NAME")->group("Queue")->check([](const std::string& name) {
        const bool sound = !name.empty() && name.size() <= 200 && name.find_first_of(" \t\r\n") == std::string::npos;
        return sound ? std::string{} : std::string{"a queue's name has 1 to 200 bytes and no blanks"};
    });
    to.add_option("--queue-cacert", place.ca_file, "With rediss://: trust the authorities in this PEM file instead of the system's")
        ->option_text("FILE")
        ->check(CLI::ExistingFile)
        ->group("Queue");
    to.add_flag("--queue-insecure", place.insecure, "With rediss://: do not verify who the server is")->group("Queue");
}

void set_server(queue_place& place, std::string_view url) {
    const char* from_environment = std::getenv("LEAT_QUEUE");
    if (url.empty() && from_environment) url = from_environment;
    if (url.empty()) throw CLI::ValidationError("a Redis URL is required (redis://HOST:PORT), here or in LEAT_QUEUE");
    try {
        place.server = redis::parse_redis_url(url);
    } catch (const std::invalid_argument& e) {
        throw CLI::ValidationError(e.what());
    }
}

redis::client_options client_options_for(const queue_place& place) {
    redis::client_options options;
    options.name = "leat";
    options.ca_file = place.ca_file;
    options.insecure = place.insecure;
    return options;
}

redis::client client_for(const queue_place& place) {
    return redis::client{place.server, client_options_for(place)};
}

}  // namespace tool
