#include "get/jars.hpp"

#include <optional>

#include "leat/fs/status.hpp"
#include "leat/http/cookies.hpp"
#include "leat/http/hsts.hpp"

namespace tool {

struct jars::state {
    std::optional<leat::http::cookie_jar> cookies;
    std::optional<leat::http::hsts_store> hsts;
};

jars::jars() : state_(std::make_unique<state>()) {}
jars::~jars() = default;

leat::task<> jars::load(const get_arguments& asked) {
    if (!asked.cookies.empty() || !asked.save_cookies.empty()) state_->cookies.emplace();
    if (!asked.cookies.empty()) co_await state_->cookies->load(asked.cookies);
    if (asked.hsts.empty()) co_return;
    state_->hsts.emplace();
    // The first time there is none.
    auto found = co_await leat::exists(asked.hsts);
    if (found == leat::present) co_await state_->hsts->load(asked.hsts);
}

void jars::put_into(leat::http::client_options& options) const {
    if (state_->cookies) options.cookies = &*state_->cookies;
    if (state_->hsts) options.hsts = &*state_->hsts;
}

leat::task<> jars::save(const get_arguments& asked) {
    if (!asked.save_cookies.empty()) co_await state_->cookies->save(asked.save_cookies);
    if (!asked.hsts.empty()) co_await state_->hsts->save(asked.hsts);
}

}  // namespace tool
