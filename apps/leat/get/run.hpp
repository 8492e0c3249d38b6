#pragma once
#include "get/arguments.hpp"
#include "get/source.hpp"
#include "leat/task/task.hpp"
#include "progress/display.hpp"

namespace tool {

class list_source;

/// Fetches what `source` gives, shows it on `show`, and writes what was asked for: events, the report, the table.
/// @param list the source again, if it is one of lists; null for a queue. All have to outlive the task.
/// @return the exit status.
leat::task<int> fetch(item_source& source, const list_source* list, const get_arguments& asked, display& show);

}  // namespace tool
