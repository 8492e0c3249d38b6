#include "download/job.hpp"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "engine/file_calls.hpp"
#include "http/exchange.hpp"
#include "leat/io/copy.hpp"
#include "leat/log/log.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/group.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {
namespace {

http::client_options client_options_of(const download_options& options) {
    http::client_options client;
    client.connect_timeout = options.connect_timeout;
    client.read_timeout = options.stall_timeout;
    client.max_redirects = options.max_redirects;
    client.connections_per_origin = std::max<std::size_t>(options.per_host, 1);
    client.connections = std::max<std::size_t>(options.jobs, 1);
    client.user_agent = options.user_agent;
    client.ca_file = options.ca_file;
    client.insecure = options.insecure;
    return client;
}

/// "name.1" for "name".
std::string numbered(const std::string& name, unsigned number) {
    constexpr std::size_t longest = 255;
    std::string suffix = "." + std::to_string(number);
    const std::size_t slash = name.rfind('/');
    const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
    return name.substr(0, start + std::min(name.size() - start, longest - suffix.size())) + suffix;
}

void check(const download_options& options) {
    if (options.jobs == 0) throw std::invalid_argument("download: jobs must be at least 1");
    if (options.per_host == 0) throw std::invalid_argument("download: per_host must be at least 1");
}

/// A device or a FIFO under the file's name: to be written to, not replaced. So is a directory, which then says what is wrong.
bool is_special(const path& target) {
    const auto facts = facts_of(target.c_str());
    return facts.error == 0 && !facts.regular;
}

bool is_file(int status) { return status >= 200 && status < 300 && status != 206; }

/// Without the request's name in front: the report has the URL already.
std::string without_name(std::string text, const std::string& url) {
    const std::string name = "GET " + printable(url, 300) + ": ";
    return text.starts_with(name) ? text.substr(name.size()) : text;
}

}  // namespace

/// A file's place among the running ones.
struct download_job::in_list {
    in_list(download_job& j, std::size_t file) : job(j), at(j.running_.insert(j.running_.end(), running{file})) {}
    ~in_list() { job.running_.erase(at); }
    download_job& job;
    std::list<running>::iterator at;
};

download_job::download_job(std::vector<download_item> items, const download_options& options)
    : directory_(options.directory),
      ca_file_(options.ca_file),
      user_agent_(options.user_agent),
      options_(options),
      client_(client_options_of(options)),
      schedule_(options.per_host),
      items_(std::move(items)),
      random_(std::random_device{}()) {
    options_.directory = directory_;
    options_.ca_file = ca_file_;
    options_.user_agent = user_agent_;
}

task<download_report> download_job::run() {
    check(options_);
    began_ = now();
    co_await target_.prepare(directory_);
    plan();
    {
        task_group group;
        workers_ = std::min(options_.jobs, items_.size());
        for (std::size_t i = 0; i < workers_; ++i) group.spawn(work());
        if (options_.on_progress && workers_ != 0) group.spawn(report_progress());
        co_await group.join();
    }
    report_.elapsed = now() - began_;
    if (options_.on_progress) tell_progress(true);
    co_return std::move(report_);
}

/// Gives every file its name; two never share one.
void download_job::plan() {
    std::unordered_map<std::string, unsigned> next_number;  // by name, for the next file that wants it
    next_number.reserve(items_.size());
    names_.reserve(items_.size());
    report_.files.reserve(items_.size());
    started_.resize(items_.size());
    for (std::size_t file = 0; file < items_.size(); ++file) {
        const download_item& item = items_[file];
        const std::string wanted = item.name.empty() ? file_name_of(item.url).string() : item.name;
        std::string name = wanted;
        while (!next_number.try_emplace(name, 1).second) name = numbered(wanted, next_number[wanted]++);
        file_report entry;
        entry.url = item.url;
        entry.target = target_.name() / name;
        report_.files.push_back(std::move(entry));
        names_.push_back(std::move(name));
        schedule_.add(file, item.url);
    }
}

// ---- the work

task<> download_job::work() {
    for (;;) {
        const std::size_t file = co_await schedule_.next();
        if (file == schedule::none) break;
        co_await attempt(file);
    }
    if (--workers_ == 0) finished_.set();
}

