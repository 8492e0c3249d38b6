#include "download/job.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "download/failure.hpp"
#include "download/naming.hpp"
#include "download/transfer.hpp"
#include "download/verification.hpp"
#include "http/shown_url.hpp"
#include "leat/log/log.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/shield.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t planned_at_once = 2000;  // names found in a turn of the loop: a millisecond or so

http::client_options client_options_of(const download_options& options) {
    http::client_options client;
    if (options.http) client = *options.http;
    client.connect_timeout = options.connect_timeout;
    client.read_timeout = options.stall_timeout;
    client.max_redirects = options.max_redirects;
    client.connections_per_origin = std::max<std::size_t>(options.per_host, 1);
    // The schedule counts them; a file may have several, by its own options too.
    client.connections = std::max<std::size_t>(options.jobs, 1) * std::max<std::size_t>(options.segments, 1) + options.per_host;
    client.retries = 0;
    client.decompress = false;
    if (!options.user_agent.empty()) client.user_agent = options.user_agent;
    if (!options.ca_file.empty()) client.ca_file = options.ca_file;
    if (options.insecure) client.insecure = true;
    return client;
}

/// Of a file of that size: an attempt that brings less has failed, lest a server that gives a byte at each request be asked for ever.
std::uint64_t fair_part(std::uint64_t size) noexcept { return std::clamp<std::uint64_t>(size / 64, 1, 64 * 1024); }

void check(const download_options& options) {
    if (options.jobs == 0) throw std::invalid_argument("download: jobs must be at least 1");
    if (options.per_host == 0) throw std::invalid_argument("download: per_host must be at least 1");
    if (options.segment_size.count == 0) throw std::invalid_argument("download: segment_size must be at least 1");
    if (options.content_disposition && options.mirror_path)
        throw std::invalid_argument("download: content_disposition and mirror_path both name the files");
    if (options.starts_per_second < 0) throw std::invalid_argument("download: starts_per_second must not be negative");
    if (options.min_rate != 0 && options.min_rate_time <= duration::zero()) throw std::invalid_argument("download: min_rate_time must be positive");
}

/// Without the request's name in front: the report has the URL already.
std::string without_name(std::string text, const std::string& url) {
    const std::string name = "GET " + printable(url, 300) + ": ";
    return text.starts_with(name) ? text.substr(name.size()) : text;
}

}  // namespace

download_job::download_job(const download_options& options)
    : directory_((check(options), options.directory)),
      ca_file_(options.ca_file),
      user_agent_(options.user_agent),
      journal_name_(options.journal),
      options_(options),
      client_(client_options_of(options)),
      schedule_(options.per_host),
      limits_(options),
      keeper_(*this),
      random_(std::random_device{}()) {
    options_.directory = directory_;
    options_.ca_file = ca_file_;
    options_.user_agent = user_agent_;
    options_.journal = journal_name_;
    options_.http = nullptr;
}

download_job::~download_job() { release_handles(); }

std::size_t download_job::add(download_item item) {
    if (closed_.is_set()) throw std::logic_error("downloader: add: it is closed");
    if (item.options && !item.options->checksum.empty()) expected_digest::parse(item.options->checksum);
    const std::size_t file = entries_.size();
    entry& made = entries_.emplace_back();
    made.flags = item.name.empty() ? 0 : has_name;
    made.options = std::move(item.options);
    file_report& report = reports_.emplace_back();
    report.url = std::move(item.url);
    report.target = std::move(item.name);
    if (group_ && planned_ == file) {
        plan(1);
        hire();
    }
    return file;
}

void download_job::close() noexcept {
    closed_.set();
    if (planned_ == entries_.size()) schedule_.close();
    if (group_ && workers_ == 0) finished_.set();
}

task<download_report> download_job::run() {
    if (std::exchange(ran_, true)) throw std::logic_error("downloader: run: it has run already");
    began_ = now();
    struct over {
        ~over() {
            job.group_ = nullptr;
            job.release_handles();
        }
        download_job& job;
    } at_the_end{*this};  // also of a job that never began, since its directory cannot be made
    co_await target_.prepare(directory_, options_.sync);
    if (options_.resume) {
        path written_down{journal_name_};
        if (journal_name_.empty()) written_down = target_.name() / ".leat-journal";
        co_await keeper_.open(std::move(written_down));
    }
    opened_.set();
    std::exception_ptr why;
    {
        task_group group;
        group_ = &group;
        plan(planned_at_once);
        if (planned_ < entries_.size()) group.spawn(plan_the_rest());
        if (!closed_.is_set()) group.spawn(wait_until_closed());
        hire();
        if (closed_.is_set() && workers_ == 0) finished_.set();
        if (keeper_.active() && !finished_.is_set()) {
            group.spawn(keeper_.tend(finished_));
            group.spawn(keeper_.sync(finished_));
        }
        if (options_.on_progress && !finished_.is_set()) group.spawn(report_progress());
        try {
            co_await group.join();
        } catch (...) {
            why = std::current_exception();
        }
        group_ = nullptr;
    }
    for (file_work& work : works_) keeper_.keep_or_drop(work);
    works_.clear();
    co_await shield(keeper_.end(!why && report_.failed == 0));
    if (why) std::rethrow_exception(why);
    report_.elapsed = now() - began_;
    report_.received = wire_bytes_;
    if (options_.on_progress) tell_progress(true);
    release_handles();
    report_.files = std::move(reports_);
    reports_.clear();
    co_return std::move(report_);
}

