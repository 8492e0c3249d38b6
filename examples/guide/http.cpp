// docs/guide/http.md
#include <leat/http/json.hpp>
#include <nlohmann/json.hpp>

#include <leat/http/multipart.hpp>
#include <leat/leat.hpp>
#include <string>
#include <utility>
#include <vector>

#include "run_page.hpp"

using namespace std::chrono_literals;

namespace http {
namespace {

leat::task<> show_title() {
    leat::http::client http;
    auto response = co_await http.get("https://www.example.com/");
    response.raise_for_status();
    leat::log::info("{} {}", response.status(), response.headers().get("Content-Type").value_or("?"));
    const std::string text = co_await response.text();
    leat::log::info("{}", text.substr(0, 100));
}

leat::task<> save(leat::http::client& http, std::string url, leat::path to) {
    auto response = co_await http.get(url);
    response.raise_for_status();
    auto file = co_await leat::open(to, "w");
    co_await leat::copy(response.body(), file);
    co_await file.close();
}

leat::task<> post(leat::http::client& http) {
    leat::http::headers headers{{"Accept", "application/json"}};
    auto response = co_await http.request("POST", "https://www.example.com/form",
                                          {.headers = &headers, .body = "{\"a\": 1}", .content_type = "application/json"});
    leat::log::info("{}: {}", response.url(), response.status());
}

leat::task<> send_form(leat::http::client& http, std::string url) {
    const std::string form = leat::http::form_text("name", "leat", "for", "streams and files");
    auto response = co_await http.request("POST", url, {.body = form, .content_type = leat::http::form_type});
    response.raise_for_status();
}

leat::task<> send_files(leat::http::client& http, std::string url) {
    leat::http::multipart form;
    form.add_field("title", "A cat");
    co_await form.add_file("picture", "cat.jpg");
    auto response = co_await http.request("POST", url, {.content = &form});
    response.raise_for_status();
}

leat::task<> send_file(leat::http::client& http, std::string url) {
    auto content = co_await leat::http::file_content("backup.tar");
    auto response = co_await http.request("PUT", url, {.content = content.get()});
    response.raise_for_status();
}

leat::task<> send_stream(leat::http::client& http, std::string url) {
    auto child = co_await leat::spawn_process({"tar", "-c", "."}, {.standard_output = leat::stdio::pipe});
    auto content = leat::http::stream_content(std::move(child.standard_output()));
    auto response = co_await http.request("PUT", url, {.content = content.get()});
    response.raise_for_status();
}

leat::task<nlohmann::json> ask(leat::http::client& http, std::string url) {
    nlohmann::json question{{"name", "leat"}, {"stars", {1, 2, 3}}};
    auto response = co_await http.request("POST", url, {.body = leat::http::json_text(question), .content_type = leat::http::json_type});
    response.raise_for_status();
    auto answer = co_await leat::http::read_json(response);
    co_return answer;
}

leat::task<std::string> as_it_comes(leat::http::client& http, std::string url) {
    auto response = co_await http.get(url, {.decompress = false});
    co_return co_await response.text();
}

leat::task<std::string> patiently(std::string url) {
    leat::http::client patient{{.retries = 3, .retry_delay = 200ms}};
    auto response = co_await patient.get(url);
    co_return co_await response.text();
}

leat::task<> with_cookies() {
    leat::http::cookie_jar jar;
    co_await jar.load("cookies.txt");                       // as curl, wget and aria2 write it
    leat::http::client http({.cookies = &jar});
    auto response = co_await http.get("https://www.example.com/login");
    co_await jar.save("cookies.txt");                       // readable by its owner only, replaced at once
}

leat::task<> as_somebody(std::string url, std::string secret, std::string token) {
    leat::http::client http({.credentials = {.user = "me", .password = secret}, .netrc = "default"});
    auto response = co_await http.get(url);
    auto other = co_await http.get(url, {.credentials = {.password = token, .how = leat::http::credentials::scheme::bearer}});
}

leat::task<> by_proxy(std::string url) {
    leat::http::client http({.proxy = "http://me:secret@proxy.example:3128", .no_proxy = "localhost, .internal.example, 10.0.0.0/8"});
    auto response = co_await http.get(url);
}

leat::task<> with_hsts(std::string url) {
    leat::http::hsts_store known;
    co_await known.load("hsts.txt");                        // as curl writes it
    leat::http::client http({.hsts = &known});
    auto response = co_await http.get(url);
}

leat::task<int> get_all(std::vector<std::string> urls) {
    auto draw = [](const leat::download_progress& now) {
        leat::log::info("{} of {} files, {} bytes", now.succeeded, now.files, now.received);
    };
    auto report = co_await leat::download(urls, {.directory = "out", .jobs = 32, .retries = 5, .on_progress = draw});
    for (const leat::file_report& file : report.files)
        if (!file.ok()) leat::log::error("{}: {}", file.url, file.error);
    const int status = report.ok() ? 0 : 1;
    co_return status;
}

}  // namespace

/// A server that says the same to everybody.
leat::task<> answer(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto head = co_await reader.read_until("\r\n\r\n")) co_await writer.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
    co_await writer.close();
}

/// A server that sends each body back.
leat::task<> echo(leat::stream_reader reader, leat::stream_writer writer) {
    while (auto head = co_await reader.read_until("\r\n\r\n")) {
        const std::string text{*head};
        const auto at = text.find("Content-Length: ");
        const std::size_t size = at == std::string::npos ? 0 : std::stoul(text.substr(at + 16));
        auto body = co_await reader.read_exactly(size);
        const std::string reply = fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", size, body);
        co_await writer.write(reply);
    }
    co_await writer.close();
}

leat::task<> sending() {
    auto server = co_await leat::start_server(echo, {"127.0.0.1", 0});
    const std::string url = fmt::format("http://{}/", server.address());
    {
        leat::http::client http;
        co_await leat::write_file("cat.jpg", "a cat");
        co_await leat::write_file("backup.tar", "all of it");
        co_await send_form(http, url);
        co_await send_files(http, url);
        co_await send_file(http, url);
        auto answer = co_await ask(http, url);
        guide::expect(answer["stars"].size() == 3, "the JSON that came back");
        auto text = co_await as_it_comes(http, url);
        guide::expect(text.empty(), "what came as it is");
    }
    co_await server.close();
}

leat::task<> page() {
    auto server = co_await leat::start_server(answer, {"127.0.0.1", 0});
    const std::string url = fmt::format("http://{}/hello.txt", server.address());
    {
        leat::http::client http{{.total_timeout = 60s, .connections_per_origin = 8}};
        co_await save(http, url, "index.html");
    }
    auto saved = co_await leat::read_file("index.html");
    guide::expect(saved == "hello\n", "the saved body");
    std::vector<std::string> urls{url, url};
    auto status = co_await get_all(urls);
    guide::expect(status == 0, "all files");
    auto fetched = co_await leat::read_file("out/hello.txt");
    guide::expect(fetched == "hello\n", "the fetched file");
    auto plain = co_await patiently(url);
    guide::expect(plain == "hello\n", "what a patient client gets");
    co_await server.close();
    co_await sending();
}

// They need the world outside.
leat::task<> not_run_here(leat::http::client& http) {
    co_await show_title();
    co_await post(http);
    co_await send_stream(http, "https://www.example.com/upload");
    co_await with_cookies();
    co_await as_somebody("https://www.example.com/", "secret", "token");
    co_await by_proxy("https://www.example.com/");
    co_await with_hsts("http://www.example.com/");
}

}  // namespace http
