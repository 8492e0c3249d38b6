#include "leat/http/cookies.hpp"

#include <utility>

#include "http/cookie_store.hpp"
#include "http/private_file.hpp"
#include "http/wall_clock.hpp"
#include "leat/fs/file.hpp"

namespace leat::http {
namespace {

constexpr bytes largest_file{std::size_t{16} * 1024 * 1024};

task<std::size_t> load_into(std::shared_ptr<detail::cookie_store> store, path name) {
    const std::string text = co_await read_file(std::move(name), largest_file);
    co_return store->take_file(text, detail::seconds_since_1970());
}

}  // namespace

cookie_jar::cookie_jar() : store_(std::make_shared<detail::cookie_store>()) {}

bool cookie_jar::take(std::string_view from, std::string_view set_cookie) { return store_->take(url::parse(from), set_cookie, detail::seconds_since_1970()); }
void cookie_jar::set(cookie one) { store_->set(std::move(one), detail::seconds_since_1970()); }
std::string cookie_jar::header_for(std::string_view to) const { return store_->header_for(url::parse(to), detail::seconds_since_1970()); }

std::vector<cookie> cookie_jar::all() const { return store_->all(detail::seconds_since_1970()); }
std::optional<std::string> cookie_jar::find(std::string_view to, std::string_view name) const {
    for (cookie& one : store_->matching(url::parse(to), detail::seconds_since_1970()))
        if (one.name == name) return std::move(one.value);
    return std::nullopt;
}
std::size_t cookie_jar::remove(std::string_view domain, std::string_view path, std::string_view name) { return store_->remove(domain, path, name); }
void cookie_jar::end_session() { store_->end_session(); }
void cookie_jar::clear() { store_->clear(); }
std::size_t cookie_jar::size() const noexcept { return store_->size(); }

task<std::size_t> cookie_jar::load(path name) { return load_into(store_, std::move(name)); }
task<> cookie_jar::save(path name, bool session_cookies) const {
    return detail::write_private_file(std::move(name), store_->as_file(session_cookies, detail::seconds_since_1970()));
}

}  // namespace leat::http
