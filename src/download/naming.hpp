#pragma once
#include <string>
#include <string_view>

namespace leat::detail {

/// The file name in a Content-Disposition field (RFC 6266, RFC 8187: filename* before filename), made safe as file_name_of() makes it: one component, no control
/// characters, not hidden, at most 255 bytes. Empty: it has none.
std::string name_from_disposition(std::string_view field);
/// "HOST/PATH" as in the URL, each component made safe; "index.html" for a path that ends with '/'. A port that is not the scheme's own is kept ("host_8080").
std::string mirror_path_of(std::string_view url);

}  // namespace leat::detail
