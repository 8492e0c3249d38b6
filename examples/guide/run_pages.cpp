// Runs the code that one page of docs/guide shows, in a folder of its own: guide_pages PAGE
#include <filesystem>
#include <leat/leat.hpp>
#include <string_view>

#include "run_page.hpp"

using namespace std::chrono_literals;

leat::task<> serve();  // first_steps.cpp, which is a program

namespace first_steps {
leat::task<> page() {
    leat::task_group group;
    group.spawn(serve());
    for (int i = 0; i < 10; ++i) co_await leat::yield();
    auto [reader, writer] = co_await leat::open_connection({"127.0.0.1", 8888});
    co_await writer.write("Ada\n");
    auto question = co_await reader.read_line();
    guide::expect(question == "Who is there?\n", "the greeter's question");
    auto answer = co_await reader.read_line();
    guide::expect(answer == "Hello, Ada\n", "the greeter's answer");
    group.cancel();
    co_await group.join();
}
}  // namespace first_steps

// clang-format off
namespace downloads { leat::task<> page(); }
namespace errors { leat::task<> page(); }
namespace files { leat::task<> page(); }
namespace from_asio { leat::task<> page(); }
namespace from_asyncio { leat::task<> page(); }
namespace http { leat::task<> page(); }
namespace logging { leat::task<> page(); }
namespace many_cores { int page(); }
namespace observing { leat::task<> page(); }
namespace processes { leat::task<> page(); }
namespace sockets { leat::task<> page(); }
namespace streams { leat::task<> page(); }
namespace synchronisation { leat::task<> page(); }
namespace tasks { leat::task<> page(); }
namespace tls_page { leat::task<> page(); }
// clang-format on

namespace {

struct page {
    std::string_view name;
    leat::task<> (*in_a_loop)();
    int (*by_itself)() = nullptr;  // starts its loops
};

const page pages[] = {
    {"downloads", downloads::page},
    {"errors", errors::page},
    {"files", files::page},
    {"first_steps", first_steps::page},
    {"from_asio", from_asio::page},
    {"from_asyncio", from_asyncio::page},
    {"http", http::page},
    {"logging", logging::page},
    {"many_cores", nullptr, many_cores::page},
    {"observing", observing::page},
    {"processes", processes::page},
    {"sockets", sockets::page},
    {"streams", streams::page},
    {"synchronisation", synchronisation::page},
    {"tasks", tasks::page},
    {"tls", tls_page::page},
};

leat::task<> run_in_folder(leat::task<> (*page)()) {
    auto folder = co_await leat::make_temporary_directory({.prefix = "leat-guide-"});
    std::filesystem::current_path(folder.path().string());
    co_await leat::timeout(60s, page());
    std::filesystem::current_path("/");
    co_await folder.close();
}

}  // namespace

int main(int argc, char** argv) {
    for (const page& each : pages) {
        if (argc != 2 || each.name != argv[1]) continue;
        return each.by_itself ? each.by_itself() : leat::run(run_in_folder(each.in_a_loop), {.tasks_on_sigusr1 = true});
    }
    leat::log::error("usage: guide_pages PAGE");
    return 2;
}
