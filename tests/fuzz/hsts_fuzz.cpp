// Strict-Transport-Security fields, files of known hosts, and what a table makes of them.

#include <cstdint>
#include <string>

#include "http/hsts_table.hpp"
#include "require.hpp"

using namespace leat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    constexpr std::int64_t now = 1'700'000'000;

    detail::hsts_table learnt;
    const auto policy = detail::parse_hsts(data);
    require(learnt.take("example.org", data, now) == policy.has_value());
    require(learnt.covers("example.org", now) == (policy && policy->max_age > 0));
    require(learnt.covers("www.example.org", now) == (policy && policy->max_age > 0 && policy->subdomains));
    require(!learnt.covers("notexample.org", now) && !learnt.covers("org", now));
    if (policy) require(!learnt.covers("example.org", now + static_cast<std::int64_t>(policy->max_age)));

    detail::hsts_table named;
    const bool is_name = named.take(data, "max-age=1", now);
    require(is_name == named.covers(data, now));
    require(named.remove(data) == is_name && named.size() == 0);

    detail::hsts_table file;
    const std::size_t taken = file.take_file(data, now);
    require(file.size() <= taken);
    for (const http::hsts_host& one : file.all(now)) {
        require(file.covers(one.host, now));
        require(!one.subdomains || one.host.size() > 250 || file.covers("a." + one.host, now));
        for (const char c : one.host) require(c > ' ' && c < 0x7F && c != '"');
    }
    const std::string written = file.as_file(now);
    detail::hsts_table again;
    require(again.take_file(written, now) == file.all(now).size());
    require(again.as_file(now) == written);
    return 0;
}
