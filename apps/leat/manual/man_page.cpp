#include "manual/man_page.hpp"

#include <algorithm>
#include <sstream>

namespace tool {
namespace {

/// For roff: what it would take as its own is escaped.
std::string escaped(const std::string& text) {
    std::string out;
    if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
    for (const char c : text) {
        if (c == '\\') out += "\\e";
        else if (c == '-') out += "\\-";
        else if (c == '\'') out += "\\(aq";
        else if (c == '`') out += "\\(ga";
        else if (c == '^') out += "\\(ha";
        else if (c == '~') out += "\\(ti";
        else out += c;
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

}  // namespace

std::string man_page(const command_text& program, const command_text& command) {
    const bool whole = command.name.empty();
    const std::string name = whole ? "leat" : "leat-" + command.name;
    std::string text = ".\\\" Made by 'leat manual' from the options themselves.\n.TH " + upper(name) + " 1 \"\" \"leat " LEAT_VERSION "\" \"leat\"\n";
    text += ".SH NAME\n" + escaped(name) + " \\- " + escaped(command.description) + "\n.SH SYNOPSIS\n" + bold(whole ? "leat" : "leat " + command.name) + "\n";
    if (!command.options.empty()) text += "[" + italic("OPTIONS") + "]\n";
    if (whole) text += italic("COMMAND") + "\n[" + italic("ARGUMENTS") + "]\n";
    for (const option_text& each : command.positionals)
        text += (each.required ? "" : "[") + italic(each.names.front()) + (each.required ? "" : "]") + (each.repeated ? "...\n" : "\n");
    const footer_pieces footer = pieces_of(command.footer);
    text += ".SH DESCRIPTION\n";
    text += footer.text.empty() ? escaped(command.description) + ".\n" : footer.text;
    for (const option_text& each : command.positionals) text += option_entry(each);
    if (whole) {
        text += ".SH COMMANDS\n";
        for (const command_text& each : program.commands)
            if (!each.hidden) text += ".TP\n" + bold(each.name) + "\n" + escaped(each.description) + "; see " + bold("leat-" + each.name) + "(1)\n";
    }
    text += ".SH OPTIONS\n" + options_of(command);
    if (!whole) text += ".SS Of every command\n";
    if (!whole)
        for (const option_text& option : program.options)
            if (option.names.back() != "--help" && option.names.back() != "--version") text += option_entry(option);
    text += footer.sections + ".SH SEE ALSO\n";
    std::string others;
    for (const command_text& each : program.commands)
        if (!each.hidden && each.name != command.name) others += (others.empty() ? "" : ", ") + bold("leat-" + each.name) + "(1)";
    if (!whole) others = bold("leat") + "(1)" + (others.empty() ? "" : ", ") + others;
    return text + others + "\n";
}

}  // namespace tool
