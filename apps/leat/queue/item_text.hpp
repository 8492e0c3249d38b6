#pragma once
#include <string>
#include <string_view>

#include "leat/download/download.hpp"

namespace tool {

/// A file to fetch as JSON, without its name: {"url": "…", "mirrors": ["…"], "checksum": "sha256:…", "size": 1, "headers": [["name", "value"]], "user": "…",
/// "password": "…", "max_rate": 1, "segments": 1, "existing": "skip"}. What is not set is not there.
std::string to_json(const leat::download_item& item);

/// The way back; the name stays empty. Throws std::invalid_argument. Unknown members are for a later version, and an error: an item must not be fetched
/// otherwise than it was meant.
leat::download_item item_from_json(std::string_view text);

/// The name below the directory in which a worker saves it, as the item wishes it: its own directory and name, else what its URL says.
/// Throws std::invalid_argument for one that leads out of a directory: a queue's names come over the network.
std::string wished_name(const leat::download_item& item);
/// Does it stay below the directory that it is joined to? Not "", "/a", "a/../../b", nor with control characters, nor longer than names may be, nor a journal's.
bool stays_below(std::string_view name) noexcept;

/// What makes two items the same one: the URL, and the name that it was given.
std::string key_of(const leat::download_item& item);

/// A URL without the user and password in it.
std::string without_credentials(std::string_view url);

}  // namespace tool
