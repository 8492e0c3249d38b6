#include "leat/download/download.hpp"

#include <memory>
#include <stdexcept>
#include <utility>

#include "download/job.hpp"

namespace leat {
namespace {

task<download_report> run_job(std::shared_ptr<detail::download_job> job) { co_return co_await job->run(); }

task<> adopt_into(std::shared_ptr<detail::download_job> job, path journal, std::string name) { co_await job->adopt(std::move(journal), std::move(name)); }

/// What is wrong with the options is the task's failure, not the call's.
task<download_report> fail(std::exception_ptr why) {
    std::rethrow_exception(why);
    co_return download_report{};
}

task<file_report> wait_for(std::shared_ptr<detail::job_file> file) {
    co_await file->ended.wait();
    co_return *file->result;
}

}  // namespace

task<download_report> download(std::vector<download_item> items, download_options options) {
    try {
        auto job = std::make_shared<detail::download_job>(options);
        job->reserve(items.size());
        for (download_item& item : items) job->add(std::move(item));
        job->close();
        return run_job(std::move(job));
    } catch (...) {
        return fail(std::current_exception());
    }
}

task<download_report> download(std::vector<std::string> urls, download_options options) {
    try {
        auto job = std::make_shared<detail::download_job>(options);
        job->reserve(urls.size());
        for (std::string& url : urls) job->add({std::move(url), {}, {}});
        job->close();
        return run_job(std::move(job));
    } catch (...) {
        return fail(std::current_exception());
    }
}

// ---- one file of a job

running_file download_handle::progress() const {
    if (!file_->result) return file_->job->row_of(*file_);
    const file_report& report = *file_->result;
    running_file made;
    made.name = report.target.file_name();
    made.url = report.url;
    made.received = report.bytes;
    if (report.ok()) made.size = report.bytes;
    made.attempt = report.attempts;
    made.state = report.ok() ? file_state::complete : file_state::failed;
    made.connections = 0;
    made.index = file_->index;
    return made;
}

void download_handle::pause() {
    if (file_->job) file_->job->pause(file_->index);
}

void download_handle::resume() {
    if (file_->job) file_->job->resume(file_->index);
}

void download_handle::cancel() {
    if (file_->job) file_->job->cancel(file_->index);
}

void download_handle::set_max_rate(std::uint64_t bytes_per_second) {
    if (file_->job) file_->job->set_max_rate(file_->index, bytes_per_second);
}

task<file_report> download_handle::wait() const { return wait_for(file_); }

// ---- the job

downloader::downloader(download_options options) : job_(std::make_shared<detail::download_job>(options)) {}
downloader::downloader(downloader&&) noexcept = default;
downloader& downloader::operator=(downloader&&) noexcept = default;
downloader::~downloader() = default;

download_handle downloader::add(download_item item) { return download_handle{job_->watch(job_->add(std::move(item)))}; }
void downloader::close() noexcept { job_->close(); }
std::size_t downloader::waiting() const noexcept { return job_->waiting(); }
void downloader::set_max_rate(std::uint64_t bytes_per_second) { job_->set_max_rate(bytes_per_second); }
task<> downloader::adopt(path journal, std::string name) { return adopt_into(job_, std::move(journal), std::move(name)); }
task<download_report> downloader::run() { return run_job(job_); }

}  // namespace leat