task<> download_job::adopt(path journal, std::string name) {
    co_await opened_.wait();
    co_await keeper_.adopt(std::move(journal), std::move(name));
}

task<> download_job::wait_until_closed() {
    co_await closed_.wait();
    if (planned_ == entries_.size()) schedule_.close();
}

/// Starts as many workers as there is work for.
void download_job::hire() {
    for (std::size_t wanted = schedule_.waiting(); group_ && wanted > 0 && workers_ < options_.jobs; --wanted) {
        ++workers_;
        group_->spawn(work());
    }
}

// ---- names

std::string_view download_job::directory_of(std::size_t file) const noexcept {
    const item_options* own = entries_[file].options.get();
    return own ? std::string_view{own->directory} : std::string_view{};
}

std::string download_job::wanted_name(std::size_t file) const {
    const file_report& report = reports_[file];
    if (entries_[file].flags & (has_name | is_planned)) return report.target.string();
    return options_.mirror_path ? mirror_path_of(report.url) : file_name_of(report.url).string();
}

std::string download_job::name_of_file(std::size_t file) const {
    std::string wanted = wanted_name(file);
    const std::uint32_t number = entries_[file].number;
    return number == 0 ? wanted : name_table::numbered(wanted, number);
}

/// A file's name, which is no other's.
void download_job::name_file(std::size_t file) {
    entry& its = entries_[file];
    if (its.flags & is_over) return;  // it was given up before, and its report has been told
    file_report& report = reports_[file];
    if (!(its.flags & has_name)) {
        report.target = path{wanted_name(file)};
        its.flags |= is_planned;
    }
    if (!its.options || !its.options->exact_name) its.number = names_.claim(directory_of(file), report.target.string());
}

/// Gives files their names, and puts them into the queue.
void download_job::plan(std::size_t most) {
    for (; most != 0 && planned_ < entries_.size(); --most, ++planned_) {
        name_file(planned_);
        schedule_.add(planned_, reports_[planned_].url);
    }
    if (closed_.is_set() && planned_ == entries_.size()) schedule_.close();
}

task<> download_job::plan_the_rest() {
    while (planned_ < entries_.size()) {
        co_await yield();
        plan(planned_at_once);
        hire();
    }
}

std::uint64_t download_job::key_of(const file_work& work) const {
    const std::string_view directory = directory_of(work.index);
    const std::string& url = reports_[work.index].url;
    if (directory.empty() && work.planned.empty()) return journal::key_of(work.name, url);
    const std::string name = name_of_file(work.index);  // before the server named it
    return journal::key_of(directory.empty() ? name : (path{std::string{directory}} / name).string(), url);
}

std::string download_job::claim_name(file_work& work, const std::string& wanted) {
    const std::uint32_t number = names_.claim(directory_of(work.index), wanted);
    return number == 0 ? wanted : name_table::numbered(wanted, number);
}

std::size_t download_job::sources_of(std::size_t file) const noexcept {
    const item_options* own = entries_[file].options.get();
    return 1 + (own ? own->mirrors.size() : 0);
}

std::string_view download_job::source_of(std::size_t file, std::size_t source) const noexcept {
    return source == 0 ? std::string_view{reports_[file].url} : std::string_view{entries_[file].options->mirrors[source - 1]};
}

// ---- the work

task<> download_job::work() {
    for (;;) {
        const std::size_t file = co_await schedule_.next();
        if (file == detail::schedule::none) break;
        entry& its = entries_[file];
        if (its.flags & is_over) {
            schedule_.done(file);
        } else if (its.flags & is_paused) {
            its.flags |= is_held;
            schedule_.hold(file);
        } else {
            co_await attempt(file);
        }
    }
    if (--workers_ == 0) finished_.set();
}

