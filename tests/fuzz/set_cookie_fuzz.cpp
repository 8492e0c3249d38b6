// Set-Cookie fields, cookies.txt, and what a jar makes of them.

#include <cstdint>
#include <string>

#include "http/cookie_store.hpp"
#include "require.hpp"

using namespace leat;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    constexpr std::int64_t now = 1'700'000'000;
    static const http::url here = http::url::parse("https://www.example.org/a/b"), elsewhere = http::url::parse("https://example.net/a/b");
    if (const auto one = detail::parse_set_cookie(data, now)) {
        require(one->name.size() + one->value.size() <= detail::longest_cookie);
        require(!detail::has_cookie_control(one->value) && one->value.find(';') == std::string::npos);
    }
    detail::parse_cookie_date(data);
    detail::cookie_store store;
    store.take(here, data, now);
    require(store.size() <= 1);
    require(store.header_for(elsewhere, now).empty());
    require(!detail::has_cookie_control(store.header_for(here, now)));
    detail::cookie_store file;
    file.take_file(data, now);
    detail::cookie_store again;
    again.take_file(file.as_file(true, now), now);
    require(again.as_file(true, now) == file.as_file(true, now));
    return 0;
}
