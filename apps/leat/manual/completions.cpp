#include <algorithm>
#include <string>
#include <vector>

#include "manual/man_page.hpp"

namespace tool {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
    return text;
}

/// The first sentence or clause, without what shells would take as their own.
std::string brief(const std::string& description) {
    std::string text = description.substr(0, description.find_first_of(";:("));
    while (text.ends_with(' ')) text.pop_back();
    std::string out;
    for (const char c : text)
        if (c != '\'' && c != '[' && c != ']' && c != '\\' && c != '"' && c != '`' && c != '$') out += c;
    return out;
}

std::vector<std::string> names_of(const command_text& of) {
    std::vector<std::string> names;
    for (const option_text& option : of.options) names.insert(names.end(), option.names.begin(), option.names.end());
    return names;
}

std::vector<std::string> names_of(const std::vector<const command_text*>& commands) {
    std::vector<std::string> names;
    for (const command_text* each : commands) names.push_back(each->name);
    return names;
}

/// Commands and the commands of commands.
std::vector<const command_text*> all_commands(const command_text& of) {
    std::vector<const command_text*> found;
    for (const command_text* each : shown_commands(of)) {
        found.push_back(each);
        for (const command_text* below : all_commands(*each)) found.push_back(below);
    }
    return found;
}

/// "case" branches of the options that take a value, by what it is.
std::string bash_values(const command_text& of, const std::string& prefix) {
    std::string text;
    for (const option_text& option : of.options) {
        if (option.value.empty()) continue;
        std::vector<std::string> patterns;
        for (const std::string& name : option.names) patterns.push_back("'" + prefix + name + "'");
        const auto choices = option.choices();
        text += "    " + joined(patterns, "|") + ")\n        ";
        if (!choices.empty()) text += "mapfile -t COMPREPLY < <(compgen -W '" + joined(choices, " ") + "' -- \"$cur\")";
        else if (option.takes_directory()) text += "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")";
        else if (option.takes_file()) text += "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
        else text += ":";
        if (option.value_is_optional) text += "\n        [ \"$equals\" ] && return ;;\n";
        else text += "\n        return ;;\n";
    }
    return text;
}

/// "-o", "--output": the spellings of one option for zsh's _arguments.
std::string zsh_option(const option_text& option) {
    std::string value;
    if (!option.value.empty()) {
        std::string action;
        if (const auto choices = option.choices(); !choices.empty()) action = "(" + joined(choices, " ") + ")";
        else if (option.takes_directory()) action = "_files -/";
        else if (option.takes_file()) action = "_files";
        std::string label;
        for (const char c : option.value)
            if (c != ':' && c != '|') label += c;
            else label += ' ';
        value = std::string{option.value_is_optional ? "::" : ":"} + label + ":" + action;
    }
    std::string text;
    for (const std::string& name : option.names) {
        std::string shown = name;
        if (!option.value.empty()) shown += name.starts_with("--") ? (option.value_is_optional ? "=-" : "=") : "+";
        std::string excluded = option.repeated ? "*" : "(" + joined(option.names, " ") + ")";
        text += "        '" + excluded + shown + "[" + brief(option.description) + "]" + value + "' \\\n";
    }
    return text;
}

std::string fish_option(const option_text& option, const std::string& condition) {
    std::string text = "complete -c leat -n '" + condition + "'";
    for (const std::string& name : option.names) text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    if (!option.value.empty() && !option.value_is_optional) {
        const auto choices = option.choices();
        if (!choices.empty()) text += " -x -a '" + joined(choices, " ") + "'";
        else if (option.takes_directory()) text += " -x -a '(__fish_complete_directories)'";
        else text += option.takes_file() ? " -r -F" : " -x";
    }
    return text + " -d '" + brief(option.description) + "'\n";
}

}  // namespace