file_work& download_job::begin(std::size_t file) {
    entry& its = entries_[file];
    if (its.work) return *its.work;
    file_work& work = works_.emplace_back(file);
    work.self = std::prev(works_.end());
    its.work = &work;
    work.name = name_of_file(file);
    its.flags &= static_cast<std::uint8_t>(~is_planned);
    work.started = now();
    const item_options* own = its.options.get();
    file_report& report = reports_[file];
    if (own && !own->directory.empty()) {
        report.target = path{own->directory} / work.name;
        work.place = std::filesystem::absolute(report.target.string()).string();
    } else {
        report.target = target_.name() / work.name;
    }
    std::uint64_t rate = own && own->max_rate != 0 ? own->max_rate : options_.max_rate_per_file;
    if (const auto set = rates_.find(file); set != rates_.end()) {
        rate = set->second;
        rates_.erase(set);
    }
    if (rate != 0) set_rate(work.rate, rate);
    return work;
}

task<> download_job::attempt(std::size_t file) {
    file_work& work = begin(file);
    ++reports_[file].attempts;
    work.stop = stop_reason::none;
    work.result = reached::nothing;
    work.threw_away = false;
    work.before_attempt = work.data ? work.data->have.total() : 0;
    work.running = true;
    work.state = file_state::transferring;
    work.limit.emplace(options_.timeout > duration::zero() ? work.started + options_.timeout : time_point::max());
    // Who is told may give it up: like any other attempt that runs, this one then ends at the loop's next turn.
    if (!std::exchange(work.told, true)) tell(download_event::kind::start, work);
    transfer now_made{*this, work};
    auto done = co_await (timeout_at(*work.limit, now_made.run()) | as_result);
    work.running = false;
    if (!done && work.result == reached::nothing) {
        if (work.stop == stop_reason::paused || work.stop == stop_reason::cancelled) co_return stopped(work);
        co_return failed(work, done.error().exception());
    }
    if (work.result == reached::arrived && !work.data->digests.empty()) {
        // Its place goes to another file while the rest of it is hashed.
        work.state = file_state::verifying;
        tell(download_event::kind::verify, work);
        schedule_.hold(file);
        group_->spawn(verify(file));
        co_return;
    }
    if (work.result == reached::arrived) {
        auto named = co_await (work.data->part.finish(options_.sync) | as_result);
        if (!named) {
            work.result = reached::nothing;
            co_return failed(work, named.error().exception());
        }
    }
    ended(file);
    schedule_.done(file);
}

/// Everything has come: is it what it should be?
task<> download_job::verify(std::size_t file) {
    file_work& work = *entries_[file].work;
    auto done = co_await (verify_file(*work.data) | as_result);
    if (entries_[file].flags & is_given_up) {
        work.result = reached::nothing;
        give_up(file, failure_class::cancelled, "cancelled");
        co_return schedule_.drop();
    }
    if (done) {
        reports_[file].verified = true;
        done = co_await (work.data->part.finish(options_.sync) | as_result);
    }
    if (done) {
        ended(file);
        co_return schedule_.drop();
    }
    verdict found = judge(done.error().exception());
    work.result = reached::nothing;
    reports_[file].verified = false;
    if (found.why == failure_class::checksum) {
        const bool once_more = work.went_on && !std::exchange(work.began_anew, true) && !(entries_[file].flags & is_given_up);
        start_over(work, found.text);
        if (!once_more) next_source(work, found);
        if (entries_[file].flags & is_given_up) {  // by who was told
            found = {false, {}, "cancelled", failure_class::cancelled};
        } else if (once_more || found.may_pass) {
            work.state = file_state::waiting;
            co_return schedule_.back(file);
        }
    }
    give_up(file, found.why, std::move(found.text));
    schedule_.drop();
}

void download_job::start_over(file_work& work, std::string_view why) {
    if (work.was_noted) keeper_.forget(work);
    work.data.reset();
    work.resumed = 0;
    work.before_attempt = 0;
    work.went_on = false;
    work.threw_away = true;
    tell(download_event::kind::restart, work, why);
}

/// Where a file has several URLs, another one is tried before this one again, and what is wrong with one says nothing about the others.
void download_job::next_source(file_work& work, verdict& found) {
    const std::size_t sources = sources_of(work.index);
    if (sources == 1 || found.why == failure_class::disk || found.why == failure_class::exists) return;
    work.sources.resize(sources);
    ++work.sources[work.source].failures;
    if (!found.may_pass) work.sources[work.source].dropped = true;
    std::size_t best = sources;
    for (std::size_t step = 1; step <= sources; ++step) {
        const std::size_t source = (work.source + step) % sources;
        if (work.sources[source].dropped) continue;
        if (best == sources || work.sources[source].failures < work.sources[best].failures) best = source;
    }
    if (best == sources) return;
    log::info("download: {}: {}; going on with {}", http::shown_url(url_of(work)), found.text, http::shown_url(source_of(work.index, best)));
    found.may_pass = true;
    if (work.sources[best].failures == 0) {
        found.retry_after = duration::zero();
        if (work.failures != 0) --work.failures;
    }
    work.source = best;
}

