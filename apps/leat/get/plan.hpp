#pragma once
#include "get/arguments.hpp"
#include "get/source.hpp"
#include "leat/task/task.hpp"

namespace tool {

/// Prints what would be fetched, and to where. Makes no request, unless `--dry-run=ask` asks the servers for the heads (HEAD). @return the exit status.
leat::task<int> print_plan(item_source& source, const get_arguments& asked);

}  // namespace tool
