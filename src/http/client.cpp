#include "leat/http/client.hpp"

#include <utility>

#include "http/connection_pool.hpp"
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/shown_url.hpp"
#include "leat/http/content.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"

namespace leat::http {
namespace {

bool may_repeat(std::string_view method) {
    for (std::string_view idempotent : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
        if (method == idempotent) return true;
    return false;
}

/// Whose requests have a body, be it an empty one: some servers want to be told its length (411).
bool means_a_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

/// As errors and traces name it everywhere, though it may be no URL.
std::string name_of(const std::string& asked) {
    try {
        return url::parse(asked).string();
    } catch (const url_error&) {
        return shown_url(asked);
    }
}

std::unique_ptr<detail::http_request> copied(const client_options& client, std::string_view method, std::string_view url, const request_options& options) {
    auto made = std::make_unique<detail::http_request>();
    detail::http_request& request = *made;
    request.method = method;
    request.url = url;
    if (options.headers) request.fields = *options.headers;
    // Where a body ends is said once, by who sends it: what was copied from another request would let the next one be taken for a part of this.
    for (auto framing : {"Content-Length", "Transfer-Encoding"}) request.fields.remove(framing);
    request.identity.own = detail::login{options.credentials};
    request.body = options.body;
    request.content = options.content;
    request.has_body = options.has_body || options.content || !options.body.empty() || means_a_body(method);
    if (!options.content_type.empty() && !request.fields.contains("Content-Type")) request.fields.add("Content-Type", options.content_type);
    if (options.content && !options.content->type().empty() && !request.fields.contains("Content-Type")) request.fields.add("Content-Type", options.content->type());
    request.may_repeat = may_repeat(method);
    request.timeout = options.timeout != duration::zero() ? options.timeout : client.total_timeout;
    request.decode = options.decompress.value_or(client.decompress);
    request.max_redirects = options.max_redirects.value_or(client.max_redirects);
    request.retries = options.retries.value_or(client.retries);
    return made;
}

task<response> answer(std::shared_ptr<detail::http_pool> pool, std::unique_ptr<detail::http_request> owned) {
    detail::http_request& request = *owned;
    if (request.timeout == duration::zero()) co_return response{co_await detail::perform(std::move(pool), request)};
    const duration limit = request.timeout;
    const std::string method = request.method;  // a redirect may change it
    request.deadline = now() + limit;
    auto done = co_await (timeout(limit, detail::perform(std::move(pool), request)) | as_result);
    if (done) co_return response{std::move(*done)};
    auto error = done.error().exception();
    try {
        std::rethrow_exception(error);
    } catch (const timeout_error& e) {
        const std::string_view text = e.what();
        if (text.starts_with(method + " http")) throw;  // named already
        throw timeout_error(detail::request_name(method, name_of(request.url)) + ": " + e.what());
    }
}

/// The same, where somebody wants to be told how it ends.
task<response> answer_telling(std::shared_ptr<detail::http_pool> pool, std::unique_ptr<detail::http_request> request) {
    detail::http_request told;
    told.method = request->method;
    told.number = request->number = pool->next_number();
    told.started = request->started = now();
    const std::string asked = request->url;
    auto done = co_await (answer(pool, std::move(request)) | as_result);
    if (done) co_return std::move(*done);
    pool->trace(trace_step::failed, told, name_of(asked), done.error().message());
    std::rethrow_exception(done.error().exception());
}

/// A request whose options could not even be copied.
task<response> refused(std::exception_ptr why) {
    std::rethrow_exception(why);
    co_return response{nullptr};
}

}  // namespace

client::client(client_options options) : pool_(std::make_shared<detail::http_pool>(options)) {}
client::client(client&&) noexcept = default;
client& client::operator=(client&& other) noexcept {
    if (this != &other) {
        if (pool_) pool_->close();
        pool_ = std::move(other.pool_);
    }
    return *this;
}
client::~client() {
    if (pool_) pool_->close();
}

task<response> client::get(std::string_view url, request_options options) { return request("GET", url, options); }
task<response> client::head(std::string_view url, request_options options) { return request("HEAD", url, options); }
task<response> client::request(std::string_view method, std::string_view url, request_options options) {
    try {
        if (pool_->traces()) return answer_telling(pool_, copied(pool_->options(), method, url, options));
        return answer(pool_, copied(pool_->options(), method, url, options));
    } catch (...) {
        return refused(std::current_exception());
    }
}

std::size_t client::idle_connections() const noexcept { return pool_->idle(); }
std::size_t client::open_connections() const noexcept { return pool_->open(); }

// ---- response

response::response(std::unique_ptr<detail::http_exchange> exchange) noexcept : exchange_(std::move(exchange)), body_(*exchange_) {}
response::response(response&&) noexcept = default;
response& response::operator=(response&&) noexcept = default;
response::~response() = default;

int response::status() const noexcept { return exchange_->status; }
const std::string& response::reason() const noexcept { return exchange_->reason; }
const headers& response::headers() const noexcept { return exchange_->fields; }
const std::string& response::url() const noexcept { return exchange_->url; }

task<std::string> response::text(bytes limit) {
    std::string all;
    if (auto size = body_.size(); size && *size <= limit.count) all.reserve(static_cast<std::size_t>(*size));
    while (auto piece = co_await body_.read()) {
        if (all.size() + piece->size() > limit.count)
            throw too_large_error(exchange_->name() + ": a body of more than " + std::to_string(limit.count) + " bytes");
        all.append(*piece);
    }
    co_return all;
}

void response::raise_for_status() const {
    if (status() >= 400) throw status_error(status(), reason(), url());
}

// ---- body

std::uint64_t body::received() const noexcept { return of_->received(); }
std::optional<std::uint64_t> body::size() const noexcept { return of_->size(); }
bool body::complete() const noexcept { return of_->complete(); }

}  // namespace leat::http
