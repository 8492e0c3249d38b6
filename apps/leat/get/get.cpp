// leat get: fetches files side by side. Everything but what is shown is leat::downloader.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "command.hpp"
#include "get/arguments.hpp"
#include "get/exit_status.hpp"
#include "get/list_source.hpp"
#include "get/options.hpp"
#include "get/plan.hpp"
#include "get/run.hpp"
#include "progress/display.hpp"
#include "queue/get_queue.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

leat::task<int> get(std::shared_ptr<const get_arguments> asked) {
    display show({.quiet = asked->quiet, .bars = !asked->no_progress && asked->dry_run.empty()});
    list_source source{*asked, [&show](const std::string& what) { show.complain(what); }};
    if (asked->insecure && !asked->quiet) complain("get", "warning: --insecure: it is not verified who the servers are");
    if (asked->dry_run.empty()) co_return co_await fetch(source, &source, *asked, show);
    co_await source.open();
    const int status = co_await print_plan(source, *asked);
    co_return source.refused() > 0 ? failed : status;
}

}  // namespace

void add_get(CLI::App& app, command& chosen) {
    auto arguments = std::make_shared<get_arguments>();
    auto queue = std::make_shared<worker_options>();
    CLI::App* sub = app.add_subcommand("get", "Fetch files over HTTP and HTTPS, many at once");
    sub->footer(R"(
Each file is written to a temporary name beside its target and renamed when it is complete and verified, so a name that is
there means a file that is whole. Two URLs with one name are saved as 'name' and 'name.1'. What fails is tried again, then
listed at the end with the reason; the rest goes on. Ctrl-C stops at once; what has come of a file is kept, and the same
command goes on from there.

On a terminal bars show the progress; into a pipe goes a line for each finished file.

A SIZE or a RATE is a number of bytes: 500, 64K, 1.5M, 2G (powers of 1024), or kB, MB, GB (powers of 1000).

Exit status:
)" + exit_statuses() + R"(
Examples:
  leat get https://example.org/a.iso https://example.org/b.iso
  leat get -o page.html https://example.org/
  leat get 'https://example.org/img[001-250].jpg' -d images
  leat get -i urls.txt -d out -j 100 --per-host 8 --existing skip
  leat get --metalink https://example.org/big.meta4
  leat get https://a.example/big.iso --mirror https://b.example/big.iso --checksum sha256:0123...
  leat get --max-rate 2M --starts-per-second 1 -i urls.txt
  grep -o 'https://[^"]*\.jpg' page.html | leat get -i - -d images
  leat get --queue redis://10.0.0.5 -d out          (see 'leat queue --help')
  leat get -i urls.txt --events 3 3>events.jsonl --report report.json)");
    add_input_options(*sub, *arguments);
    add_file_options(*sub, *arguments);
    add_transfer_options(*sub, *arguments);
    add_rate_options(*sub, *arguments);
    add_http_options(*sub, *arguments);
    add_proxy_and_tls_options(*sub, *arguments);
    add_worker_options(*sub, *queue);
    add_display_options(*sub, *arguments);
    // Of an option that is given twice, the last one counts: scripts add to what users have said.
    for (CLI::Option* option : sub->get_options([](const CLI::Option* each) { return each->get_items_expected_max() == 1; })) option->take_last();
    sub->callback([arguments, queue, sub, &chosen] {
        arguments->from_queue = wants_queue(*sub, *queue);
        // What is acknowledged is fetched by nobody else.
        if (arguments->from_queue && sub->get_option("--sync")->count() == 0) arguments->sync = true;
        check_arguments(*arguments);
        chosen.run = [arguments, queue] {
            return run_command("get", arguments->from_queue ? get_from_queue(arguments, queue) : get(arguments));
        };
    });
}

}  // namespace tool
