// leat get: fetches files side by side. Everything but what is shown is leat::download.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "leat/download/download.hpp"
#include "leat/fs/file.hpp"
#include "leat/io/error.hpp"
#include "progress/display.hpp"
#include "seconds_option.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

struct get_arguments {
    std::vector<std::string> urls;
    std::string list;
    std::string output;
    std::string directory = ".";
    std::size_t jobs = 32;
    std::size_t per_host = 16;
    leat::duration timeout{};
    leat::duration connect_timeout = std::chrono::seconds{30};
    leat::duration stall_timeout = std::chrono::seconds{30};
    unsigned retries = 3;
    std::size_t max_redirects = 20;
    std::string ca_file;
    bool insecure = false;
    bool quiet = false;
    bool no_progress = false;
    std::string user_agent = "leat/" LEAT_VERSION;
};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// A URL a line; empty lines and those that begin with '#' do not count.
leat::task<> read_list(std::string name, std::vector<std::string>& urls) {
    if (name == "-") name = "/dev/stdin";
    auto list = co_await leat::open(name, "r");
    while (auto line = co_await list.read_line()) {
        const auto url = trimmed(*line);
        if (!url.empty() && !url.starts_with('#')) urls.emplace_back(url);
    }
    co_await list.close();
}

void list_failures(const leat::download_report& report) {
    if (report.ok()) return;
    if (report.files.size() > 1) complain("get", fmt::format("{} of {} files failed:", report.failed, report.files.size()));
    for (const leat::file_report& file : report.files)
        if (!file.ok()) complain("get", file.url + ": " + file.error);
}

leat::task<int> get(std::shared_ptr<const get_arguments> asked) {
    std::vector<std::string> urls = asked->urls;
    if (!asked->list.empty()) co_await read_list(asked->list, urls);
    if (!asked->output.empty() && urls.size() != 1) {
        complain("get", fmt::format("-o names one file, but there are {} URLs", urls.size()));
        co_return misused;
    }
    if (asked->insecure && !asked->quiet) complain("get", "warning: --insecure: it is not verified who the servers are");

    std::vector<leat::download_item> items;
    items.reserve(urls.size());
    for (std::string& url : urls) items.push_back({std::move(url), asked->output});

    display show({.quiet = asked->quiet, .bars = !asked->no_progress});
    auto on_progress = [&show](const leat::download_progress& now) { show.progress(now); };
    auto on_file = [&show](const leat::file_report& file) { show.ended(file); };
    const std::size_t count = items.size();
    const leat::download_options options{
        .directory = asked->directory,
        .jobs = asked->jobs,
        .per_host = asked->per_host,
        .retries = asked->retries,
        .connect_timeout = asked->connect_timeout,
        .stall_timeout = asked->stall_timeout,
        .timeout = asked->timeout,
        .max_redirects = asked->max_redirects,
        .ca_file = asked->ca_file,
        .insecure = asked->insecure,
        .user_agent = asked->user_agent,
        .on_progress = on_progress,
        .on_file = on_file,
    };
    leat::download_report report;
    try {
        report = co_await leat::download(std::move(items), options);
    } catch (const leat::cancelled&) {
        show.interrupt();
        complain("get", fmt::format("interrupted; {} of {} files are complete", show.succeeded(), count));
        throw;
    }
    show.finish(report);
    list_failures(report);
    co_return report.ok() ? 0 : failed;
}

