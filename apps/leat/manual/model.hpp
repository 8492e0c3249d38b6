#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tool {

/// What the command line is made of, taken from the CLI11 objects that parse it: --help, the manual and the completions are all made of this, so that they cannot differ.
struct option_text {
    std::vector<std::string> names;  // "-i", "--input"; of a positional one: its own name
    std::string value;               // "FILE"; empty: it is a flag
    bool value_is_optional = false;  // "--netrc" and "--netrc=FILE"
    bool repeated = false;
    bool required = false;
    std::string description;
    std::string group;

    /// "-i,--input FILE", "--netrc[=FILE]".
    std::string spelling() const;
    /// Those that it takes, if they are few: {"auto", "basic"}.
    std::vector<std::string> choices() const;
    bool takes_file() const;
    bool takes_directory() const;
};

struct command_text {
    std::string name;         // "get"; empty: the program
    std::string path;         // "queue add", of a command of a command
    std::string description;
    std::vector<option_text> positionals;
    std::vector<option_text> options;
    std::vector<std::string> groups;  // of options, in their order
    std::string footer;
    std::vector<command_text> commands;
    bool hidden = false;
};

option_text describe(const CLI::Option& option);
command_text describe(const CLI::App& app, const std::string& above = {});
/// Those of its commands that are shown.
std::vector<const command_text*> shown_commands(const command_text& of);

/// Wraps a text that has no line ends.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

/// --help with descriptions that are wrapped, and with the spellings of the manual.
class help_formatter : public CLI::Formatter {
public:
    std::string make_option(const CLI::Option* option, bool is_positional) const override;
};

}  // namespace tool
