#include "manual/man_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string_view>

#include "log/utf8.hpp"

namespace tool {
namespace {

/// For roff: what it would take as its own is escaped, and so is what is not ASCII.
std::string escaped(std::string_view text) {
    std::string out;
    if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
    while (!text.empty()) {
        const auto c = leat::utf8::decode(text);
        text.remove_prefix(c.size);
        if (c.code == U'\\') out += "\\e";
        else if (c.code == U'-') out += "\\-";
        else if (c.code == U'\'') out += "\\(aq";
        else if (c.code == U'`') out += "\\(ga";
        else if (c.code == U'^') out += "\\(ha";
        else if (c.code == U'~') out += "\\(ti";
        else if (c.code == U'…') out += "...";  // has no other form on a terminal without UTF-8
        else if (c.code < 0x80) out += static_cast<char>(c.code);
        else out += fmt::format("\\[u{:04X}]", static_cast<std::uint32_t>(c.code));
    }
    return out;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

bool is_heading(const std::string& line) { return line.size() > 1 && line.size() < 40 && line.ends_with(':') && !line.starts_with(' '); }

/// A footer as --help has it: paragraphs, lines that begin with two spaces stay as they are, "Examples:" alone on its line begins a section.
/// The text before the first such line and the sections are two pieces of a page.
struct footer_pieces {
    std::string text;
    std::string sections;
};

footer_pieces pieces_of(const std::string& footer) {
    footer_pieces pieces;
    std::string* to = &pieces.text;
    std::istringstream lines(footer);
    bool verbatim = false;
    auto end_verbatim = [&] {
        if (verbatim) *to += ".fi\n";
        verbatim = false;
    };
    bool blank = false;
    for (std::string line; std::getline(lines, line);) {
        if (is_heading(line)) {
            end_verbatim();
            to = &pieces.sections;
            *to += ".SH " + upper(line.substr(0, line.size() - 1)) + "\n";
            blank = false;
            continue;
        }
        if (line.empty()) {
            blank = true;
            continue;
        }
        const bool fixed = line.starts_with("  ");
        if (!fixed) end_verbatim();
        const bool after_heading = to->empty() || to->rfind(".SH", to->size() > 60 ? to->size() - 60 : 0) == to->rfind('\n', to->size() - 2) + 1;
        if (blank && !verbatim && !after_heading) *to += ".PP\n";
        if (fixed && !verbatim) *to += ".nf\n";
        verbatim = fixed;
        blank = false;
        *to += escaped(fixed ? line.substr(2) : line) + "\n";
    }
    end_verbatim();
    return pieces;
}

std::string bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + escaped(text) + "\\fR"; }

std::string option_entry(const option_text& option) {
    std::string names;
    for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + bold(name);
    if (!option.value.empty()) names += option.value_is_optional ? "[=" + italic(option.value) + "]" : " " + italic(option.value);
    return ".TP\n" + names + "\n" + escaped(option.description) + "\n";
}

std::string options_of(const command_text& of) {
    std::string text;
    for (const std::string& group : of.groups) {
        text += ".SS " + group + "\n";
        for (const option_text& option : of.options)
            if (option.group == group) text += option_entry(option);
    }
    return text;
}

std::string positionals_of(const command_text& command) {
    std::string text;
    for (const option_text& each : command.positionals)
        text += (each.required ? "" : "[") + italic(each.names.front()) + (each.required ? "" : "]") + (each.repeated ? "...\n" : "\n");
    return text;
}

/// A command of a command, as a part of its page.
std::string nested(const command_text& command) {
    const footer_pieces footer = pieces_of(command.footer);
    std::string text = ".SS leat " + escaped(command.path) + "\n" + escaped(command.description) + ".\n";
    if (!footer.text.empty()) text += ".PP\n" + footer.text;
    for (const option_text& each : command.positionals) text += option_entry(each);
    for (const option_text& each : command.options)
        if (each.names.back() != "--help") text += option_entry(each);
    const auto examples = footer.sections.find(".nf\n");
    return examples == std::string::npos ? text : text + ".PP\n" + footer.sections.substr(examples);
}

}  // namespace

std::string man_page(const command_text& program, const command_text& command) {
    const bool whole = command.name.empty();
    const std::string name = whole ? "leat" : "leat-" + command.name;
    std::string text = ".\\\" Made by 'leat manual' from the options themselves.\n.TH " + upper(name) + " 1 \"\" \"leat " LEAT_VERSION "\" \"leat\"\n";
    text += ".SH NAME\n" + escaped(name) + " \\- " + escaped(command.description) + "\n.SH SYNOPSIS\n" + bold(whole ? "leat" : "leat " + command.name) + "\n";
    if (!command.options.empty()) text += "[" + italic("OPTIONS") + "]\n";
    const auto commands = shown_commands(command);
    if (!commands.empty()) text += italic("COMMAND") + "\n[" + italic("ARGUMENTS") + "]\n";
    text += positionals_of(command);
    const footer_pieces footer = pieces_of(command.footer);
    text += ".SH DESCRIPTION\n";
    text += footer.text.empty() ? escaped(command.description) + ".\n" : footer.text;
    for (const option_text& each : command.positionals) text += option_entry(each);
    if (whole) {
        text += ".SH COMMANDS\n";
        for (const command_text* each : commands)
            text += ".TP\n" + bold(each->name) + "\n" + escaped(each->description) + "; see " + bold("leat-" + each->name) + "(1)\n";
    } else if (!commands.empty()) {
        text += ".SH COMMANDS\n";
        for (const command_text* each : commands) text += nested(*each);
    }
    text += ".SH OPTIONS\n" + options_of(command);
    if (!whole) text += ".SS Of every command\n";
    if (!whole)
        for (const option_text& option : program.options)
            if (option.names.back() != "--help" && option.names.back() != "--version") text += option_entry(option);
    text += footer.sections + ".SH SEE ALSO\n";
    std::string others;
    for (const command_text* each : shown_commands(program))
        if (each->name != command.name) others += (others.empty() ? "" : ", ") + bold("leat-" + each->name) + "(1)";
    if (!whole) others = bold("leat") + "(1)" + (others.empty() ? "" : ", ") + others;
    return text + others + "\n";
}

}  // namespace tool
