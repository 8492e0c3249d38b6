#include "get/done_hooks.hpp"

#include <fmt/format.h>

#include <utility>

#include "get/shown.hpp"
#include "leat/process/process.hpp"

namespace tool {

done_hooks::done_hooks(std::string program, leat::task_group& group, std::function<void(const std::string&)> tell)
    : program_(std::move(program)), group_(group), tell_(std::move(tell)) {}

void done_hooks::ended(const leat::file_report& file) {
    if (program_.empty() || !file.ok()) return;
    waiting_.push_back({file.target.string(), without_password(file.url)});
    if (working_ == at_once) return;
    ++working_;
    group_.spawn(work());
}

leat::task<> done_hooks::work() {
    while (!waiting_.empty()) {
        call what = std::move(waiting_.front());
        waiting_.pop_front();
        co_await run(std::move(what));
    }
    --working_;
}

leat::task<> done_hooks::run(call what) {
    std::string why;
    try {
        const leat::spawn_options options{.standard_input = leat::stdio::null};
        const leat::arguments command{program_, what.name, what.url};
        leat::process child = co_await leat::spawn_process(command, options);
        const leat::exit_status status = co_await child.wait();
        if (!status.success()) why = fmt::format("{} {}: {}", program_, what.name, status.to_string());
    } catch (const std::exception& error) {
        why = fmt::format("{}: {}", what.name, error.what());
    }
    if (why.empty()) co_return;
    ++failed_;
    tell_("--on-done: " + why);
}

}  // namespace tool
