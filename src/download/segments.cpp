#include "download/segments.hpp"

#include <algorithm>
#include <utility>

#include "download/failure.hpp"
#include "download/verification.hpp"
#include "http/copy.hpp"
#include "http/range.hpp"
#include "leat/log/log.hpp"
#include "leat/log/printable.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"

namespace leat::detail {
namespace {

constexpr duration between_looks = std::chrono::milliseconds{100};
constexpr duration between_gains = std::chrono::seconds{1};   // in which another connection has to show that it brings something
constexpr double worth_it = 1.1;
constexpr std::uint64_t hashed_at_once = 4 * 1024 * 1024;     // no thread is troubled for less
constexpr std::size_t most_connections = 16;                  // found by itself; more have to be asked for

std::string text_of(span_of_bytes part) { return "bytes " + std::to_string(part.first) + "-" + std::to_string(part.end - 1); }

}  // namespace

/// A piece among those that run.
class crew::listed {
public:
    listed(file_data& data, piece& own) : data_(data), own_(own) { data_.pieces.push_back(&own_); }
    listed(const listed&) = delete;
    ~listed() {
        std::erase(data_.pieces, &own_);
        if (own_.at() <= own_.range.first) return;
        try {
            data_.have.add({own_.range.first, own_.at()});
        } catch (...) {
            // No memory to note them: they are missing, and come again.
        }
    }

private:
    file_data& data_;
    piece& own_;
};

// ---- one connection

/// As fast as the limits allow, to the end of the piece, which may move meanwhile.
task<> crew::copy_piece(http::body& body, leat::file& to, piece& part) {
    while (!body.complete() && to.tell() < part.range.end) {
        part.stop_at = part.range.end;
        if (!job_.limits().apply(work_.rate)) {
            co_await copy_before(body, to, part.stop_at);
            continue;
        }
        auto here = co_await body.read();
        if (!here) break;
        const std::uint64_t room = part.range.end - std::min(part.range.end, to.tell());
        const std::string_view mine = here->substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(here->size(), room)));
        co_await to.write(mine);
        co_await to.flush();
        co_await job_.limits().charge(mine.size(), job_.host_of(work_), work_.rate.get());
    }
}

/// Writes what comes where it belongs.
task<> crew::carry(http::response& response, piece& part) {
    leat::file to = data_.part.writer(part.range.first);
    struct written {
        written(piece& p, const leat::file& f) : part(p) { part.to = &f; }
        ~written() {
            part.reached = part.at();
            part.to = nullptr;
        }
        piece& part;
    } here{part, to};
    auto copied = co_await (copy_piece(response.body(), to, part) | as_result);
    // What has come is worth keeping, however it ended.
    co_await to.flush();
    if (!copied) std::rethrow_exception(copied.error().exception());
    co_await to.close();
}

task<> crew::bring_first(http::response& response, span_of_bytes wanted) {
    piece part{.range = wanted, .body_end = wanted.end, .source = work_.source};
    listed in_list{data_, part};
    co_await carry(response, part);
}

task<> crew::bring_part(piece& part) {
    const span_of_bytes asked_part = part.range;
    http::headers fields;
    http::request_options asked;
    if (const item_options* own = job_.own_options(work_.index)) {
        fields = own->headers;
        if (!own->user.empty()) {
            asked.credentials.user = own->user;
            asked.credentials.password = own->password;
        }
    }
    const std::string_view url = job_.source_of(work_.index, part.source);
    fields.set("Range", http::format_range(asked_part.first, asked_part.end - 1));
    if (url == data_.url) fields.set("If-Range", data_.tags.if_range());
    asked.headers = &fields;
    http::response response = co_await job_.client().get(url, asked);
    struct counted {
        ~counted() { job.came(of.body.received()); }
        download_job& job;
        live_body of;
    } counting{job_, {work_, response.body()}};
    if (response.status() >= 400) throw refused(response, url);
    const auto brought = part_answer_of(response.headers());
    const validators tags = validators::of(response.headers());
    if (response.status() != 206 || !brought) {
        if (url == data_.url) refused_ = true;
        throw download_failure(failure_class::protocol, "the server sends no part of the file", true);
    }
    const bool same = url == data_.url ? data_.tags.agree_with(tags) : validators{{}, data_.tags.last_modified}.agree_with(tags);
    if (brought->first != asked_part.first || brought->end > asked_part.end || brought->total.value_or(*data_.size) != *data_.size || !same) {
        if (url == data_.url) refused_ = true;
        throw download_failure(failure_class::protocol, "the server sent a part of another file");
    }
    const std::string told = text_of(asked_part) + " from " + printable(url, 300);
    job_.tell(download_event::kind::segment, work_, told);
    part.body_end = brought->end;
    co_await carry(response, part);
}

