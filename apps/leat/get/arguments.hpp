#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "leat/download/download.hpp"
#include "leat/http/client.hpp"
#include "leat/io/duration.hpp"

namespace tool {

/// What the command line of `leat get` says. Texts are as they were typed, but for those that `check_arguments` turns into what they mean.
struct get_arguments {
    // What
    std::vector<std::string> urls;
    std::vector<std::string> lists;
    std::string input_format = "auto";
    std::vector<std::string> metalinks;  // files and URLs
    std::vector<std::string> mirrors;
    bool no_glob = false;
    bool from_queue = false;  // see queue/worker.hpp

    // Where to
    std::string directory = ".";
    std::string output;
    bool content_disposition = false;
    bool mirror_path = false;
    std::string existing_text = "overwrite";
    bool resume = true;
    std::string journal;
    bool sync = false;
    bool preallocate = true;

    // What it has to be
    std::string checksum;
    std::vector<std::string> checksum_files;
    bool ignore_digests = false;

    // How
    std::size_t jobs = 32;
    std::size_t per_host = 16;
    std::string segments_text = "auto";
    std::string segment_size_text;
    unsigned retries = 3;
    leat::duration retry_delay = std::chrono::milliseconds{500};
    std::size_t max_redirects = 20;

    std::string max_rate_text;
    std::string max_rate_per_host_text;
    std::string max_rate_per_file_text;
    double starts_per_second = 0;
    std::string min_rate_text;
    leat::duration min_rate_time = std::chrono::seconds{30};

    leat::duration timeout{};
    leat::duration connect_timeout = std::chrono::seconds{30};
    leat::duration stall_timeout = std::chrono::seconds{30};

    // HTTP
    std::vector<std::string> headers;
    std::string referer;
    std::string user_agent = "leat/" LEAT_VERSION;
    std::string user_and_password;
    std::string bearer;
    std::string auth_text = "auto";
    std::string netrc;  // empty: none; "default": the user's
    std::string cookies;
    std::string save_cookies;
    std::string hsts;
    std::string proxy;
    bool no_proxy_given = false;
    std::string no_proxy;
    bool http1 = false;
    bool http2 = false;

    // TLS
    std::string ca_file;
    std::string certificate;
    std::string key;
    bool insecure = false;

    // What is told
    bool quiet = false;
    bool no_progress = false;
    bool table = false;
    std::string events;
    std::string report;
    std::string on_done;
    std::string dry_run;  // empty: no; "plan": without a request; "ask": the servers are asked

    // What check_arguments makes of the texts.
    leat::existing_file existing = leat::existing_file::overwrite;
    std::size_t segments = 0;
    std::uint64_t segment_size = 16 * 1024 * 1024;
    std::uint64_t max_rate = 0;
    std::uint64_t max_rate_per_host = 0;
    std::uint64_t max_rate_per_file = 0;
    std::uint64_t min_rate = 0;
    leat::http::headers header_fields;
    std::string user;
    std::string password;
    leat::http::credentials::scheme scheme = leat::http::credentials::scheme::automatic;
};

/// Reads the texts, and refuses what does not go together. Throws CLI::ValidationError; no message holds a password.
void check_arguments(get_arguments& asked);

}  // namespace tool
