#pragma once
#include <functional>
#include <string_view>

#include "leat/log/log.hpp"
#include "leat/task/task.hpp"

namespace CLI {
class App;
}

namespace tool {

/// What the command line asked for: the function to call, and what is logged unless the user says otherwise.
struct command {
    std::function<int()> run;
    leat::log::level log_level = leat::log::level::warn;
};

/// Each adds its subcommand, whose callback fills in the command. One file each.
void add_echo(CLI::App& app, command& chosen);
void add_serve(CLI::App& app, command& chosen);
void add_get(CLI::App& app, command& chosen);
void add_queue(CLI::App& app, command& chosen);
void add_manual(CLI::App& app, command& chosen);  // and completions

/// Exit statuses: 0 and those of leat::run (130 after Ctrl-C) beside these.
inline constexpr int failed = 1;
inline constexpr int misused = 2;

/// Runs a subcommand's task: its errors become "leat: NAME: …" on standard error and the status 1.
int run_command(std::string_view name, leat::task<int> work);

}  // namespace tool