/// Takes parts of what remains for as long as there are any worth it.
task<> crew::help(std::size_t source) {
    while (const auto next = take_part()) {
        const std::size_t mine = source;
        span_of_bytes taken = *next;
        {
            piece part{.range = taken, .source = mine};
            listed in_list{data_, part};  // from now on it is nobody else's
            auto done = co_await (bring_part(part) | as_result);
            taken.end = part.range.end;
            if (part.reached > taken.first) continue;
            failure_ = done ? std::make_exception_ptr(http::truncated_error("a part came without a byte", taken.size(), 0)) : done.error().exception();
        }
        put_back(taken);
        splits_ = job_.sources_of(work_.index) > 1;  // one that gives no second connection is not asked for a third
        log::debug("download: {}: {}: {}", work_.name, text_of(taken), describe(failure_));
        const std::size_t sources = job_.sources_of(work_.index);
        if (sources > 1) {
            work_.sources.resize(sources);
            ++work_.sources[mine].failures;
            if (!judge(failure_).may_pass) {
                work_.sources[mine].dropped = true;
                log::info("download: {} is not used any more: {}", printable(job_.source_of(work_.index, mine), 300), describe(failure_));
            }
        }
        co_return;
    }
}

task<> crew::helper(std::size_t source) {
    struct leaving {
        ~leaving() {
            of.job_.schedule().leave_extra(of.work_.index);
            of.part_ended();
        }
        crew& of;
    } at_the_end{*this};
    co_await help(source);
}

task<> crew::first(http::response& response, span_of_bytes wanted) {
    struct leaving {
        ~leaving() { of.part_ended(); }
        crew& of;
    } at_the_end{*this};
    auto done = co_await (bring_first(response, wanted) | as_result);
    if (!done) {
        failure_ = done.error().exception();
        co_return;
    }
    co_await help(work_.source);
}

void crew::part_ended() noexcept {
    if (--active_ == 0) over_.set();
}

// ---- who brings what

/// A part that nobody brings, or the second half of the largest that somebody does.
std::optional<span_of_bytes> crew::take_part() {
    if (!may_ask_for_parts()) return std::nullopt;
    byte_ranges taken = data_.have;
    for (const piece* each : data_.pieces) taken.add(each->range);
    if (auto left = taken.missing(0, *data_.size)) return left;
    return splits_ ? split() : std::nullopt;
}

std::optional<span_of_bytes> crew::split() {
    piece* largest = nullptr;
    std::uint64_t most = 2 * static_cast<std::uint64_t>(job_.options().segment_size.count) - 1;
    for (piece* each : data_.pieces) {
        const std::uint64_t left = each->range.end - each->at();
        if (left <= most) continue;
        most = left;
        largest = each;
    }
    if (!largest) return std::nullopt;
    const std::uint64_t middle = largest->at() + most / 2;
    const span_of_bytes second{middle, largest->range.end};
    largest->range.end = middle;
    largest->stop_at = std::min(largest->stop_at, middle);
    return second;
}

/// A part that was taken and did not come: whoever was to bring it at first goes on into it, if it still can.
void crew::put_back(span_of_bytes part) {
    for (piece* each : data_.pieces) {
        if (each->range.end != part.first || each->body_end <= part.first) continue;
        each->range.end = std::min(part.end, each->body_end);
        return;
    }
}

bool crew::may_ask_for_parts() const noexcept { return data_.size && !refused_ && data_.may_resume(); }