void add_options(CLI::App& sub, get_arguments& to) {
    const auto positive = CLI::Range(std::size_t{1}, std::size_t{1'000'000});
    sub.add_option("URL", to.urls, "What to fetch, http:// or https://")->option_text("...");
    sub.add_option("-i,--input", to.list, "Read more URLs from a file, one a line ('#' begins a comment); '-': standard input")
        ->option_text("FILE");

    sub.add_option("-d,--directory", to.directory, "Save into this directory, made if it is not there (default: .)")
        ->option_text("DIR")
        ->group("Files");
    sub.add_option("-o,--output", to.output, "Save under this name; for a single URL")->option_text("FILE")->group("Files");

    sub.add_option("-j,--jobs", to.jobs, "Files fetched at once (default 32)")->option_text("N")->check(positive)->group("Transfer");
    sub.add_option("--per-host", to.per_host, "Of them, at most so many from one host (default 16)")
        ->option_text("N")
        ->check(positive)
        ->group("Transfer");
    sub.add_option("--retries", to.retries, "More attempts after a failure that may pass: connections, time-outs, 408, 429, 5xx (default 3)")
        ->option_text("N")
        ->check(CLI::Range(0u, 1'000'000u))
        ->group("Transfer");
    sub.add_option("--max-redirects", to.max_redirects, "Redirects followed for one file (default 20)")
        ->option_text("N")
        ->check(CLI::Range(std::size_t{0}, std::size_t{10'000}))
        ->group("Transfer");
    sub.add_option("--user-agent", to.user_agent, "What to call itself (default leat/" LEAT_VERSION ")")->option_text("TEXT")->group("Transfer");

    add_seconds(sub, "--timeout", to.timeout, 0, "For one file in all, retries included; 0: no limit (default 0)");
    add_seconds(sub, "--connect-timeout", to.connect_timeout, 0, "For name, connection and TLS handshake (default 30)");
    add_seconds(sub, "--stall-timeout", to.stall_timeout, 0, "Without a single byte (default 30)");

    sub.add_option("--cacert", to.ca_file, "Trust the authorities in this PEM file instead of the system's")
        ->option_text("FILE")
        ->check(CLI::ExistingFile)
        ->group("TLS");
    sub.add_flag("--insecure", to.insecure, "Do not verify who the server is")->group("TLS");

    sub.add_flag("-q,--quiet", to.quiet, "Print nothing but errors")->group("Display");
    sub.add_flag("--no-progress", to.no_progress, "Print a line for each finished file rather than bars")->group("Display");
}

void choose(const std::shared_ptr<get_arguments>& arguments, command& chosen) {
    if (arguments->urls.empty() && arguments->list.empty()) throw CLI::ValidationError("a URL or -i FILE is required");
    if (!arguments->output.empty() && arguments->urls.size() + !arguments->list.empty() > 1)
        throw CLI::ValidationError("-o names one file: it goes with exactly one URL");
    if (arguments->output == "-") throw CLI::ValidationError("-o -: files are not written to standard output");
    if (arguments->directory.empty()) throw CLI::ValidationError("-d: the directory's name is empty");
    for (const char c : arguments->user_agent)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') throw CLI::ValidationError("--user-agent: a control character");
    chosen.run = [arguments] { return run_command("get", get(arguments)); };
}

}  // namespace

void add_get(CLI::App& app, command& chosen) {
    auto arguments = std::make_shared<get_arguments>();
    CLI::App* sub = app.add_subcommand("get", "Fetch files over HTTP and HTTPS, many at once");
    sub->footer(R"(
Each file is written to a temporary name beside its target and renamed when it is complete, so a name that is there
means a file that is whole. Two URLs with one name are saved as 'name' and 'name.1'. What fails is tried again, then
listed at the end with the reason; the rest goes on. Ctrl-C stops at once and leaves no half file.

On a terminal bars show the progress; into a pipe goes a line for each finished file.
Exit status: 0 if every file is there, 1 if one is not, 2 for wrong usage, 130 after Ctrl-C.

Examples:
  leat get https://example.org/a.iso https://example.org/b.iso
  leat get -o page.html https://example.org/
  leat get -i urls.txt -d out -j 100 --per-host 8
  grep -o 'https://[^"]*\.jpg' page.html | leat get -i - -d images)");
    add_options(*sub, *arguments);
    sub->callback([arguments, &chosen] { choose(arguments, chosen); });
}

}  // namespace tool
