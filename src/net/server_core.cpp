#include "net/server_core.hpp"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>

#include "engine/owned_descriptor.hpp"
#include "engine/socket.hpp"
#include "leat/log/log.hpp"
#include "tls/secure.hpp"

namespace leat::detail {
namespace {

constexpr auto pause_without_descriptors = std::chrono::milliseconds{100};

bool out_of_something(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

/// One listening socket. Lives until its last accept has completed; then, if the server has gone, ends itself.
class server_core::listener final : public accept_operation, private resident, private timer {
public:
    listener(server_core& core, int fd) : core_(&core) { accept_from(fd); }
    ~listener() { loop::current().close(descriptor()); }

    void accept() {
        wanted_ = true;
        if (!in_flight() && !armed()) loop::current().submit(*this);
    }
    void stop() noexcept {
        wanted_ = false;
        disarm();
        loop::current().cancel(*this);
    }
    void abandon() noexcept {
        core_ = nullptr;
        stop();
        if (!in_flight()) delete this;
        else loop::current().adopt(*this);
    }
    void abort() noexcept override { loop::current().cancel(*this); }

    void complete(completion done) noexcept override {
        if (!core_) {
            if (done.result >= 0) loop::current().close(done.result);
            if (!done.more) delete this;
            return;
        }
        if (done.result >= 0) {
            const address known = accepted_peer();
            core_->accepted(done.result, known.empty() ? peer_of(done.result) : known);
        } else if (out_of_something(-done.result)) {
            // The connection stays in the kernel's queue; trying again at once would only spin.
            log::error("accept {}: {} (errno {}); pausing for {} ms", local_of(descriptor()), std::strerror(-done.result), -done.result,
                       pause_without_descriptors.count());
            if (wanted_) arm(pause_without_descriptors);
            return;
        } else if (done.result != -ECANCELED) {
            log::warn("accept {}: {} (errno {})", local_of(descriptor()), std::strerror(-done.result), -done.result);
        }
        if (!done.more && wanted_ && !armed()) loop::current().submit(*this);
    }

private:
    void expired() noexcept override {
        if (wanted_ && !in_flight()) loop::current().submit(*this);
    }
    server_core* core_;
    bool wanted_ = false;
};

/// One connection and the strand of its handler. Ends when both have.
class server_core::session final : private connection_owner, public context, public pooled<session> {
public:
    using pooled<session>::operator new;
    using pooled<session>::operator delete;

    session(server_core& core, owned_descriptor& accepted, const address& peer)
        : context(&core.scope_, &session::handler_ended) {
        static_assert(sizeof(session) <= 96 && sizeof(tcp_stream) <= 288, "each idle connection has both: see benchmarks, echo, idle");
        stream_ = new tcp_stream(accepted.get(), peer, this);
        accepted.release();
        stream_->limit = tcp_stream::as_limit(core.options_.limit.count);
        try {
            preparing_ = core.proxy_.wanted != proxy_protocol::off || core.tls_;
            stream_reader reader{*stream_};
            stream_writer writer{*stream_};
            handler_ = preparing_ ? prepare_and_handle(std::move(reader), std::move(writer))
                                  : core.handler_->handle(std::move(reader), std::move(writer));
        } catch (...) {
            stream_->forget_owner();  // it closes by itself; this session will never have been
            throw;
        }
        schedule_strand(*this, handler_.frame().promise());
    }

    tcp_stream* stream() const noexcept { return stream_; }
    /// Has its handler yet to be called? Then its end is no loss.
    bool preparing() const noexcept { return preparing_; }
    void destroy_handler() noexcept {
        handler_ = {};
        end_if_over();
    }

private:
    friend class server_core;
    server_core& core() const noexcept { return static_cast<scope*>(parent)->core; }
    /// What comes before the handler where the options ask for it. The stream lives as long as the reader or the writer here.
    task<> prepare_and_handle(stream_reader reader, stream_writer writer) {
        server_core& core = this->core();
        if (core.proxy_.wanted != proxy_protocol::off) {
            const meeting met = co_await meet_proxy(reader, *stream_, core.proxy_);
            if (met == meeting::refused) ++core.statistics_.refused_headers, stream_->abort();
            if (met != meeting::served) co_return;
        }
        if (core.tls_) {
            const handshake_outcome secured = co_await secure_accepted(*stream_, core.tls_);
            if (secured == handshake_outcome::failed) co_return;
        }
        preparing_ = false;
        task<> handling = core.handler_->handle(std::move(reader), std::move(writer));
        co_await std::move(handling);
    }
    static void handler_ended(context& strand) noexcept {
        auto& self = static_cast<session&>(strand);
        if (auto& error = self.handler_.frame().promise().error; error && !is_cancelled(error)) {
            try {
                log::error("handler of {} ended with an error: {}", self.stream_ ? self.stream_->subject() : std::string{"a closed connection"},
                           leat::describe(error));
            } catch (const std::bad_alloc&) {
                log::error("a handler ended with an error: {}", leat::describe(error));
            }
        }
        self.destroy_handler();
    }
    void connection_closed() noexcept override {
        stream_ = nullptr;
        end_if_over();
    }
    void end_if_over() noexcept {
        if (stream_ || handler_) return;
        server_core& core = this->core();
        delete this;
        core.session_ended();
    }

    // In this order, and with the strand as the last base, an idle connection is small.
    bool preparing_ = false;
    tcp_stream* stream_;
    task<> handler_;
};

server_settings::server_settings(const server_options& given)
    : options(given), proxy{given.proxy_protocol, network_list{given.trusted_proxies}, given.proxy_header_timeout} {
    options.trusted_proxies = {};
    if (given.max_connections == 0) throw std::invalid_argument("a server with max_connections = 0 would serve nobody");
    if (given.proxy_protocol == proxy_protocol::from_trusted && proxy.trusted.empty())
        throw std::invalid_argument("proxy_protocol::from_trusted needs trusted_proxies");
    if (!given.tls) return;
    check_is_server(*given.tls);
    tls = given.tls->settings();
    options.tls = nullptr;
}

server_core::server_core(std::unique_ptr<connection_handler> handler, server_settings settings)
    : handler_(std::move(handler)), options_(settings.options), proxy_(std::move(settings.proxy)), tls_(std::move(settings.tls)), scope_(running_strand(), *this) {}

server_core::~server_core() {
    watch_signals(false);
    for (listener* l : listeners_) l->abandon();
    for (int fd : held_) loop::current().close(fd);
    // Handlers end now; what they wrote is still sent, by the loop.
    while (scope_.first_child) {
        auto& last = static_cast<session&>(*scope_.first_child);
        if (last.stream_) last.stream_->forget_owner();
        last.stream_ = nullptr;
        last.handler_ = {};
        delete &last;
    }
}

void server_core::add_listener(int fd) {
    owned_descriptor opened{fd};
    listeners_.reserve(listeners_.size() + 1);
    listeners_.push_back(new listener(*this, fd));
    opened.release();
    addresses_.push_back(local_of(fd));
}

void server_core::listen(const address& at) {
    const int fd = listen_on(at, options_.backlog, options_.reuse_port);
    // Accepted sockets inherit both.
    if (options_.no_delay) set_no_delay(fd);
    set_keep_alive(fd, options_.keep_alive);
    add_listener(fd);
    if (addresses_.back().empty()) throw error(ENOBUFS, "listen", at.to_string());  // a port that nobody knows is of no use
}

bool server_core::listen_unix(const address& at, bool patient) {
    files_.reserve(files_.size() + 1);  // before there is anything to lose
    unix_listener made = listen_on_unix(at, options_.backlog, options_.file_mode, patient);
    if (made.descriptor < 0) return false;
    files_.push_back(std::move(made.file));
    add_listener(made.descriptor);
    return true;
}

void server_core::listen_given(int fd) {
    listen_on_given(fd, options_.backlog);
    if (!local_of(fd).is_unix()) {
        if (options_.no_delay) set_no_delay(fd);
        set_keep_alive(fd, options_.keep_alive);
    }
    add_listener(fd);
}

bool server_core::is_called_by_handler() const noexcept {
    for (const context* above = running_strand(); above; above = above->parent)
        if (above == &scope_) return true;
    return false;
}

void server_core::start_accepting() {
    accepting_ = true;
    for (listener* l : listeners_) l->accept();
}

void server_core::stop_accepting() noexcept {
    accepting_ = false;
    files_.clear();
    // Newcomers are refused from here on, rather than left in the kernel's queue.
    for (listener* l : listeners_) l->abandon();
    listeners_.clear();
    for (int fd : held_) loop::current().close(fd);
    held_.clear();
    stopping.set();
    if (count_ == 0) drained.set();
}

void server_core::ask_to_end() noexcept {
    for (context* c = scope_.first_child; c;) {
        context* following = c->next;
        auto& each = *static_cast<session*>(c);
        if (each.preparing())
            each.cancel();
        else if (tcp_stream* stream = each.stream())
            stream->end_when_idle();
        c = following;
    }
}

void server_core::cancel_handlers() noexcept { scope_.cancel_children(); }

void server_core::abort_connections() noexcept {
    for (context* c = scope_.first_child; c;) {
        context* following = c->next;
        if (tcp_stream* stream = static_cast<session*>(c)->stream()) stream->abort();
        c = following;
    }
}

void server_core::watch_signals(bool on) {
    if (on == watching_) return;
    watching_ = on;
    if (on)
        loop::current().listen(*this);
    else
        loop::current().unlisten(*this);
}

bool server_core::on_signal(int signal) noexcept {
    if (signal != SIGINT && signal != SIGTERM) return false;
    // The second signal is the impatient one: it goes on to the root, which is cancelled.
    if (stopping.is_set()) return false;
    stopping.set();
    return true;
}

/// Accepted before the listeners stopped, in a turn that went over the limit.
void server_core::hold(int fd) noexcept {
    try {
        held_.push_back(fd);
    } catch (...) {
        loop::current().close(fd);
        log::error("accept: {}", leat::describe(std::current_exception()));
    }
}

void server_core::accepted(int fd, const address& peer) {
    if (count_ >= options_.max_connections || !accepting_) {
        if (accepting_) hold(fd);
        else loop::current().close(fd);
        return;
    }
    ++statistics_.accepted;
    statistics_.most_connections = std::max(statistics_.most_connections, ++count_);
    owned_descriptor opened{fd};  // closed if there is no memory for its session
    try {
        new session(*this, opened, peer);
    } catch (...) {
        --count_;
        log::error("accept: {}", leat::describe(std::current_exception()));
    }
    if (count_ >= options_.max_connections && !paused_) {
        paused_ = true;
        log::warn("server {}: {} connections, the limit; others wait", addresses_.front(), count_);
        for (listener* l : listeners_) l->stop();
    }
}

void server_core::session_ended() noexcept {
    --count_;
    if (count_ == 0 && stopping.is_set()) drained.set();
    if (!accepting_) return;
    while (!held_.empty() && count_ < options_.max_connections) {
        int fd = held_.front();
        held_.erase(held_.begin());
        accepted(fd, peer_of(fd));
    }
    if (paused_ && count_ < options_.max_connections) {
        paused_ = false;
        for (listener* l : listeners_) l->accept();
    }
}

}  // namespace leat::detail