/// The healthiest of the file's URLs; those that are equally well take turns.
std::size_t crew::next_source() {
    const std::size_t sources = job_.sources_of(work_.index);
    if (sources == 1) return 0;
    work_.sources.resize(sources);
    std::size_t best = work_.source;
    for (std::size_t step = 1; step <= sources; ++step) {
        const std::size_t source = (last_source_ + step) % sources;
        if (work_.sources[source].dropped) continue;
        if (best == work_.source || work_.sources[source].failures < work_.sources[best].failures) best = source;
        if (best != work_.source) break;
    }
    return last_source_ = best;
}

bool crew::add_connection(bool counts_against_jobs) {
    const std::uint64_t least = 2 * static_cast<std::uint64_t>(job_.options().segment_size.count);
    const bool room = std::any_of(data_.pieces.begin(), data_.pieces.end(), [&](const piece* each) { return each->range.end - each->at() >= least; });
    if (!room || !splits_ || !may_ask_for_parts()) return false;
    if (!job_.schedule().take_extra(work_.index, counts_against_jobs ? job_.options().jobs : static_cast<std::size_t>(-1))) return false;
    ++active_;
    group_->spawn(helper(next_source()));
    return true;
}

// ---- from time to time

/// Another connection, as long as each brings something.
void crew::mind_gain(time_point here) {
    if (here - looked_at_ < between_gains) return;
    const std::uint64_t came = data_.received();
    const double seconds = std::chrono::duration<double>(here - looked_at_).count();
    const double rate = static_cast<double>(came - std::min(came, came_before_)) / seconds;
    looked_at_ = here;
    came_before_ = came;
    if (!splits_ || active_ >= most_connections || job_.limits().apply(work_.rate)) return;
    if (rate < rate_before_ * worth_it) {
        rate_before_ = 1e300;  // no more of them
        return;
    }
    if (add_connection(true)) rate_before_ = rate;
}

/// Ends the attempt if it has been too slow for too long.
void crew::mind_rate(time_point here) {
    const duration span = job_.options().min_rate_time;
    if (job_.options().min_rate == 0 || here - slow_since_ < span) return;
    const std::uint64_t came = data_.received();
    const double seconds = std::chrono::duration<double>(here - slow_since_).count();
    if (static_cast<double>(came - std::min(came, slow_since_bytes_)) < static_cast<double>(job_.options().min_rate) * seconds)
        return job_.strike(work_, stop_reason::too_slow);
    slow_since_ = here;
    slow_since_bytes_ = came;
}

task<> crew::supervise() {
    looked_at_ = slow_since_ = now();
    came_before_ = slow_since_bytes_ = data_.received();
    const item_options* own = job_.own_options(work_.index);
    const std::size_t asked = own && own->segments ? *own->segments : job_.options().segments;
    for (std::size_t more = 1; more < asked && data_.size; ++more)
        if (!add_connection(false)) break;
    for (;;) {
        auto ended = co_await (timeout(between_looks, over_.wait()) | as_result);
        if (ended) co_return;
        if (!data_.digests.empty()) co_await hash_behind(data_, hashed_at_once);
        const time_point here = now();
        mind_rate(here);
        if (asked == 0) mind_gain(here);
    }
}

task<> crew::run(http::response& response, span_of_bytes wanted) {
    const item_options* own = job_.own_options(work_.index);
    const std::size_t asked = own && own->segments ? *own->segments : job_.options().segments;
    const auto accepts = response.headers().get("Accept-Ranges");
    const std::uint64_t to_come = data_.size ? *data_.size - std::min(*data_.size, data_.have.total()) : 0;
    if (accepts && *accepts == "none") refused_ = true;
    splits_ = asked != 1 && may_ask_for_parts() && to_come >= 2 * static_cast<std::uint64_t>(job_.options().segment_size.count);
    last_source_ = work_.source;
    if (!splits_ && data_.digests.empty() && job_.options().min_rate == 0) {
        co_await bring_first(response, wanted);
        co_await help(work_.source);  // what is missing further on
    } else {
        task_group group;
        group_ = &group;
        ++active_;
        group.spawn(first(response, wanted));
        group.spawn(supervise());
        co_await group.join();
    }
    if (!data_.size) data_.size = data_.have.prefix();
    if (data_.have.covers({0, *data_.size})) co_return;
    if (failure_) std::rethrow_exception(failure_);
    throw http::truncated_error("a part of the file is still missing", data_.size, data_.have.total());
}

}  // namespace leat::detail
