#pragma once
#include <string>
#include <string_view>

namespace tool {

/// What a request's target asks for, as a name below the served directory.
struct request_path {
    int status = 200;        // or why it names nothing: 400, 404
    std::string relative;    // decoded; without "..", empty components or a '/' at either end; "" is the directory itself
    bool slash = false;      // the target ended in '/': a directory is meant
};

/// Reads "/a%20b/c?query", or an absolute URL as sent to proxies. Each component is decoded by itself, so that an encoded slash never separates.
request_path parse_request_path(std::string_view target);

/// The same name as a path in a link: "/a%20b/c", with a '/' at its end if `slash`. Never begins with "//".
std::string link_path(std::string_view relative, bool slash);

}  // namespace tool
