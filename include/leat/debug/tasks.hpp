#pragma once
#include <string>

namespace leat::debug {

/// The tree of this loop's tasks: each strand with the line every frame waits at, innermost last, and what it waits for.
/// Costs nothing until it is called; allocates the text. Source: asyncio.print_call_graph, `asyncio pstree`.
std::string format_tasks();

/// Prints `format_tasks()` on standard error, under a line that names the loop. With `run_options::tasks_on_sigusr1` the signal does the same for
/// every loop of the process; a loop that is held by a task prints when it is free again.
void print_tasks();

}  // namespace leat::debug
