#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/entry.hpp"

namespace tool {

/// What one object says about a file. Fields that are not known go to `ignored`; throws std::invalid_argument that names the field that is wrong.
std::unique_ptr<input_entry> entry_of_json(std::string_view line, bool patterns, std::vector<std::string>& ignored);

}  // namespace tool
