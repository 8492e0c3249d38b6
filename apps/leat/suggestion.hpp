#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tool {

/// The one of `names` that `word` was probably meant to be; empty: none is near enough.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace tool
