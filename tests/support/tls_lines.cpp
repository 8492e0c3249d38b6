// A server or a client of lines for tls_peers_test.py: one that a stranger's program talks to.
//   tls_lines serve CERTIFICATE KEY [CLIENT_CA]     prints its port; answers each line with itself; "STARTTLS" at first line is possible
//   tls_lines proxied CERTIFICATE KEY               the same behind a proxy: a PROXY header comes before TLS; "WHO": whose connection it is
//   tls_lines connect PORT CA NAME                  sends what comes on standard input, prints what comes back, to the end
//   tls_lines starttls PORT CA NAME                 the same, after a STARTTLS
#include <leat/leat.hpp>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

namespace {

/// The session in one line: version, protocol, resumed or new, name asked for, peer.
std::string about(const leat::tls::session& session) {
    return session.version + " " + (session.alpn.empty() ? "-" : session.alpn) + " " + (session.resumed ? "resumed" : "new") + " " +
           (session.server_name.empty() ? "-" : session.server_name) + " " + (session.peer_subject.empty() ? "-" : session.peer_subject) + "\n";
}

leat::task<> echo(leat::stream_reader reader, leat::stream_writer writer) {
    try {
        while (auto line = co_await reader.read_line()) {
            if (*line == "WHO\n") {
                const std::string text = writer.peer_address().to_string() + " by " + writer.proxy_address().to_string() + "\n";
                co_await writer.write(text);
            } else if (*line == "SESSION\n") {
                const std::string text = about(leat::tls::session_of(reader).value());
                co_await writer.write(text);
            } else {
                co_await writer.write(*line);
            }
        }
    } catch (const leat::tls::truncated_error&) {
        std::printf("truncated\n");
        std::fflush(stdout);
        throw;
    }
    co_await writer.close();
}

leat::task<> serve(std::vector<std::string> words) {
    leat::tls::server_options options{.certificate = words[0], .key = words[1]};
    const std::string_view protocols[] = {"h2", "http/1.1"};
    options.alpn = protocols;
    if (words.size() > 2) {
        options.client_certificates = leat::tls::client_certificates::required;
        options.client_ca_file = words[2];
    }
    const auto context = co_await leat::tls::context::server(options);
    auto handler = [&context](leat::stream_reader reader, leat::stream_writer writer) -> leat::task<> {
        auto first = co_await reader.read_line();
        if (first == "STARTTLS\n") {
            co_await writer.write("go ahead\n");
            co_await writer.start_tls(context);
        }
        co_await echo(std::move(reader), std::move(writer));
    };
    auto secured = co_await leat::start_server(echo, {"127.0.0.1", 0}, {.tls = &context});
    auto plain = co_await leat::start_server(handler, {"127.0.0.1", 0});
    std::printf("%d %d\n", secured.address().port(), plain.address().port());
    std::fflush(stdout);
    auto both = leat::gather(secured.serve_forever(), plain.serve_forever());
    co_await std::move(both);
}

leat::task<> serve_behind_a_proxy(std::vector<std::string> words) {
    const auto context = co_await leat::tls::context::server({.certificate = words[0], .key = words[1]});
    auto server = co_await leat::start_server(echo, {"127.0.0.1", 0}, {.proxy_protocol = leat::proxy_protocol::required, .tls = &context});
    std::printf("%d\n", server.address().port());
    std::fflush(stdout);
    co_await server.serve_forever();
}

leat::task<> print_all(leat::stream_reader& reader) {
    while (auto piece = co_await reader.read()) std::fwrite(piece->data(), 1, piece->size(), stdout);
    std::printf("end\n");
}

/// Says no end: asyncio throws away what it has yet to send when it hears one.
leat::task<> send_all(leat::stream_writer& writer, std::string input) { co_await writer.write(input); }

leat::task<int> connect(std::vector<std::string> words, bool in_place) {
    const auto context = co_await leat::tls::context::client({.ca_file = words[1]});
    const auto port = static_cast<std::uint16_t>(std::stoi(words[0]));
    std::string input;
    for (int c = 0; (c = std::getchar()) != EOF;) input += static_cast<char>(c);
    try {
        leat::connect_options options;
        options.tls = in_place ? nullptr : &context;
        options.server_name = words[2];
        auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", port}, options);
        if (in_place) {
            co_await writer.write("STARTTLS\n");
            auto answer = co_await reader.read_line();
            if (answer.value_or("") != "go ahead\n") throw std::runtime_error("no go");
            co_await writer.start_tls(context, {.server_name = words[2]});
        }
        const std::string text = about(leat::tls::session_of(reader).value());
        std::fwrite(text.data(), 1, text.size(), stdout);
        auto both = leat::gather(print_all(reader), send_all(writer, std::move(input)));
        co_await std::move(both);
        co_await writer.close();
    } catch (const std::exception& e) {
        std::printf("\nfailed: %s\n", e.what());
        co_return 1;
    }
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() < 3) return 2;
    const std::string what = words.front();
    words.erase(words.begin());
    if (what == "serve") return leat::run(serve(std::move(words)));
    if (what == "proxied") return leat::run(serve_behind_a_proxy(std::move(words)));
    return leat::run(connect(std::move(words), what == "starttls"));
}
