#pragma once
#include <string>
#include <string_view>

#include "leat/fs/directory.hpp"

namespace tool {

/// A directory as an HTML page: directories first, each by name; names escaped, links encoded. `relative` is the directory's own name.
std::string listing_page(std::string_view relative, leat::directory_listing listing);

/// The text with '&', '<', '>' and quotation marks as entities, and without control characters.
std::string html_text(std::string_view text);

}  // namespace tool
