#include "leat/download/download.hpp"

#include <memory>
#include <utility>

#include "download/job.hpp"

namespace leat {
namespace {

task<download_report> run_job(std::unique_ptr<detail::download_job> job) { co_return co_await job->run(); }

}  // namespace

task<download_report> download(std::vector<download_item> items, download_options options) {
    return run_job(std::make_unique<detail::download_job>(std::move(items), options));
}

task<download_report> download(std::vector<std::string> urls, download_options options) {
    std::vector<download_item> items;
    items.reserve(urls.size());
    for (std::string& url : urls) items.push_back({std::move(url), {}});
    return download(std::move(items), options);
}

}  // namespace leat
