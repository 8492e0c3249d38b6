#pragma once
#include <string>

namespace leat::debug {

/// The tree of this loop's tasks: each strand with the line every frame waits at, innermost last, and what it waits for.
/// Costs nothing until it is called; allocates the text. Source: asyncio.print_call_graph, `asyncio pstree`.
std::string format_tasks();

/// Prints `format_tasks()` on standard error.
void print_tasks();

}  // namespace leat::debug
