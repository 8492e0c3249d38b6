#include "download/segments.hpp"

#include <algorithm>
#include <utility>

#include "download/failure.hpp"
#include "download/verification.hpp"
#include "http/shown_url.hpp"
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
constexpr duration worth_a_request = std::chrono::seconds{2}; // what comes sooner stays with who brings it: what is on its way would come twice
constexpr std::size_t most_connections = 16;                  // found by itself; more have to be asked for

std::string text_of(span_of_bytes part) { return "bytes " + std::to_string(part.first) + "-" + std::to_string(part.end - 1); }

}  // namespace

/// A piece among those that run.
class crew::listed {
public:
    listed(file_data& data, piece& own) : data_(data), own_(own) {
        own_.until = own_.range.end;
        data_.pieces.push_back(&own_);
    }
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
    while (!body.complete() && to.tell() < part.until) {
        part.stop_at = part.until;
        if (!job_.limits().apply(work_.rate)) {
            co_await copy_before(body, to, part.stop_at);
            continue;
        }
        auto here = co_await body.read();
        if (!here) break;
        const std::uint64_t room = part.until - std::min(part.until, to.tell());
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
    if (response.status() >= 400) {
        if (url == data_.url && response.status() < 500) work_.parts_refused = true;
        throw refused(response, url);
    }
    const auto brought = part_answer_of(response.headers());
    const validators tags = validators::said_by(response.headers());
    if (response.status() != 206 || !brought) {
        if (url == data_.url) refused_ = work_.parts_refused = true;
        throw download_failure(failure_class::protocol, "the server sends no part of the file", true);
    }
    const bool same = url == data_.url ? data_.tags.agree_with(tags) : validators{{}, data_.tags.last_modified}.agree_with(tags);
    if (brought->first != asked_part.first || brought->end > asked_part.end || brought->total.value_or(url == data_.url ? *data_.size : 0) != *data_.size || !same) {
        if (url == data_.url) refused_ = true;
        throw download_failure(failure_class::protocol, "the server sent a part of another file");
    }
    const std::string told = text_of(asked_part) + " from " + printable(url, 300);
    job_.tell(download_event::kind::segment, work_, told);
    part.body_end = brought->end;
    if (url != data_.url) work_.went_on = true;
    confirm(part);
    co_await carry(response, part);
}

/// Takes parts of what remains for as long as there are any worth it.
task<> crew::help(std::size_t source) {
    while (const auto next = take_part()) {
        const std::size_t mine = source;
        const span_of_bytes asked = *next;
        span_of_bytes free{};
        {
            piece part{.range = asked, .body_end = asked.end, .source = mine};
            listed in_list{data_, part};  // from now on it is nobody else's
            auto done = co_await (bring_part(part) | as_result);
            if (!done || part.reached <= part.range.first) failure_ = done ? std::make_exception_ptr(http::truncated_error("a part came without a byte", part.range.size(), 0)) : done.error().exception();
            free = {part.range.first, part.reached > part.range.first ? part.range.first : part.range.end};
        }
        look_whether_complete();
        if (free.first == free.end) continue;  // it brought something
        put_back(free);
        splits_ = job_.sources_of(work_.index) > 1;  // one that gives no second connection is not asked for a third
        log::debug("download: {}: {}: {}", work_.name, text_of(free), describe(failure_));
        const std::size_t sources = job_.sources_of(work_.index);
        if (sources > 1) {
            work_.sources.resize(sources);
            ++work_.sources[mine].failures;
            if (!judge(failure_).may_pass) {
                work_.sources[mine].dropped = true;
                log::info("download: {} is not used any more: {}", http::shown_url(job_.source_of(work_.index, mine)), describe(failure_));
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
    look_whether_complete();
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

/// What is there, or somebody's to bring.
byte_ranges crew::taken() const {
    byte_ranges all = data_.have;
    for (const piece* each : data_.pieces) all.add(each->range);
    for (const span_of_bytes& each : shares_) all.add(each);
    return all;
}

/// A part that nobody brings, or the second half of the largest that somebody does.
std::optional<span_of_bytes> crew::take_part() {
    if (!may_ask_for_parts()) return std::nullopt;
    if (!shares_.empty()) {
        const span_of_bytes next = shares_.back();
        shares_.pop_back();
        return next;
    }
    if (auto left = taken().missing(0, *data_.size)) return left;
    return splits_ && !soon_over() ? split() : std::nullopt;
}

/// At this rate, is the rest there before another connection would have brought much of it?
bool crew::soon_over() const noexcept {
    const std::uint64_t there = data_.received();
    const double seconds = std::chrono::duration<double>(now() - began_).count();
    const double left = static_cast<double>(*data_.size - std::min(*data_.size, there));
    return left * seconds < static_cast<double>(there - std::min(there, there_at_first_)) * std::chrono::duration<double>(worth_a_request).count();
}

std::optional<span_of_bytes> crew::split() {
    piece* largest = nullptr;
    std::uint64_t most = 2 * static_cast<std::uint64_t>(job_.options().segment_size.count) - 1;
    for (piece* each : data_.pieces) {
        const std::uint64_t left = each->range.end - std::min(each->range.end, each->at());
        if (left <= most) continue;
        most = left;
        largest = each;
    }
    if (!largest) return std::nullopt;
    const std::uint64_t middle = largest->at() + most / 2;
    const span_of_bytes second{middle, largest->range.end};
    largest->range.end = middle;
    return second;
}

/// At the beginning: so many connections more have equal shares, and none has to give a part of its own to another one that comes later.
void crew::share_out(std::size_t more) {
    if (taken().missing(0, *data_.size)) return;  // gaps of an earlier run come first
    piece* largest = nullptr;
    for (piece* each : data_.pieces)
        if (!largest || each->range.end - each->at() > largest->range.end - largest->at()) largest = each;
    if (!largest) return;
    const std::uint64_t end = largest->range.end;
    const std::uint64_t share = (end - largest->at()) / (more + 1);
    largest->range.end = largest->at() + share;
    for (std::uint64_t last = end; more != 0; --more) {
        const std::uint64_t from = largest->range.end + (more - 1) * share;
        shares_.push_back({from, last});
        last = from;
    }
}

/// The answer for a part is there: whoever could have brought it too, if that had not come, ends before it.
void crew::confirm(const piece& part) {
    for (piece* each : data_.pieces) {
        if (each == &part || each->range.first >= part.range.first || each->until <= part.range.first) continue;
        each->until = part.range.first;
        each->stop_at = std::min(each->stop_at, each->until);
    }
}

/// A part that was taken did not come: whoever was to bring it at first goes on into it, if it still can.
void crew::put_back(span_of_bytes part) {
    for (piece* each : data_.pieces) {
        if (each->range.end == part.first && each->until == part.first && each->body_end > part.first) each->until = std::min(part.end, each->body_end);
        if (each->until <= each->range.end) continue;
        const auto free = taken().missing(each->range.end, each->until);
        if (free && free->first == each->range.end) each->range.end = free->end;
    }
}

/// Once everything is there nobody waits for an answer to what another one has brought, nor for bytes behind a piece that has ended meanwhile.
void crew::look_whether_complete() {
    if (group_ && data_.size && data_.written().covers({0, *data_.size})) group_->cancel();
}

bool crew::may_ask_for_parts() const noexcept { return data_.size && !refused_ && data_.may_resume(); }

/// The healthiest of the file's URLs; those that are equally well take turns.
std::size_t crew::next_source() {
    const std::size_t sources = job_.sources_of(work_.index);
    if (sources == 1) return 0;
    if (work_.began_anew) return work_.source;  // who has sent wrong bytes can only be told if they are one server's
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

bool crew::add_connection() {
    const std::uint64_t least = 2 * static_cast<std::uint64_t>(job_.options().segment_size.count);
    const bool room = std::any_of(data_.pieces.begin(), data_.pieces.end(), [&](const piece* each) { return each->range.end >= each->at() + least; });
    if (!room || !splits_ || soon_over() || !may_ask_for_parts()) return false;
    if (!job_.schedule().take_extra(work_.index, job_.options().jobs)) return false;
    ++active_;
    group_->spawn(helper(next_source()));
    return true;
}

/// As many as were asked for, as far as there is room for them and something for each to bring.
void crew::add_connections(std::size_t most) {
    if (!splits_ || !may_ask_for_parts() || data_.pieces.empty()) return;
    const std::uint64_t left = *data_.size - std::min(*data_.size, data_.received());
    const std::uint64_t worth_it = left / static_cast<std::uint64_t>(job_.options().segment_size.count);
    most = static_cast<std::size_t>(std::min<std::uint64_t>(most, worth_it == 0 ? 0 : worth_it - 1));
    std::size_t more = 0;
    while (more < most && job_.schedule().take_extra(work_.index, static_cast<std::size_t>(-1))) ++more;
    if (more != 0) share_out(more);
    for (; more != 0; --more) {
        ++active_;
        group_->spawn(helper(next_source()));
    }
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
    if (add_connection()) rate_before_ = rate;
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
    if (asked > 1) add_connections(asked - 1);
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
    if ((accepts && *accepts == "none") || work_.parts_refused) refused_ = true;
    splits_ = asked != 1 && may_ask_for_parts() && to_come >= 2 * static_cast<std::uint64_t>(job_.options().segment_size.count);
    last_source_ = work_.source;
    began_ = now();
    there_at_first_ = data_.received();
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
        group_ = nullptr;
    }
    if (!data_.size) data_.size = data_.have.prefix();
    if (data_.have.covers({0, *data_.size})) co_return;
    if (failure_) std::rethrow_exception(failure_);
    throw http::truncated_error("a part of the file is still missing", data_.size, data_.have.total());
}

}  // namespace leat::detail
