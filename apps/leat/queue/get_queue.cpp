#include "queue/get_queue.hpp"

#include "get/run.hpp"
#include "leat/fs/operations.hpp"
#include "leat/log/log.hpp"
#include "progress/display.hpp"
#include "terminal/output.hpp"

namespace tool {

leat::task<int> get_from_queue(std::shared_ptr<const get_arguments> asked, std::shared_ptr<const worker_options> queue) {
    get_arguments adapted = *asked;
    worker_options options = *queue;
    options.directory = adapted.directory;
    options.jobs = adapted.jobs;
    queue_worker worker{options};
    // Workers may share a directory, and a journal has one owner. What it says is of use to this run alone: the next one has other files.
    const bool own_journal = adapted.journal.empty();
    if (own_journal) adapted.journal = adapted.directory + "/.leat-journal-" + worker.consumer();
    if (adapted.insecure && !adapted.quiet) complain("get", "warning: --insecure: it is not verified who the servers are");

    display show({.quiet = adapted.quiet, .bars = !adapted.no_progress});
    auto remove_journal = [&]() -> leat::task<> {
        // It is there if something was left unfinished.
        auto ignored = co_await (leat::remove(adapted.journal) | leat::as_result);
        static_cast<void>(ignored);
    };
    std::exception_ptr why;
    int status = 0;
    try {
        status = co_await work(worker, fetch(worker, nullptr, adapted, show));
    } catch (...) {
        why = std::current_exception();
    }
    if (own_journal) co_await leat::shield(remove_journal());
    if (why) std::rethrow_exception(why);
    co_return status;
}

}  // namespace tool
