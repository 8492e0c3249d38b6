#include "queue/redis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "leat/log/printable.hpp"
#include "leat/net/unix.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "leat/tls/connection.hpp"

namespace tool::redis {
namespace {

using namespace std::chrono_literals;

constexpr leat::duration first_pause = 50ms;

/// Between a half and the whole of it, so that ten workers do not come back in one instant.
leat::duration jittered(leat::duration pause) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    const auto half = pause.count() / 2;
    return leat::duration{half + static_cast<leat::duration::rep>(random() % static_cast<unsigned long>(half + 1))};
}

/// Refusals that pass by themselves: the server reads its data, has no memory or disk left for the moment, or is about to be replaced by another.
bool passes(const reply& answer) {
    if (!answer.is_error()) return false;
    for (const std::string_view word : {"LOADING", "BUSY ", "MASTERDOWN", "TRYAGAIN", "READONLY", "MISCONF", "OOM", "NOREPLICAS", "CLUSTERDOWN"})
        if (answer.text().starts_with(word) || answer.text().find(fmt::format("-{}", word)) != std::string::npos) return true;  // within a script, before Redis 7
    return false;
}

}  // namespace

command& command::add(std::string_view argument) {
    ++arguments_;
    fmt::format_to(std::back_inserter(body_), "${}\r\n", argument.size());
    body_.append(argument);
    body_.append("\r\n");
    return *this;
}

void command::write_to(std::string& wire) const {
    fmt::format_to(std::back_inserter(wire), "*{}\r\n", arguments_);
    wire.append(body_);
}

struct client::line {
    leat::connection connection;
    reply_parser parser;
};

client::client(server_address to, client_options options) : to_(std::move(to)), options_(std::move(options)) {}
client::~client() = default;

std::string client::at(std::string_view name) const {
    return fmt::format("{} at {}", name, to_.to_string());
}

void client::drop() noexcept {
    line_.reset();
    id_ = 0;
}

leat::task<leat::connection> client::open() const {
    const leat::connect_options connecting{.timeout = options_.connect_timeout, .limit = {256 * 1024}};
    if (!to_.socket_path.empty()) {
        const leat::unix_address at{to_.socket_path};
        co_return co_await leat::open_unix_connection(at, connecting);
    }
    const leat::endpoint at{to_.host, to_.port};
    if (!to_.tls) co_return co_await leat::open_connection(at, connecting);
    // Replies have lengths, so that an end without close_notify hides nothing.
    const leat::tls::client_options securing{
        .ca_file = options_.ca_file, .insecure = options_.insecure, .handshake_timeout = options_.connect_timeout, .allow_truncation = true};
    co_return co_await leat::tls::open_connection(at, securing, connecting);
}

leat::task<> client::introduce() {
    std::vector<command> greetings;
    if (!to_.password.empty() && !to_.user.empty()) greetings.emplace_back("AUTH", to_.user, to_.password);
    if (!to_.password.empty() && to_.user.empty()) greetings.emplace_back("AUTH", to_.password);
    if (to_.database != 0) greetings.emplace_back("SELECT", std::to_string(to_.database));
    const std::size_t needed = greetings.size();
    // Neither is needed for anything but comfort: a server may forbid them.
    if (!options_.name.empty()) greetings.emplace_back("CLIENT", "SETNAME", options_.name);
    greetings.emplace_back("CLIENT", "ID");
    const std::vector<reply> answers = co_await exchange(greetings, options_.connect_timeout);
    for (std::size_t i = 0; i < needed; ++i) {
        if (answers[i].is_error()) drop();  // a connection of nobody in particular must not be used
        if (passes(answers[i])) throw connection_error(at(greetings[i].name()) + ": " + leat::printable(answers[i].text(), 200));
        if (answers[i].is_error()) throw command_error(at(greetings[i].name()), leat::printable(answers[i].text(), 200));
    }
    id_ = answers.back().what() == reply::kind::integer ? answers.back().integer() : 0;
}

