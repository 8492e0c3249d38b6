// leat: the command-line tool. Reads the command line, sets up logging, and runs one subcommand; each has a file of its own.

#include <fcntl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "get/shown.hpp"
#include "leat/log/log.hpp"
#include "manual/model.hpp"
#include "queue/redis_url.hpp"
#include "suggestion.hpp"
#include "terminal/output.hpp"
#include "terminal/terminal.hpp"

namespace tool {
namespace {

constexpr const char* examples = R"(
Examples:
  leat get https://example.org/data.tar.gz
  leat get -i urls.txt -d downloads -j 64
  leat serve public --listen 0.0.0.0:8080
  leat echo --listen 127.0.0.1:8888
  leat echo 127.0.0.1:8888 "Hello, server!" "How are you?"

'leat COMMAND --help' is the manual of each command.

Environment:
  LEAT_ENGINE    uring or epoll: how to talk to the kernel; the best that works is chosen otherwise
  LEAT_LOG       as --log-level
  LEAT_LOG_FILE  as --log-file

Exit status:
  0    success
  1    failure
  2    wrong usage
  130  interrupted by Ctrl-C

'leat get' has one for each kind of failure.)";

struct log_arguments {
    std::string level;
    std::string file;
};

/// Connections and files are many here, and the usual limit of 1024 is for programs that use select().
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A shell's `>&-` leaves a descriptor closed. The next file that is opened would get its number, and what is printed.
void fill_standard_descriptors() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) std::abort();  // reading and writing fail as before
}

void set_up_log(const log_arguments& asked, leat::log::level usual) {
    leat::log::options chosen;
    chosen.level = leat::log::parse_level(asked.level);
    const char* from_environment = std::getenv("LEAT_LOG");
    if (!chosen.level && !(from_environment && leat::log::parse_level(from_environment))) chosen.level = usual;
    // A message may be written over a progress bar, so it wipes what is left of its line.
    if (is_terminal(2)) chosen.pattern = "%H:%M:%S.%e %^%l%$ %v\x1b[K";
    chosen.file = asked.file;
    leat::log::setup(chosen);
}

/// "get, serve, echo".
std::string commands_of(const CLI::App& app) {
    std::string names;
    for (const CLI::App* each : app.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); }))
        names += (names.empty() ? "" : ", ") + each->get_name();
    return names;
}

/// Passwords and tokens are no business of whoever lists the processes: the system shows these very bytes.
void hide_secrets(int argc, char** argv) {
    bool secret = false;  // the next argument is one
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        std::size_t from = std::string_view::npos;
        if (secret) from = 0;
        secret = false;
        for (const std::string_view name : {"--user", "--bearer", "--proxy", "--queue", "--header", "-H"}) {
            if (argument == name) secret = true;
            else if (argument.starts_with(name) && argument.size() > name.size() && (argument[name.size()] == '=' || name == "-H")) from = name.size();
        }
        if (redis::is_redis_url(argument)) from = 0;
        for (; from < argument.size(); ++from) argv[i][from] = '*';
    }
}

std::string meant_command(const CLI::App& app, const std::string& word) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) names.push_back(sub->get_name());
    const std::string meant = nearest(word, names);
    return meant.empty() ? meant : "; is '" + meant + "' meant?";
}

/// What is wrong with the first of the words that nothing takes. Without what follows its name: that may be a password.
std::string unexpected(const CLI::App& command, const std::vector<std::string>& words) {
    const auto option = std::find_if(words.begin(), words.end(), [](const std::string& word) { return word.starts_with('-'); });
    if (option == words.end()) return "'" + without_password(words.front()) + "' is one argument too many";
    const std::string name = option->substr(0, option->find_first_of("=:"));
    std::vector<std::string> names;
    for (const CLI::App* each = &command; each != nullptr; each = each->get_parent())
        for (const CLI::Option* one : each->get_options())
            for (const std::string& known : one->get_lnames()) names.push_back("--" + known);
    const std::string meant = name.size() > 2 ? nearest(name, names) : std::string{};
    return "'" + name + "' is not an option" + (meant.empty() ? "" : "; is " + meant + " meant?");
}

/// The help or the version that was asked for.
int show_help(const CLI::App& app, const CLI::ParseError& asked) {
    std::ostringstream text;
    const int status = app.exit(asked, text, text);
    return print_and_wait(text.str()) ? status : failed;
}

int explain(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return show_help(app, error);
    const auto commands = app.get_subcommands();
    const std::string name = commands.empty() ? "" : commands.front()->get_name();
    // CLI11 asks for the command first, whatever else is wrong.
    const auto unknown = app.remaining();
    if (!name.empty() && error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) complain(name, unexpected(*commands.front(), app.remaining(true)));
    else if (!name.empty()) complain(name, error.what());
    else if (!unknown.empty() && unknown.front().starts_with("--")) complain("", unexpected(app, unknown));
    else if (!unknown.empty()) complain("", "'" + without_password(unknown.front()) + "' is neither a command nor an option" + meant_command(app, unknown.front()));
    else complain("", error.get_name() == "RequiredError" ? "a command is required: " + commands_of(app) : error.what());
    complain(name, name.empty() ? "try 'leat --help'" : "try 'leat " + name + " --help'");
    return misused;
}

}  // namespace

}  // namespace tool

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error of the write, not the end of the program
    tool::fill_standard_descriptors();
    tool::remember_passwords(argc, argv);
    tool::raise_descriptor_limit();

    CLI::App app{"leat: asynchronous streams, files and downloads.", "leat"};
    app.footer(tool::examples);
    app.set_version_flag("--version", "leat " LEAT_VERSION, "Print the version and exit");
    app.set_help_flag("-h,--help", "Print this help and exit");
    app.formatter(std::make_shared<tool::help_formatter>());
    app.get_formatter()->column_width(34);
    app.fallthrough();  // the global options may stand behind the command as well
    app.require_subcommand(1);

    tool::log_arguments log;
    app.add_option("--log-level", log.level, "Least level to log: trace, debug, info, warn, error, critical, off")
        ->option_text("LEVEL")
        ->group("Logging")
        ->check([](const std::string& level) {
            return leat::log::parse_level(level) ? std::string{} : "'" + level + "' is not a level of logging";
        });
    app.add_option("--log-file", log.file, "Append the log to this file as well; it is rotated at 10 MiB")
        ->option_text("FILE")
        ->group("Logging");

    tool::command chosen;
    tool::add_get(app, chosen);
    tool::add_queue(app, chosen);
    tool::add_serve(app, chosen);
    tool::add_echo(app, chosen);
    tool::add_manual(app, chosen);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return tool::explain(app, error);
    }
    tool::hide_secrets(argc, argv);
    try {
        tool::set_up_log(log, chosen.log_level);
        return chosen.run();
    } catch (const std::exception& error) {
        tool::complain("", error.what());
        return tool::failed;
    }
}
