#include "queue/get_queue.hpp"

#include "command.hpp"
#include "download/journal.hpp"
#include "get/run.hpp"
#include "leat/log/log.hpp"
#include "progress/display.hpp"
#include "terminal/output.hpp"

namespace tool {
namespace {

/// Of a file that is not complete it tells whoever takes it over how far it is. Without one it is of no use: the next run has other files, and a name of its own.
leat::task<> remove_if_empty(leat::path journal) {
    auto opened = co_await (leat::detail::journal::open(std::move(journal)) | leat::as_result);
    if (!opened || !(*opened)->partials().empty()) co_return;
    auto ignored = co_await ((*opened)->remove() | leat::as_result);
    static_cast<void>(ignored);
}

}  // namespace

leat::task<int> get_from_queue(std::shared_ptr<const get_arguments> asked, std::shared_ptr<const worker_options> queue) {
    get_arguments adapted = *asked;
    worker_options options = *queue;
    options.directory = adapted.directory;
    options.jobs = adapted.jobs;
    options.headers = adapted.header_fields;
    options.synced = adapted.sync;
    queue_worker worker{options};
    const bool own_journal = adapted.journal.empty();
    if (own_journal) adapted.journal = worker.journal();
    if (adapted.insecure && !adapted.quiet) complain("get", "warning: --insecure: it is not verified who the servers are");

    display show({.quiet = adapted.quiet, .bars = !adapted.no_progress});
    std::exception_ptr why;
    int status = 0;
    try {
        status = co_await work(worker, fetch(worker, nullptr, adapted, show));
    } catch (...) {
        why = std::current_exception();
    }
    if (own_journal) co_await leat::shield(remove_if_empty(adapted.journal));
    if (why) std::rethrow_exception(why);
    if (status == 0 && worker.refused() > 0) status = failed;
    co_return status;
}

}  // namespace tool
