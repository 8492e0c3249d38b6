#pragma once
#include <string>
#include <vector>

#include "leat/download/download.hpp"
#include "leat/task/task.hpp"

namespace tool {

/// Reads a list of files to fetch to its end ("-": standard input), and appends them. Errors name the file and the line.
leat::task<> read_items(std::string name, std::vector<leat::download_item>& items);

}  // namespace tool
