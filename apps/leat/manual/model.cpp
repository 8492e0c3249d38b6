#include "manual/model.hpp"

#include <algorithm>

namespace tool {
namespace {

constexpr std::size_t help_column = 34;
constexpr std::size_t help_width = 110;

}  // namespace

std::string option_text::spelling() const {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
    if (value.empty()) return text;
    return text + (value_is_optional ? "[=" + value + "]" : " " + value);
}

std::vector<std::string> option_text::choices() const {
    std::vector<std::string> found;
    if (value.find('|') == std::string::npos && !value_is_optional) return found;
    for (const std::string& word : CLI::detail::split(value, '|')) {
        const bool plain = std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
        if (plain) found.push_back(word);
    }
    return found;
}

bool option_text::takes_file() const { return value.find("FILE") != std::string::npos || value == "PROGRAM"; }
bool option_text::takes_directory() const { return value == "DIR"; }

option_text describe(const CLI::Option& option) {
    option_text text;
    if (option.get_positional()) {
        text.names.push_back(option.get_name(true));
    } else {
        for (const std::string& name : option.get_snames()) text.names.push_back("-" + name);
        for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
        text.value = option.get_option_text();
    }
    text.value_is_optional = option.get_items_expected() == 0;
    text.repeated = option.get_items_expected_max() > 1;
    text.required = option.get_required();
    text.description = option.get_description();
    text.group = option.get_group();
    return text;
}

command_text describe(const CLI::App& app, const std::string& above) {
    command_text text;
    if (app.get_parent() != nullptr) text.name = app.get_name();
    text.path = above.empty() ? text.name : above + " " + text.name;
    text.description = app.get_description();
    text.footer = app.get_footer();
    text.hidden = app.get_group().empty();
    for (const CLI::Option* option : app.get_options({})) {
        if (option->get_positional()) {
            text.positionals.push_back(describe(*option));
        } else if (!option->get_group().empty()) {
            text.options.push_back(describe(*option));
            if (std::find(text.groups.begin(), text.groups.end(), option->get_group()) == text.groups.end()) text.groups.push_back(option->get_group());
        }
    }
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) text.commands.push_back(describe(*command, text.path));
    return text;
}

std::vector<const command_text*> shown_commands(const command_text& of) {
    std::vector<const command_text*> found;
    for (const command_text& each : of.commands)
        if (!each.hidden) found.push_back(&each);
    return found;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
    std::vector<std::string> lines;
    std::string line;
    for (const std::string& word : CLI::detail::split(text, ' ')) {
        if (!line.empty() && line.size() + 1 + word.size() > width) {
            lines.push_back(line);
            line.clear();
        }
        if (!line.empty()) line += ' ';
        line += word;
    }
    if (!line.empty() || lines.empty()) lines.push_back(line);
    return lines;
}

std::string help_formatter::make_option(const CLI::Option* option, bool is_positional) const {
    const option_text text = describe(*option);
    std::string left = "  " + text.spelling();
    if (is_positional && text.repeated) left += " ...";
    std::string out = left;
    std::size_t column = left.size();
    for (const std::string& line : wrapped(text.description, help_width - help_column)) {
        if (column + 1 > help_column) out += "\n", column = 0;
        out += std::string(help_column - column, ' ') + line;
        column = help_width;
    }
    return out + "\n";
}

}  // namespace tool
