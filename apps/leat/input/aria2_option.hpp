#pragma once
#include <string>
#include <string_view>

#include "input/entry.hpp"

namespace tool {

/// One of aria2's options for a file. What is ignored is said in the text that is returned; throws std::invalid_argument for a value that is none.
std::string apply_aria2_option(input_entry& to, std::string_view name, std::string_view value);
/// What becomes of a file that is there, once all of aria2's options about it are known.
void settle_existing(input_entry& of);

}  // namespace tool
