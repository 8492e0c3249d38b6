#pragma once
#include <string>

#include "manual/model.hpp"

namespace tool {

/// The page of the program (leat.1), or of one of its commands (leat-get.1), for man.
std::string man_page(const command_text& program, const command_text& command);

/// The completions for a shell: bash, zsh or fish.
std::string bash_completions(const command_text& program);
std::string zsh_completions(const command_text& program);
std::string fish_completions(const command_text& program);

}  // namespace tool
