// docs/guide/tls.md
#include <leat/leat.hpp>

#include <stdexcept>
#include <string>

#include "run_page.hpp"

namespace tls_page {
namespace {

leat::task<> handle_client(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto line = co_await reader.read_line()) co_await writer.write(*line);
    co_await writer.close();
}

leat::task<> serve() {
    auto context = co_await leat::tls::context::server({.certificate = "chain.pem", .key = "key.pem"});
    auto server = co_await leat::start_server(handle_client, {"", 8443}, {.tls = &context});
    co_await server.serve_forever();
}

leat::task<std::string> ask(std::string question) {
    auto [reader, writer] = co_await leat::tls::open_connection({"example.org", 8443});
    co_await writer.write(question, "\n");
    auto answer = co_await reader.read_line();
    co_await writer.close();
    co_return std::string{answer.value_or("")};
}

leat::task<> ask_often(int times) {
    auto context = co_await leat::tls::context::client({.ca_file = "authority.pem", .certificate = "alice.pem", .key = "alice.key"});
    for (int i = 0; i < times; ++i) {
        auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", 8443}, {.tls = &context, .server_name = "example.org"});
        co_await writer.write("again\n");
        co_await writer.close();
    }
}

leat::task<> serve_several_names() {
    const leat::tls::certificate_files names[] = {{"example.org.pem", "example.org.key"}, {"example.net.pem", "example.net.key"}};
    const std::string_view protocols[] = {"h2", "http/1.1"};
    auto context = co_await leat::tls::context::server({.certificates = names,
                                                        .client_certificates = leat::tls::client_certificates::optional,
                                                        .client_ca_file = "authority.pem",
                                                        .alpn = protocols});
    auto server = co_await leat::start_server(handle_client, {"", 8443}, {.tls = &context});
    co_await server.serve_forever();
}

leat::task<> renew(const leat::tls::context& context) {
    try {
        co_await context.reload();
    } catch (const leat::tls::error& e) {
        leat::log::error("{}; the old certificate stays in use", e.what());
    }
}

leat::task<> greet(leat::stream_reader reader, leat::stream_writer writer) {
    const auto session = leat::tls::session_of(reader);
    co_await writer.write("hello ", session->peer_subject, ", you asked for ", session->server_name, "\n");
    co_await writer.close();
}

leat::task<> upgrade(leat::stream_reader& reader, leat::stream_writer& writer, const leat::tls::context& context) {
    co_await writer.write("STARTTLS\r\n");
    auto answer = co_await reader.read_line();
    if (!answer || !answer->starts_with("220")) throw std::runtime_error("no STARTTLS");
    co_await writer.start_tls(context, {.server_name = "mail.example.org"});
    co_await writer.write("EHLO example.net\r\n");  // encrypted
}

}  // namespace

leat::task<> make_certificates() {
    co_await leat::run_process({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                                "/CN=example.org", "-addext", "subjectAltName=DNS:example.org", "-keyout", "key.pem", "-out", "chain.pem"},
                               {.check = true, .timeout = std::chrono::seconds{30}});
    co_await leat::copy_file("chain.pem", "authority.pem");
    co_await leat::copy_file("chain.pem", "alice.pem");
    co_await leat::copy_file("key.pem", "alice.key");
}

leat::task<> page() {
    co_await make_certificates();
    leat::task_group group;
    group.spawn(serve());
    auto context = co_await leat::tls::context::server({.certificate = "chain.pem", .key = "key.pem"});
    co_await renew(context);
    co_await ask_often(2);
    group.cancel();
    co_await group.join();
}

// They need the world outside, or more certificates.
leat::task<> not_run_here(leat::stream_reader reader, leat::stream_writer writer, const leat::tls::context& context) {
    co_await upgrade(reader, writer, context);
    co_await ask("who is there?");
    co_await serve_several_names();
    co_await greet(std::move(reader), std::move(writer));
}

}  // namespace tls_page
