// leat manual and leat completions: the pages for man and the completions for shells, made of the options themselves.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command.hpp"
#include "leat/fs/file.hpp"
#include "leat/fs/operations.hpp"
#include "leat/fs/replace.hpp"
#include "manual/man_page.hpp"
#include "manual/model.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

struct document {
    std::string name;
    std::string text;
};

leat::task<int> write_all(std::string directory, std::vector<document> documents) {
    for (const document& each : documents) {
        const leat::path name = leat::path{directory} / each.name;
        auto file = co_await leat::open(name, "w");
        co_await file.write(each.text);
        co_await file.close();
    }
    co_return 0;
}

const command_text* find(const command_text& program, const std::string& name) {
    if (name.empty()) return &program;
    for (const command_text& each : program.commands)
        if (each.name == name && !each.hidden) return &each;
    return nullptr;
}

}  // namespace

void add_manual(CLI::App& app, command& chosen) {
    struct arguments {
        std::string command;
        std::string directory;
        std::string shell;
    };
    auto asked = std::make_shared<arguments>();

    CLI::App* manual = app.add_subcommand("manual", "Print the manual page of leat, or of one of its commands, for man")->group("");
    manual->footer("\nExamples:\n  leat manual get | man -l -\n  leat manual --write man1");
    manual->add_option("COMMAND", asked->command, "Which");
    manual->add_option("--write", asked->directory, "Write the pages of all, leat.1, leat-get.1 and so on, into this directory")->option_text("DIR");
    manual->callback([asked, &app, &chosen] {
        const command_text program = describe(app);
        const command_text* which = find(program, asked->command);
        if (which == nullptr) throw CLI::ValidationError("'" + asked->command + "' is not a command");
        if (asked->directory.empty()) {
            chosen.run = [text = man_page(program, *which)] { return print_and_wait(text) ? 0 : failed; };
            return;
        }
        std::vector<document> pages{{"leat.1", man_page(program, program)}};
        for (const command_text& each : program.commands)
            if (!each.hidden) pages.push_back({"leat-" + each.name + ".1", man_page(program, each)});
        chosen.run = [asked, pages] { return run_command("manual", write_all(asked->directory, pages)); };
    });

    CLI::App* completions = app.add_subcommand("completions", "Print the completions for a shell")->group("");
    completions->footer("\nExamples:\n  leat completions bash > ~/.local/share/bash-completion/completions/leat");
    completions->add_option("SHELL", asked->shell, "bash, zsh or fish");
    completions->add_option("--write", asked->directory, "Write those of all, leat, _leat and leat.fish, into this directory")->option_text("DIR");
    completions->callback([asked, &app, &chosen] {
        const command_text program = describe(app);
        if (!asked->directory.empty()) {
            const std::vector<document> all{{"leat", bash_completions(program)}, {"_leat", zsh_completions(program)}, {"leat.fish", fish_completions(program)}};
            chosen.run = [asked, all] { return run_command("completions", write_all(asked->directory, all)); };
            return;
        }
        std::string text;
        if (asked->shell == "bash") text = bash_completions(program);
        else if (asked->shell == "zsh") text = zsh_completions(program);
        else if (asked->shell == "fish") text = fish_completions(program);
        else throw CLI::ValidationError("SHELL: bash, zsh or fish");
        chosen.run = [text] { return print_and_wait(text) ? 0 : failed; };
    });
}

}  // namespace tool
