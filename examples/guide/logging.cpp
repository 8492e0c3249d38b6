// docs/guide/logging.md
#include <leat/leat.hpp>

#include "run_page.hpp"

using namespace leat::literals;

namespace logging {

void set_up() {
    leat::log::setup({.level = leat::log::level::debug, .file = "service.log", .file_limit = 10_MiB, .files_kept = 4});
    leat::log::info("{} of {} files", 3, 7);
    if (leat::log::enabled(leat::log::level::debug)) leat::log::debug("{}", leat::debug::format_tasks());
}

leat::task<> page() {
    set_up();
    leat::log::setup();
    auto written = co_await leat::exists("service.log");
    guide::expect(written == leat::present, "a log file");
}

}  // namespace logging
