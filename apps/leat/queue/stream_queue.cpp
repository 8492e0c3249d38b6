#include "queue/stream_queue.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "leat/task/sleep.hpp"
#include "queue/item_text.hpp"

namespace tool {
namespace {

using nlohmann::json;
using redis::command;
using redis::reply;

constexpr std::string_view group = "leat";
constexpr std::array<std::string_view, 7> suffixes{":names", ":items", ":open", ":suffixes", ":done", ":failed", ":reasons"};
constexpr std::size_t items_a_call = 100;
constexpr std::size_t calls_a_pipeline = stream_queue::at_once / items_a_call;
constexpr std::size_t letters_a_call = 500;
constexpr long long long_ago = 30ll * 24 * 3600 * 1000;  // ms: older than any claim-after

long long milliseconds(leat::duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

std::string text_beside(const reply& fields, std::string_view name) {
    const reply* value = fields.value_of(name);
    return value ? value->text() : std::string{};
}

queue_entry entry_of(const reply& id, const reply& fields, long long deliveries) {
    return {id.text(), text_beside(fields, "key"), text_beside(fields, "name"), text_beside(fields, "item"), deliveries, {}, {}, {}};
}

std::optional<done_record> record_of(const reply& text) {
    if (text.is_nil()) return std::nullopt;
    const json read = json::parse(text.text(), nullptr, false);
    if (!read.is_object()) return std::nullopt;
    try {
        return done_record{read.value("worker", ""), read.value("size", std::uint64_t{0}), read.value("checksum", ""), read.value("time", 0ll)};
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::string url_of(const std::string& item) {
    try {
        return without_credentials(item_from_json(item).url);
    } catch (const std::invalid_argument&) {
        return "?";
    }
}

/// Reads a reply, and says whose it was if it is not what it should be.
template <class Read>
auto understood(const redis::client& from, std::string_view what, Read&& read) {
    try {
        return read();
    } catch (const redis::protocol_error& e) {
        throw redis::protocol_error(from.at(what) + ": " + e.what());
    }
}

}  // namespace

stream_queue::stream_queue(redis::client& through, std::string name) : redis_(through), name_(std::move(name)) {
    if (name_.empty() || name_.size() > 200) throw std::invalid_argument("a queue's name has 1 to 200 bytes");
    for (const char c : name_)
        if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') throw std::invalid_argument("a queue's name has neither blanks nor control characters");
}

leat::task<> stream_queue::load(const queue_scripts::script& which) {
    const std::string whole = std::string{which.common}.append(which.text);
    const reply sha = co_await redis_.call(command("SCRIPT", "LOAD", whole));
    loaded_[which.name] = sha.text();
}

command stream_queue::call_of(const queue_scripts::script& which, std::span<const std::string> arguments) const {
    command made("EVALSHA", loaded_.at(which.name));
    made.called(fmt::format("the script '{}'", which.name));
    made.add(static_cast<long long>(1 + suffixes.size())).add(name_);
    for (const std::string_view suffix : suffixes) made.add(name_ + std::string{suffix});
    for (const std::string& argument : arguments) made.add(argument);
    return made;
}

leat::task<reply> stream_queue::run(const queue_scripts::script& which, std::vector<std::string> arguments) {
    for (bool again = false;; again = true) {
        if (again || !loaded_.contains(which.name)) co_await load(which);
        auto answer = co_await (redis_.call(call_of(which, arguments)) | leat::as_result);
        if (answer) co_return std::move(*answer);
        // A server that was started anew does not know it, and has run nothing of it.
        try {
            std::rethrow_exception(answer.error().exception());
        } catch (const redis::command_error& e) {
            if (again || !e.mentions("NOSCRIPT")) throw;
        }
    }
}

leat::task<std::size_t> stream_queue::add(std::vector<leat::download_item> items) {
    std::vector<std::vector<std::string>> calls;
    for (const leat::download_item& item : items) {
        if (calls.empty() || calls.back().size() >= 3 * items_a_call) calls.emplace_back().reserve(3 * items_a_call);
        calls.back().insert(calls.back().end(), {key_of(item), wished_name(item), to_json(item)});
        if (calls.back().size() == 3 * items_a_call && calls.size() % calls_a_pipeline == 0) co_await leat::yield();
    }
    if (calls.empty()) co_return 0;
    if (!loaded_.contains(queue_scripts::add.name)) co_await load(queue_scripts::add);
    std::size_t added = 0;
    for (std::size_t begin = 0; begin < calls.size(); begin += calls_a_pipeline) {
        const std::size_t end = std::min(begin + calls_a_pipeline, calls.size());
        std::vector<command> commands;
        for (std::size_t i = begin; i < end; ++i) commands.push_back(call_of(queue_scripts::add, calls[i]));
        const std::vector<reply> replies = co_await redis_.pipeline(std::move(commands));
        for (const reply& each : replies) {
            if (each.is_error()) throw redis::command_error(redis_.at("the script 'add'"), each.text());
            added += static_cast<std::size_t>(each.integer());
        }
    }
    co_return added;
}

leat::task<queue_status> stream_queue::status() {
    std::vector<command> commands;
    commands.emplace_back("MULTI");
    commands.emplace_back("XLEN", name_);
    commands.emplace_back("XINFO", "CONSUMERS", name_, group);
    commands.emplace_back("HLEN", name_ + ":done");
    commands.emplace_back("XLEN", name_ + ":failed");
    commands.emplace_back("XRANGE", name_ + ":failed", "-", "+", "COUNT", std::to_string(queue_status::failures_shown));
    commands.emplace_back("EXEC");
    const std::vector<reply> replies = co_await redis_.pipeline(std::move(commands));
    auto read = [&] {
        if (replies.back().is_error()) throw redis::protocol_error(replies.back().text());
        const std::vector<reply>& all = replies.back().elements();
        if (all.size() != 5) throw redis::protocol_error("it has not answered each command");
        queue_status now;
        const auto length = static_cast<std::size_t>(all[0].integer());
        // An error says that there is no stream or no group yet: nobody works.
        if (!all[1].is_error())
            for (const reply& each : all[1].elements()) {
                const reply* pending = each.value_of("pending");
                const reply* idle = each.value_of("idle");
                queue_status::worker found{text_beside(each, "name"), pending ? static_cast<std::size_t>(pending->integer()) : 0,
                                           idle ? static_cast<double>(idle->integer()) / 1000 : 0};
                if (found.name.starts_with(queue_scripts::nobody)) continue;
                now.running += found.running;
                now.workers.push_back(std::move(found));
            }
        now.running = std::min(now.running, length);
        now.waiting = length - now.running;
        now.done = static_cast<std::size_t>(all[2].integer());
        now.failed = static_cast<std::size_t>(all[3].integer());
        for (const reply& each : all[4].elements()) {
            const reply& fields = each.at(1);
            now.failures.push_back({each.at(0).text(), url_of(text_beside(fields, "item")), text_beside(fields, "name"), text_beside(fields, "reason"),
                                    text_beside(fields, "worker")});
        }
        return now;
    };
    co_return understood(redis_, "status", read);
}

leat::task<std::size_t> stream_queue::retry() {
    const reply newest = co_await redis_.call(command("XREVRANGE", name_ + ":failed", "+", "-", "COUNT", "1"));
    std::size_t back = 0;
    if (newest.elements().empty()) co_return back;
    // What fails again meanwhile comes behind this one, and is left for the next time.
    const std::string last = newest.at(0).at(0).text();
    for (;;) {
        std::vector<std::string> arguments{last, std::to_string(letters_a_call)};
        const reply counts = co_await run(queue_scripts::retry, std::move(arguments));
        back += static_cast<std::size_t>(counts.at(1).integer());
        if (counts.at(0).integer() < static_cast<long long>(letters_a_call)) co_return back;
    }
}

leat::task<> stream_queue::open(std::string consumer) {
    std::vector<command> commands;
    commands.emplace_back("XGROUP", "CREATE", name_, group, "0", "MKSTREAM");
    if (!consumer.empty()) commands.emplace_back("XGROUP", "CREATECONSUMER", name_, group, consumer);
    const std::vector<reply> replies = co_await redis_.pipeline(std::move(commands));
    const reply& answer = replies.front();
    if (answer.is_error() && !answer.text().starts_with("BUSYGROUP")) throw redis::command_error(redis_.at("XGROUP CREATE"), answer.text());
}

leat::task<> stream_queue::look_up_done(std::vector<queue_entry>& entries) {
    if (entries.empty()) co_return;
    command asked("HMGET", name_ + ":done");
    for (const queue_entry& each : entries) asked.add(each.key);
    const reply records = co_await redis_.call(std::move(asked));
    for (std::size_t i = 0; i < entries.size(); ++i) entries[i].done = record_of(records.at(i));
}

leat::task<std::vector<queue_entry>> stream_queue::take(redis::client& waiting, const std::string& consumer, std::size_t count, leat::duration wait) {
    command asked("XREADGROUP", "GROUP", group, consumer, "COUNT", std::to_string(count));
    if (wait > leat::duration::zero()) asked.add("BLOCK").add(std::max(1ll, milliseconds(wait)));
    asked.add("STREAMS").add(name_).add(">");
    const reply answer = co_await waiting.call(std::move(asked), wait);
    auto read = [&] {
        std::vector<queue_entry> entries;
        if (answer.is_nil()) return entries;
        for (const reply& each : answer.at(0).at(1).elements()) entries.push_back(entry_of(each.at(0), each.at(1), 1));
        return entries;
    };
    std::vector<queue_entry> entries = understood(waiting, "XREADGROUP", read);
    co_await look_up_done(entries);
    co_return entries;
}

leat::task<std::vector<queue_entry>> stream_queue::claim(const std::string& consumer, std::size_t count, leat::duration idle, unsigned most) {
    std::vector<std::string> arguments{std::string{group}, consumer, std::to_string(milliseconds(idle)), std::to_string(count), std::to_string(most)};
    const reply answer = co_await run(queue_scripts::claim, std::move(arguments));
    auto read = [&] {
        std::vector<queue_entry> entries;
        for (const reply& each : answer.elements()) {
            queue_entry entry = entry_of(each.at(0), each.at(1), each.at(2).integer());
            std::string_view owner = each.at(3).text();
            if (owner.starts_with(queue_scripts::nobody)) owner.remove_prefix(queue_scripts::nobody.size());
            entry.had_by = owner;
            entry.age = std::chrono::milliseconds{each.at(4).integer()};
            entries.push_back(std::move(entry));
        }
        return entries;
    };
    std::vector<queue_entry> entries = understood(redis_, "the script 'claim'", read);
    co_await look_up_done(entries);
    co_return entries;
}

leat::task<std::vector<std::string>> stream_queue::keep(const std::string& consumer, std::span<const std::string> ids) {
    std::vector<std::string> lost;
    if (ids.empty()) co_return lost;
    std::vector<std::string> arguments{std::string{group}, consumer};
    arguments.insert(arguments.end(), ids.begin(), ids.end());
    const reply answer = co_await run(queue_scripts::keep, std::move(arguments));
    for (const reply& each : answer.elements()) lost.push_back(each.text());
    co_return lost;
}

leat::task<std::size_t> stream_queue::finish(const std::string& id, const std::string& key, const done_record& record) {
    json made{{"worker", record.worker}, {"size", record.size}};
    if (!record.checksum.empty()) made["checksum"] = record.checksum;
    // The script puts the time in front, by the clock of Redis: the workers' may differ.
    std::vector<std::string> arguments{std::string{group}, id, key, made.dump(-1, ' ', true, json::error_handler_t::replace).substr(1)};
    const reply left = co_await run(queue_scripts::finish, std::move(arguments));
    co_return static_cast<std::size_t>(left.integer());
}

leat::task<bool> stream_queue::fail(const std::string& consumer, const std::string& id, const std::string& reason, bool for_good, unsigned most) {
    std::vector<std::string> arguments{std::string{group}, consumer, id, reason, for_good ? "1" : "0", std::to_string(most)};
    const reply what = co_await run(queue_scripts::fail, std::move(arguments));
    co_return what.integer() == 2;
}

leat::task<std::size_t> stream_queue::leave(const std::string& consumer) {
    std::vector<std::string> arguments{std::string{group}, consumer, std::to_string(long_ago)};
    const reply handed = co_await run(queue_scripts::leave, std::move(arguments));
    co_return static_cast<std::size_t>(handed.integer());
}

leat::task<std::size_t> stream_queue::size() {
    const reply length = co_await redis_.call(command("XLEN", name_));
    co_return static_cast<std::size_t>(length.integer());
}

std::string new_consumer_name() {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
    std::string name{host.data()};
    for (char& c : name)
        if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) > '~') c = '_';
    std::random_device random;
    return fmt::format("{}-{}-{:08x}", name, ::getpid(), random());
}

}  // namespace tool
