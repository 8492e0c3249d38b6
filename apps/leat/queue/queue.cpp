// leat queue: a list of downloads in Redis that many machines share. The workers are `leat get --queue`.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "command.hpp"
#include "get/arguments.hpp"
#include "get/list_source.hpp"
#include "get/options.hpp"
#include "http/url.hpp"
#include "leat/log/printable.hpp"
#include "leat/sync/queue.hpp"
#include "leat/task/gather.hpp"
#include "queue/item_text.hpp"
#include "queue/place.hpp"
#include "queue/stream_queue.hpp"
#include "terminal/output.hpp"
#include "terminal/units.hpp"

namespace tool {
namespace {

struct queue_arguments {
    get_arguments input;  // its URLs: the server's, unless it is in the environment, and the files'
    queue_place place;
    bool json = false;
    bool quiet = false;
};

using shared_arguments = std::shared_ptr<queue_arguments>;

// ---- add

using waiting_items = leat::queue<leat::download_item>;

/// Reads the lists while what they have brought so far is being added. What nobody could fetch is told and left out.
leat::task<std::size_t> read_lists(list_source& source, waiting_items& to) {
    std::size_t refused = 0;
    while (auto item = co_await source.next()) {
        std::string why;
        try {
            leat::http::url::parse(item->url);
            static_cast<void>(wished_name(*item));
            static_cast<void>(to_json(*item));
        } catch (const std::exception& e) {
            why = e.what();
        }
        if (why.empty()) {
            co_await to.put(std::move(*item));
            continue;
        }
        ++refused;
        complain("queue", leat::printable(without_credentials(item->url), 300) + ": " + leat::printable(why, 300));
    }
    to.close();
    co_return refused + source.refused();
}

struct added_items {
    std::size_t asked = 0;
    std::size_t added = 0;
};

leat::task<added_items> add_all(stream_queue& queue, waiting_items& from) {
    added_items count;
    while (auto first = co_await from.get()) {
        std::vector<leat::download_item> items;
        items.push_back(std::move(*first));
        while (auto more = from.try_get()) items.push_back(std::move(*more));
        count.asked += items.size();
        count.added += co_await queue.add(std::move(items));
    }
    co_return count;
}

leat::task<int> add(shared_arguments asked) {
    list_source source{asked->input, [](const std::string& what) { complain("queue", what); }};
    co_await source.open();
    redis::client client = client_for(asked->place);
    stream_queue queue(client, asked->place.queue);
    waiting_items between{stream_queue::at_once};
    auto [refused, count] = co_await leat::gather(read_lists(source, between), add_all(queue, between));
    const int status = refused > 0 ? failed : 0;  // each was told
    if (asked->quiet) co_return status;
    std::string text = fmt::format("{} added to '{}' at {}", count.added, leat::printable(queue.name()), client.server().to_string());
    if (count.added < count.asked) text += fmt::format("; {} were there already", count.asked - count.added);
    text += '\n';
    co_await print(std::move(text));
    co_return status;
}

// ---- status

std::string as_json(const queue_status& now, const stream_queue& queue, const redis::client& client) {
    using nlohmann::json;
    json made{{"queue", queue.name()}, {"server", client.server().to_string()}, {"waiting", now.waiting}, {"running", now.running}, {"done", now.done}, {"failed", now.failed}};
    made["workers"] = json::array();
    for (const auto& each : now.workers) made["workers"].push_back({{"name", each.name}, {"running", each.running}, {"idle", each.idle}});
    made["failures"] = json::array();
    for (const auto& each : now.failures)
        made["failures"].push_back({{"id", each.id}, {"url", each.url}, {"name", each.name}, {"reason", each.reason}, {"worker", each.worker}});
    return made.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string as_text(const queue_status& now, const stream_queue& queue, const redis::client& client) {
    std::string text = fmt::format("queue '{}' at {}\nwaiting {:>10}\nrunning {:>10}\ndone    {:>10}\nfailed  {:>10}\n", leat::printable(queue.name()),
                                   client.server().to_string(), now.waiting, now.running, now.done, now.failed);
    if (!now.workers.empty()) text += "\nworkers:\n";
    for (const auto& each : now.workers) {
        const auto idle = std::chrono::duration_cast<leat::duration>(std::chrono::duration<double>(each.idle));
        text += fmt::format("  {}  {} running, heard of {} ago\n", leat::printable(each.name), each.running, elapsed_text(idle));
    }
    if (!now.failures.empty()) text += "\nfailed:\n";
    for (const auto& each : now.failures) text += fmt::format("  {}  {}\n", leat::printable(each.url), leat::printable(each.reason));
    if (now.failures.size() < now.failed) text += fmt::format("  and {} more\n", now.failed - now.failures.size());
    return text;
}

leat::task<int> show_status(shared_arguments asked) {
    redis::client client = client_for(asked->place);
    stream_queue queue(client, asked->place.queue);
    const queue_status now = co_await queue.status();
    std::string text = asked->json ? as_json(now, queue, client) : as_text(now, queue, client);
    co_await print(std::move(text));
    co_return 0;
}

// ---- retry

leat::task<int> retry(shared_arguments asked) {
    redis::client client = client_for(asked->place);
    stream_queue queue(client, asked->place.queue);
    const std::size_t back = co_await queue.retry();
    if (asked->quiet) co_return 0;
    std::string text = fmt::format("{} put back into '{}' at {}\n", back, leat::printable(queue.name()), client.server().to_string());
    co_await print(std::move(text));
    co_return 0;
}

// ---- the command line

/// The first word is the server's URL, unless the environment has it. It is never a part of a message: a password may be in it.
void find_place(queue_arguments& arguments) {
    std::vector<std::string>& words = arguments.input.urls;
    if (!words.empty() && redis::is_redis_url(words.front())) {
        set_server(arguments.place, words.front());
        words.erase(words.begin());
    } else {
        set_server(arguments.place, "");
    }
    for (const std::string& word : words)
        if (redis::is_redis_url(word)) throw CLI::ValidationError("the URL of Redis stands in front, and once");
}

void choose(const shared_arguments& arguments, command& chosen, leat::task<int> (*work)(shared_arguments), bool takes_urls) {
    find_place(*arguments);
    get_arguments& input = arguments->input;
    if (takes_urls && input.urls.empty() && input.lists.empty() && input.metalinks.empty()) throw CLI::ValidationError("a URL to add, -i FILE or --metalink FILE is required");
    if (takes_urls)
        check_arguments(input);
    else if (!input.urls.empty())
        throw CLI::ValidationError("'" + without_credentials(input.urls.front()) + "' is no URL of Redis");
    chosen.run = [arguments, work] { return run_command("queue", work(arguments)); };
}

CLI::App& add_one(CLI::App& to, const std::string& name, const std::string& description, const shared_arguments& arguments) {
    CLI::App* sub = to.add_subcommand(name, description);
    add_place_options(*sub, arguments->place);
    return *sub;
}

}  // namespace

void add_queue(CLI::App& app, command& chosen) {
    auto arguments = std::make_shared<queue_arguments>();
    CLI::App* sub = app.add_subcommand("queue", "Share a list of downloads among many machines, in Redis");
    sub->require_subcommand(1);
    sub->footer(R"(
The list is a Redis Stream (Redis 6.2 or newer). 'leat get --queue URL' is a worker: start as many as you like, on as many machines. A
file whose worker dies is taken over by another: none is lost, and what is complete is not fetched again.

REDIS_URL is redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss://… for TLS, or unix:///PATH[?db=N]. Whoever lists the processes
of this machine may see it for an instant; in the environment variable LEAT_QUEUE it is never seen, and need not be given.

Examples:
  leat queue add redis://10.0.0.5 https://example.org/a.iso https://example.org/b.iso
  leat queue add redis://10.0.0.5 -i urls.txt
  leat get --queue redis://10.0.0.5 -d out           (on each machine)
  leat queue status redis://10.0.0.5
  leat queue retry redis://10.0.0.5
  export LEAT_QUEUE=redis://:secret@10.0.0.5; leat queue status --json)");

    CLI::App& adding = add_one(*sub, "add", "Add files; what waits or is being fetched already is not added twice", arguments);
    add_input_options(adding, arguments->input);
    adding.get_option("URL")->description("REDIS_URL, unless LEAT_QUEUE is set, then what to fetch: as for 'leat get'");
    adding.add_option("--checksums", arguments->input.checksum_files, "A file as sha256sum writes it: what each file has to be, by its name. May be given again")
        ->option_text("FILE")
        ->allow_extra_args(false)
        ->group("Verification");
    adding.add_flag("-q,--quiet", arguments->quiet, "Print nothing but errors");
    adding.footer(R"(
The name of each file is decided now, so that no two workers write to one: two URLs with one name are saved as 'name' and 'name.1'. A file
that was added before keeps its name; if it is still where the worker saves, it is not fetched again. What nobody could fetch is told
and left out; the status is then 1.

Examples:
  leat queue add redis://10.0.0.5 https://example.org/a.iso
  leat queue add redis://10.0.0.5 --queue-name mirror -i urls.txt
  generate-urls | leat queue add -i -                (with LEAT_QUEUE))");
    adding.callback([arguments, &chosen] { choose(arguments, chosen, add, true); });

    CLI::App& status = add_one(*sub, "status", "How much waits, who works, what has failed and why", arguments);
    status.add_option("REDIS_URL", arguments->input.urls, "Where Redis is, unless LEAT_QUEUE is set")->option_text(" ");
    status.add_flag("--json", arguments->json, "As JSON");
    status.footer(R"(
Examples:
  leat queue status redis://10.0.0.5
  leat queue status redis://10.0.0.5 --json | jq .failures)");
    status.callback([arguments, &chosen] { choose(arguments, chosen, show_status, false); });

    CLI::App& again = add_one(*sub, "retry", "Put what has failed back into the queue", arguments);
    again.add_option("REDIS_URL", arguments->input.urls, "Where Redis is, unless LEAT_QUEUE is set")->option_text(" ");
    again.add_flag("-q,--quiet", arguments->quiet, "Print nothing but errors");
    again.footer(R"(
Example:
  leat queue retry redis://10.0.0.5)");
    again.callback([arguments, &chosen] { choose(arguments, chosen, retry, false); });
}

}  // namespace tool
