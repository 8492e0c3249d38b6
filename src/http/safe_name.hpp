#pragma once
#include <string>
#include <string_view>

namespace leat::http {

/// One harmless component of a path, made of text that a stranger chose: no '/', no control characters, none that reorder text, valid UTF-8, at most 255
/// bytes, cut so that the extension stays; "." and ".." become "_" and "__". Empty text stays empty.
std::string safe_component(std::string_view text);
/// The same, and not hidden: dots at its beginning become '_'.
std::string safe_visible_component(std::string_view text);

}  // namespace leat::http
