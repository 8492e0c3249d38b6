// Whatever is accepted as a URL is safe to send and parses again to itself; whatever it is, its file name is one
// harmless component.

#include <cstdint>
#include <string>

#include "http/url.hpp"
#include "leat/http/error.hpp"
#include "leat/io/path.hpp"
#include "require.hpp"

using leat::http::url;

namespace {

void check(const url& u) {
    for (char c : u.string()) require(c > 0x20 && c < 0x7F);
    require(u.target().starts_with('/') && u.target().find('#') == std::string_view::npos);
    require(!u.host().empty() && u.port() != 0);
    require(u.host().find_first_of("/@?#\\%") == std::string_view::npos);
    require(u.origin().starts_with(u.scheme()));
    const auto again = url::parse(u.string());
    require(again.string() == u.string() && again.origin() == u.origin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    static const url base = url::parse("https://user:pw@example.org:8443/a/b/c?d");
    std::string plainly, tidied;
    try {
        const auto parsed = url::parse(data);
        check(parsed);
        plainly = parsed.string() + parsed.origin();
    } catch (const leat::http::url_error&) {
    }
    try {
        const auto parsed = url::parse(" " + std::string{data});  // the blank keeps it from being read in the short way
        tidied = parsed.string() + parsed.origin();
    } catch (const leat::http::url_error&) {
    }
    require(plainly == tidied);
    try {
        const auto resolved = base.resolve(data);
        check(resolved);
        require(!resolved.has_credentials() || resolved.same_origin(base) || data.find('@') != std::string_view::npos);
    } catch (const leat::http::url_error&) {
    }
    const std::string name = leat::file_name_of(data).string();
    require(!name.empty() && name.size() <= 255 && name != "." && name != "..");
    for (char c : name) require(c != '/' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
    return 0;
}