leat::task<> client::connect() {
    if (line_) co_return;
    auto opened = co_await (open() | leat::as_result);
    if (!opened) {
        const std::string why = opened.error().message();
        throw connection_error(why.find(to_.host) == std::string::npos ? to_.to_string() + ": " + why : "redis: " + why);
    }
    line_ = std::make_unique<line>(line{std::move(*opened), reply_parser{options_.reply_limit}});
    line_->connection.writer.set_linger(leat::duration::zero());
    co_await introduce();
}

leat::task<> client::read_replies(const std::vector<command>& commands, std::vector<reply>& replies) {
    while (replies.size() < commands.size()) {
        const auto bytes = co_await line_->connection.reader.read();
        if (!bytes) throw std::runtime_error("the server closed the connection");
        line_->parser.feed(*bytes);
        while (auto answer = line_->parser.next()) {
            if (replies.size() == commands.size()) throw protocol_error("there are more replies than commands");
            replies.push_back(std::move(*answer));
        }
    }
    if (!line_->parser.idle()) throw protocol_error("there is more than the replies");
}

leat::task<std::vector<reply>> client::exchange(const std::vector<command>& commands, leat::duration limit) {
    // However this ends other than well: what is still on its way belongs to nobody, so the connection goes.
    struct guard {
        client& of;
        bool whole = false;
        ~guard() {
            if (!whole) of.drop();
        }
    } until_whole{*this};

    std::string wire;
    for (const command& each : commands) each.write_to(wire);
    std::vector<reply> replies;
    replies.reserve(commands.size());
    std::string why;
    bool nonsense = false;
    try {
        auto talk = [&]() -> leat::task<> {
            co_await line_->connection.writer.write(wire);
            co_await read_replies(commands, replies);
        };
        co_await leat::timeout(limit, talk());
    } catch (const protocol_error& e) {
        nonsense = true;
        why = e.what();
    } catch (const leat::timeout_error&) {
        why = fmt::format("no reply within {} seconds", std::chrono::duration_cast<std::chrono::duration<double>>(limit).count());
    } catch (const std::exception& e) {
        why = e.what();
    }
    if (!why.empty()) {
        const std::string& name = commands[std::min(replies.size(), commands.size() - 1)].name();
        if (nonsense) throw protocol_error(at(name) + ": " + why);
        throw connection_error(at(name) + ": " + why);
    }
    until_whole.whole = true;
    co_return replies;
}

leat::task<std::vector<reply>> client::pipeline(std::vector<command> commands, leat::duration wait) {
    if (commands.empty()) co_return std::vector<reply>{};
    const auto lock = co_await one_.lock();
    const leat::time_point began = leat::now();
    leat::duration pause = first_pause;
    for (bool said = false;;) {
        std::string why;
        try {
            co_await connect();
            std::vector<reply> replies = co_await exchange(commands, options_.timeout + wait);
            if (options_.patience == leat::duration::zero() || !passes(replies.front())) {
                if (said) {
                    leat::log::warn("{} is there again", to_.to_string());
                    back_at_ = leat::now();
                }
                co_return replies;
            }
            why = at(commands.front().name()) + ": " + leat::printable(replies.front().text(), 200);
            // Its name may lead to the one that has taken over.
            if (replies.front().text().starts_with("READONLY")) drop();
        } catch (const connection_error& e) {
            drop();
            if (leat::now() + pause - began > options_.patience) throw;
            why = e.what();
        }
        if (leat::now() + pause - began > options_.patience) throw connection_error(why);
        if (!said) leat::log::warn("{}; it is tried again for up to {} s", why, std::chrono::duration_cast<std::chrono::seconds>(options_.patience).count());
        said = true;
        co_await leat::sleep(jittered(pause));
        pause = std::min(2 * pause, longest_pause);
    }
}

leat::task<reply> client::call(command one, leat::duration wait) {
    const std::string name = one.name();
    std::vector<command> commands;
    commands.push_back(std::move(one));
    std::vector<reply> replies = co_await pipeline(std::move(commands), wait);
    if (replies.front().is_error()) throw command_error(at(name), leat::printable(replies.front().text(), 200));
    co_return std::move(replies.front());
}

}  // namespace tool::redis
