// How much at once, how fast, how often, how long.
#include <CLI/CLI.hpp>

#include "get/arguments.hpp"
#include "get/options.hpp"
#include "seconds_option.hpp"

namespace tool {

void add_transfer_options(CLI::App& to, get_arguments& asked) {
    const auto group = "Transfer";
    const auto positive = CLI::Range(std::size_t{1}, std::size_t{1'000'000});
    to.add_option("-j,--jobs", asked.jobs, "Files fetched at once (default 32)")->option_text("N")->check(positive)->group(group);
    to.add_option("--per-host", asked.per_host, "Connections to one host at once; hosts take turns (default 16)")->option_text("N")->check(positive)->group(group);
    to.add_option("--segments", asked.segments_text, "Connections for one file: auto begins with one and adds more while that makes it faster; 1 never more (default auto)")
        ->option_text("auto|N")
        ->group(group);
    to.add_option("--segment-size", asked.segment_size_text, "No part of a file that has a connection of its own is smaller (default 16M)")->option_text("SIZE")->group(group);
    to.add_option("--retries", asked.retries,
                  "More attempts after a failure that may pass: connections, time-outs, 408, 429, 5xx; one that brought a fair part does not count (default 3)")
        ->option_text("N")
        ->check(CLI::Range(0u, 1'000'000u))
        ->group(group);
    add_seconds(to, "--retry-delay", asked.retry_delay, 0, "Before the first of them; doubles each time, up to 30; the server's Retry-After counts instead (default 0.5)")
        ->group(group);
    to.add_option("--max-redirects", asked.max_redirects, "Redirects followed for one file (default 20)")
        ->option_text("N")
        ->check(CLI::Range(std::size_t{0}, std::size_t{10'000}))
        ->group(group);
}

void add_rate_options(CLI::App& to, get_arguments& asked) {
    const auto group = "Rates";
    to.add_option("--max-rate", asked.max_rate_text, "Bytes a second, all files together: 500K, 2M (default: no limit)")->option_text("RATE")->group(group);
    to.add_option("--max-rate-per-host", asked.max_rate_per_host_text, "Bytes a second from one host")->option_text("RATE")->group(group);
    to.add_option("--max-rate-per-file", asked.max_rate_per_file_text, "Bytes a second of one file")->option_text("RATE")->group(group);
    to.add_option("--starts-per-second", asked.starts_per_second, "Requests begun in a second, all hosts together: 0.5 is one in two seconds")
        ->option_text("N")
        ->check(CLI::Range(0.0, 1e6))
        ->group(group);
    to.add_option("--min-rate", asked.min_rate_text, "A transfer that is slower is begun again where it stands")->option_text("RATE")->group(group);
    add_seconds(to, "--min-rate-time", asked.min_rate_time, 0.001, "Slower for so long (default 30)")->group(group);

    add_seconds(to, "--timeout", asked.timeout, 0, "For one file in all, retries included; 0: no limit (default 0)");
    add_seconds(to, "--connect-timeout", asked.connect_timeout, 0, "For name, connection and TLS handshake (default 30)");
    add_seconds(to, "--stall-timeout", asked.stall_timeout, 0, "Without a single byte (default 30)");
}

}  // namespace tool
