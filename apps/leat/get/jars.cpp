#include "get/jars.hpp"

#include <stdexcept>

namespace tool {

struct jars::state {};

jars::jars() = default;
jars::~jars() = default;

leat::task<> jars::load(const get_arguments& asked) {
    if (!asked.cookies.empty() || !asked.save_cookies.empty() || !asked.hsts.empty()) throw std::runtime_error("cookies and HSTS are not built in yet");
    co_return;
}

void jars::put_into(leat::http::client_options&) const {}

leat::task<> jars::save(const get_arguments&) { co_return; }

}  // namespace tool
