// The name under which `leat get` saves a URL. Part of it was chosen by a stranger, and it becomes a path on this
// machine, so what remains is one harmless component.

#include <algorithm>
#include <string>
#include <string_view>

#include "http/ascii.hpp"
#include "http/percent.hpp"
#include "http/safe_name.hpp"
#include "http/shown_url.hpp"
#include "leat/io/path.hpp"

namespace leat {

namespace {

std::string_view last_segment(std::string_view url) {
    url = url.substr(0, http::ascii::find_any(url, "?#"));
    if (const auto who = url.find('@') == std::string_view::npos ? std::nullopt : http::identity_in(url)) {
        // A password is no name, not even that of a URL that is wrong.
        url.remove_prefix(who->whole.begin + who->whole.size);
        url.remove_prefix(std::min(url.find('/'), url.size()));
    } else if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
        url.remove_prefix(scheme + 3);
        // Without a path there is no segment, and the host is not one.
        url.remove_prefix(std::min(url.find('/'), url.size()));
    }
    return url.substr(url.rfind('/') + 1);
}

}  // namespace

path file_name_of(std::string_view url) {
    // Encoded dots and slashes count: they are what they decode to.
    std::string name = http::safe_component(http::percent_decode(last_segment(url)));
    if (name.empty()) name = "index.html";
    return path{std::move(name)};
}

}  // namespace leat
