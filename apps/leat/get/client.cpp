#include "get/client.hpp"

namespace tool {

leat::http::client_options client_options_of(const get_arguments& asked) {
    leat::http::client_options options;
    options.connect_timeout = asked.connect_timeout;
    options.read_timeout = asked.stall_timeout;
    options.total_timeout = asked.timeout;
    options.max_redirects = asked.max_redirects;
    if (asked.http1) options.protocol = leat::http::protocol::http1;
    if (asked.http2) options.protocol = leat::http::protocol::http2;
    options.user_agent = asked.user_agent;
    options.credentials = {.user = asked.user, .password = asked.password, .how = asked.scheme};
    options.netrc = asked.netrc;
    options.proxy = asked.proxy;
    options.no_proxy = asked.no_proxy;
    options.ca_file = asked.ca_file;
    options.certificate = asked.certificate;
    options.key = asked.key;
    options.insecure = asked.insecure;
    return options;
}

leat::download_options download_options_of(const get_arguments& asked, const leat::http::client_options& http) {
    leat::download_options options;
    options.directory = asked.directory;
    options.jobs = asked.jobs;
    options.per_host = asked.per_host;
    options.retries = asked.retries;
    options.retry_delay = asked.retry_delay;
    options.connect_timeout = asked.connect_timeout;
    options.stall_timeout = asked.stall_timeout;
    options.timeout = asked.timeout;
    options.max_redirects = asked.max_redirects;
    options.ca_file = asked.ca_file;
    options.insecure = asked.insecure;
    options.user_agent = asked.user_agent;
    options.http = &http;
    options.resume = asked.resume;
    options.journal = asked.journal;
    options.sync = asked.sync;
    options.preallocate = asked.preallocate;
    options.existing = asked.existing;
    options.segments = asked.segments;
    options.segment_size = leat::bytes{static_cast<std::size_t>(asked.segment_size)};
    options.verify_digests = !asked.ignore_digests;
    options.content_disposition = asked.content_disposition;
    options.mirror_path = asked.mirror_path;
    options.max_rate = asked.max_rate;
    options.max_rate_per_host = asked.max_rate_per_host;
    options.max_rate_per_file = asked.max_rate_per_file;
    options.starts_per_second = asked.starts_per_second;
    options.min_rate = asked.min_rate;
    options.min_rate_time = asked.min_rate_time;
    return options;
}

}  // namespace tool
