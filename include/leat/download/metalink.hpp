#pragma once
#include <string_view>
#include <vector>

#include "leat/download/download.hpp"

namespace leat {

/// Reads a Metalink document (version 4, RFC 5854): each file with its mirrors by priority, its size and its strongest hash. Names are made
/// safe: directories in them stay, an absolute one or one with ".." is refused, as are two files of one name.
/// Throws std::invalid_argument that says what is wrong; a file without a hash, or without an http or https URL, is refused. Limits: 16 MiB, 100,000 files, no document type (DTD), no
/// entities but XML's own. Version 3 is not read, and said to be that.
std::vector<download_item> parse_metalink(std::string_view document);

}  // namespace leat