/// Its handle has ended the attempt.
void download_job::stopped(file_work& work) {
    const std::size_t file = work.index;
    entry& its = entries_[file];
    if (work.stop == stop_reason::cancelled || (its.flags & is_given_up)) {
        give_up(file, failure_class::cancelled, "cancelled");
        return schedule_.done(file);
    }
    --reports_[file].attempts;  // it did not fail
    work.state = file_state::paused;
    schedule_.hold(file);
    if (its.flags & is_paused)
        its.flags |= is_held;
    else
        schedule_.back(file);
}

void download_job::failed(file_work& work, const std::exception_ptr& why) {
    const std::size_t file = work.index;
    if (entries_[file].flags & is_given_up) return stopped(work);  // while it got its name, or was too slow as well
    file_report& report = reports_[file];
    verdict found = judge(why);
    if (found.status != 0) report.status = found.status;
    const time_point here = now();
    const time_point end = work.started + options_.timeout;
    const bool limited = options_.timeout > duration::zero();
    if (work.stop == stop_reason::too_slow) {
        found = {true, {}, "slower than " + std::to_string(options_.min_rate) + " bytes a second", failure_class::timeout};
    } else if (limited && here >= end) {
        const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count();
        found = {false, {}, "not done within " + std::to_string(milliseconds) + " ms", failure_class::timeout};
    }
    // What brought a fair part that is kept has not failed as far as retries count. A file that is another one at each answer has as many attempts as one that
    // brings nothing: its bytes are thrown away again.
    const bool kept = !work.threw_away && work.data && work.data->may_resume() && options_.resume;
    if (!kept || work.data->have.total() < work.before_attempt + fair_part(work.data->size.value_or(work.before_attempt))) ++work.failures;
    if (!limited || here < end) next_source(work, found);
    if (found.may_pass && work.failures <= options_.retries) {
        const duration pause = found.retry_after.value_or(backoff(options_.retry_delay, std::max(work.failures, 1u) + 1, random_));
        if (!limited || here + pause < end) {
            const std::string text = without_name(std::move(found.text), report.url);
            log::debug("download: attempt {} failed, the next in {} ms: {}", report.attempts,
                       std::chrono::duration_cast<std::chrono::milliseconds>(pause).count(), text);
            work.state = file_state::waiting;
            schedule_.again(file, here + pause);
            return tell(download_event::kind::retry, work, text, pause);  // who may give it up, and then need not wait
        }
    }
    give_up(file, found.why, std::move(found.text));
    schedule_.done(file);
}

/// It has failed for good.
void download_job::give_up(std::size_t file, failure_class why, std::string text) {
    file_report& report = reports_[file];
    report.why = why;
    report.error = without_name(std::move(text), report.url);
    if (report.error.empty()) report.error = "failed";
    file_work& work = begin(file);  // its name, if it has not begun
    if (work.data) {
        report.bytes = work.data->have.total();
        report.resumed = work.resumed;
        keeper_.keep_or_drop(work);
    }
    ended(file);
}

/// Complete, or failed for good.
void download_job::ended(std::size_t file) {
    entry& its = entries_[file];
    file_report& report = reports_[file];
    file_work& work = *its.work;
    report.elapsed = now() - work.started;
    its.flags |= is_over;  // before anybody is told, who may call its handle
    const auto tell_safely = [&](download_event::kind what, std::string_view detail = {}) -> std::exception_ptr {
        try {
            tell(what, work, detail);
            return nullptr;
        } catch (...) {
            return std::current_exception();  // thrown on once nobody waits for this file any more
        }
    };
    std::exception_ptr thrown;
    if (report.ok()) {
        ++report_.succeeded;
        report_.bytes += report.bytes;
        if (work.result == reached::skipped) {
            ++report_.skipped;
            report.skipped = true;
            thrown = tell_safely(download_event::kind::skip);
        } else {
            keeper_.finished(work);
            thrown = tell_safely(download_event::kind::done);
        }
    } else {
        ++report_.failed;
        const std::string why = report.error;
        thrown = tell_safely(download_event::kind::failed, why);
    }
    its.work = nullptr;
    its.options.reset();
    works_.erase(work.self);
    if (its.handle) {
        its.handle->result = std::make_unique<file_report>(reports_[file]);
        its.handle->ended.set();
    }
    if (thrown) std::rethrow_exception(thrown);
    if (!options_.on_file) return;
    if (closed_.is_set()) return options_.on_file(reports_[file]);
    const file_report copy = reports_[file];  // the callback may add files
    options_.on_file(copy);
}

}  // namespace leat::detail
