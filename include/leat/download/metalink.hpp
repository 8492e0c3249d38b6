#pragma once
#include <string_view>
#include <vector>

#include "leat/download/download.hpp"

namespace leat {

/// Reads a Metalink document (version 4, RFC 5854): each file with its mirrors by priority, its size and its strongest hash. Names are made safe: below the directory.
/// Throws std::invalid_argument that says what is wrong; a file without a hash, or without an http or https URL, is refused. Limits: 16 MiB, 100,000 files, no external entities.
std::vector<download_item> parse_metalink(std::string_view document);

}  // namespace leat
