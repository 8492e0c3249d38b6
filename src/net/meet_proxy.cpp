#include "net/meet_proxy.hpp"

#include "leat/log/log.hpp"
#include "leat/task/timeout.hpp"
#include "net/proxy_protocol.hpp"

namespace leat::detail {
namespace {

/// Exactly the header's bytes are taken, as many at a time as it is known to need. Throws incomplete_read.
task<proxy_header> read_header(stream_reader& reader, std::string& bytes) {
    proxy_header header = parse_proxy_header(bytes);
    while (header.found == proxy_header::state::incomplete) {
        const auto more = co_await reader.read_exactly(header.size - bytes.size());
        bytes.append(more);
        header = parse_proxy_header(bytes);
    }
    co_return header;
}

}  // namespace

task<meeting> meet_proxy(stream_reader& reader, tcp_stream& stream, const proxy_settings& settings) {
    if (settings.wanted == proxy_protocol::off) co_return meeting::served;
    const address real = stream.peer();
    if (!settings.trusted.empty() && !settings.trusted.contains(real)) {
        if (settings.wanted == proxy_protocol::from_trusted) co_return meeting::served;
        log::warn("proxy header of {}: not one of the trusted proxies; closing", stream.subject());
        co_return meeting::refused;
    }
    const duration limit = settings.timeout > duration::zero() ? settings.timeout : std::chrono::hours{24 * 365};
    std::string bytes;
    auto received = co_await (timeout(limit, read_header(reader, bytes)) | as_result);
    std::string wrong;
    if (received) {
        if (received->found == proxy_header::state::complete) {
            if (!received->client.empty()) stream.set_proxied(received->client);
            co_return meeting::served;
        }
        wrong = received->wrong;
    } else {
        try {
            std::rethrow_exception(received.error().exception());
        } catch (const incomplete_read& e) {
            if (bytes.empty() && e.received() == 0) co_return meeting::left;
            wrong = "the connection ended within it";
        } catch (const std::exception& e) {
            wrong = e.what();
        }
    }
    log::warn("proxy header of {}: {}; closing", stream.subject(), wrong);
    co_return meeting::refused;
}

}  // namespace leat::detail