std::string bash_completions(const command_text& program) {
    const auto all = all_commands(program);
    const std::string global = joined(names_of(program), " ");
    std::string text = R"(# bash completion for leat; made by 'leat completions bash' from the options themselves.
_leat() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= options= files=1 equals= word
    # bash takes '=' for a word of its own.
    if [ "$cur" = = ]; then cur= equals=1
    elif [ "$prev" = = ] && [ "$COMP_CWORD" -gt 2 ]; then prev=${COMP_WORDS[COMP_CWORD-2]} equals=1
    fi
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$command $word" in
)";
    for (const command_text* each : all) {
        const auto above = each->path.rfind(' ');
        text += "        '" + (above == std::string::npos ? "" : each->path.substr(0, above)) + " " + each->name + "') command='" + each->path + "' ;;\n";
    }
    text += "        esac\n    done\n    case \"$command $prev\" in\n";
    for (const command_text* each : all) text += bash_values(*each, each->path + " ");
    for (const option_text& option : program.options) {
        if (option.value.empty()) continue;
        command_text one;
        one.options.push_back(option);
        text += bash_values(one, " ");
        for (const command_text* each : all) text += bash_values(one, each->path + " ");
    }
    text += "    esac\n    case $command in\n    '') files= options='" + joined(names_of(shown_commands(program)), " ") + " " + global + "' ;;\n";
    for (const command_text* each : all) {
        const auto below = names_of(shown_commands(*each));
        text += "    '" + each->path + "') " + (below.empty() ? "" : "files= ") + "options='" + joined(below, " ") + (below.empty() ? "" : " ") +
                joined(names_of(*each), " ") + " " + global + "' ;;\n";
    }
    text += R"(    esac
    if [ -z "$files" ] || [ "${cur:0:1}" = - ]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -F _leat leat
)";
    return text;
}

std::string zsh_completions(const command_text& program) {
    std::string text = "#compdef leat\n# zsh completion for leat; made by 'leat completions zsh' from the options themselves.\n_leat() {\n"
                       "    local curcontext=\"$curcontext\" state line\n    local -a commands\n    commands=(\n";
    for (const command_text* each : shown_commands(program)) text += "        '" + each->name + ":" + brief(each->description) + "'\n";
    text += "    )\n    _arguments -C \\\n";
    for (const option_text& option : program.options) text += zsh_option(option);
    text += "        '1:command:->command' '*::argument:->argument'\n    case $state in\n    (command) _describe command commands ;;\n"
            "    (argument)\n        case $words[1] in\n";
    auto arguments = [&program](const command_text& of, const std::string& last) {
        std::string made = "_arguments \\\n";
        for (const option_text& option : of.options) made += zsh_option(option);
        for (const option_text& option : program.options)
            if (option.names.back() != "--help" && option.names.back() != "--version") made += zsh_option(option);
        return made + "        '" + last + "' ;;\n";
    };
    for (const command_text* each : shown_commands(program)) {
        const auto below = shown_commands(*each);
        if (below.empty()) {
            text += "        (" + each->name + ") " + arguments(*each, "*:argument:_files");
            continue;
        }
        text += "        (" + each->name + ") case $words[2] in\n";
        for (const command_text* one : below) text += "        (" + one->name + ") shift words; (( CURRENT-- )); " + arguments(*one, "*:argument:_files");
        text += "        (*) " + arguments(*each, "1:command:(" + joined(names_of(below), " ") + ")") + "        esac ;;\n";
    }
    return text + "        esac ;;\n    esac\n}\n_leat \"$@\"\n";
}

std::string fish_completions(const command_text& program) {
    std::string text = "# fish completion for leat; made by 'leat completions fish' from the options themselves.\n";
    for (const option_text& option : program.options) {
        const bool everywhere = option.names.back() != "--version";
        text += fish_option(option, everywhere ? "true" : "__fish_use_subcommand");
    }
    for (const command_text* each : shown_commands(program))
        text += "complete -c leat -n __fish_use_subcommand -f -a " + each->name + " -d '" + brief(each->description) + "'\n";
    for (const command_text* each : shown_commands(program)) {
        const std::string seen = "__fish_seen_subcommand_from " + each->name;
        const auto below = shown_commands(*each);
        for (const command_text* one : below) {
            text += "complete -c leat -n '" + seen + "; and not __fish_seen_subcommand_from " + joined(names_of(below), " ") + "' -f -a " + one->name + " -d '" +
                    brief(one->description) + "'\n";
            for (const option_text& option : one->options)
                if (option.names.back() != "--help") text += fish_option(option, seen + "; and __fish_seen_subcommand_from " + one->name);
        }
        for (const option_text& option : each->options)
            if (option.names.back() != "--help") text += fish_option(option, seen);
    }
    return text;
}

}  // namespace tool