task<> download_job::attempt(std::size_t file) {
    if (report_.files[file].attempts++ == 0) started_[file] = now();
    if (options_.timeout <= duration::zero()) {
        auto done = co_await (fetch(file) | as_result);
        if (!done) co_return failed(file, done.error().exception());
    } else {
        const duration left = started_[file] + options_.timeout - now();
        auto done = co_await (timeout(std::max(left, duration::zero()), fetch(file)) | as_result);
        if (!done) co_return failed(file, done.error().exception());
    }
    ended(file);
}

task<> download_job::fetch(std::size_t file) {
    in_list shown{*this, file};
    http::response response = co_await client_.get(items_[file].url);
    if (!is_file(response.status())) throw refused(response, items_[file].url);
    // Counts what has come, whether it is kept in the end or not.
    struct counted {
        counted(download_job& j, running& r, const http::body& b) : job(j), entry(r) { entry.body = &b; }
        ~counted() {
            job.wire_bytes_ += entry.body->received();
            entry.body = nullptr;
        }
        download_job& job;
        running& entry;
    } counting{*this, *shown.at, response.body()};
    co_await save(file, response);
    report_.files[file].bytes = response.body().received();
}

task<> download_job::save(std::size_t file, http::response& response) {
    if (!items_[file].name.empty()) {
        const path& target = report_.files[file].target;
        const bool special = co_await to_thread(is_special, target);
        if (special) {
            leat::file to = co_await open(target, "w");
            co_await copy(response.body(), to);
            co_return co_await to.close();
        }
    }
    part_file part{target_, names_[file]};
    if (response.body().complete() || response.body().exchange().whole_body_is_here()) {
        auto piece = co_await response.body().read();
        const std::string_view content = piece.value_or(std::string_view{});
        if (part.save_at_once(content)) co_return;
        co_await part.create();
        co_await part.finish_with(content);
    } else {
        co_await part.create();
        leat::file to = part.take_file();
        co_await copy(response.body(), to);
        co_await to.close();
        co_await part.finish();
    }
}

void download_job::failed(std::size_t file, const std::exception_ptr& why) {
    file_report& report = report_.files[file];
    verdict found = judge(why);
    const time_point here = now();
    const time_point end = started_[file] + options_.timeout;
    const bool limited = options_.timeout > duration::zero();
    if (limited && here >= end) {
        const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count();
        found = {false, {}, "not done within " + std::to_string(milliseconds) + " ms"};
    }
    if (found.may_pass && report.attempts <= options_.retries) {
        const duration pause = found.retry_after.value_or(backoff(options_.retry_delay, report.attempts + 1, random_));
        if (!limited || here + pause < end) {
            log::debug("download: attempt {} failed, the next in {} ms: {}", report.attempts,
                       std::chrono::duration_cast<std::chrono::milliseconds>(pause).count(), found.text);
            return schedule_.again(file, here + pause);
        }
    }
    report.error = without_name(std::move(found.text), report.url);
    if (report.error.empty()) report.error = "failed";
    ended(file);
}

/// Complete, or failed for good.
void download_job::ended(std::size_t file) {
    file_report& report = report_.files[file];
    report.elapsed = now() - started_[file];
    if (report.ok()) {
        ++report_.succeeded;
        report_.bytes += report.bytes;
    } else {
        ++report_.failed;
    }
    if (options_.on_file) options_.on_file(report);
    schedule_.done(file);
}

// ---- progress

task<> download_job::report_progress() {
    const duration interval = std::max<duration>(options_.progress_interval, std::chrono::milliseconds{1});
    for (;;) {
        auto over = co_await (timeout(interval, finished_.wait()) | as_result);
        if (over) co_return;
        tell_progress(false);
    }
}

void download_job::tell_progress(bool last) {
    download_progress now_is;
    now_is.files = items_.size();
    now_is.succeeded = report_.succeeded;
    now_is.failed = report_.failed;
    now_is.received = report_.bytes;
    std::uint64_t wire = wire_bytes_;
    shown_.clear();
    for (const running& each : running_) {
        running_file& row = shown_.emplace_back();
        row.name = names_[each.file];
        row.url = items_[each.file].url;
        row.attempt = report_.files[each.file].attempts;
        if (!each.body) continue;
        row.received = each.body->received();
        row.size = each.body->size();
        now_is.received += row.received;
        wire += row.received;
    }
    const time_point here = now();
    speed_.sample(here, wire);
    now_is.elapsed = here - began_;
    now_is.bytes_per_second = speed_.per_second(here, wire);
    now_is.running = shown_;
    now_is.last = last;
    options_.on_progress(now_is);
}

}  // namespace leat::detail
