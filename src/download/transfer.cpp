#include "download/transfer.hpp"

#include <algorithm>
#include <utility>

#include "download/failure.hpp"
#include "download/naming.hpp"
#include "download/segments.hpp"
#include "download/verification.hpp"
#include "engine/file_calls.hpp"
#include "engine/part_calls.hpp"
#include "http/ascii.hpp"
#include "http/date.hpp"
#include "http/exchange.hpp"
#include "http/range.hpp"
#include "leat/fs/file.hpp"
#include "leat/io/copy.hpp"
#include "leat/log/log.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {
namespace {

constexpr std::uint64_t worth_a_name = 2 * 1024 * 1024;  // a smaller file's part has none before the journal knows it, which costs less, and is mostly over by then
constexpr std::uint64_t worth_room = 16 * 1024 * 1024;  // a smaller file is written before the disk could have said anything
constexpr int no_range_here = 416;
constexpr int not_modified = 304;

/// A device or a FIFO under the file's name: to be written to, not replaced. So is a directory, which then says what is wrong.
bool is_special(const path& target) {
    const auto facts = facts_of(target.c_str());
    return facts.error == 0 && !facts.regular;
}

file_stamp stamp_call(int directory, const std::string& name) noexcept { return stamp_at(directory, name.c_str()); }

bool is_file(int status) { return status >= 200 && status < 300 && status != 206; }

bool is_page(const http::headers& fields) {
    const auto type = fields.get("Content-Type");
    return type && http::ascii::equal(type->substr(0, 9), "text/html");
}

bool is_coded(const http::headers& fields) {
    const auto coding = fields.get("Content-Encoding");
    return coding && !coding->empty() && *coding != "identity";
}

/// Over HTTP/2 bodies come in turns, a frame each: a small one is whole in a moment, and is then saved with fewer calls than bit by bit.
bool comes_soon(const http::body& body) {
    constexpr std::uint64_t small = 64 * 1024;
    return body.exchange().stream() && body.size() && *body.size() <= small;
}

task<> pour_all(http::body& body, leat::file& to, std::vector<digest_check>& checks) {
    if (checks.empty()) {
        co_await copy(body, to);
    } else {
        while (auto piece = co_await body.read()) {
            for (digest_check& each : checks) each.hash.add(*piece);
            co_await to.write(*piece);
        }
    }
    co_await to.flush();
}

}  // namespace

task<> transfer::run() {
    if (!std::exchange(work_.looked, true)) co_await look();
    if (work_.result != reached::nothing) co_return;
    if (rate_limit* starts = job_.limits().starts()) co_await starts->acquire();
    for (;;) {
        span_of_bytes wanted{0, no_end};
        if (work_.data) {
            file_data& data = *work_.data;
            if (!job_.options().resume || !data.may_resume()) {
                job_.start_over(work_, "the server gives nothing by which the file could be known again");
            } else if (data.size) {
                const auto missing = data.have.missing(0, *data.size);
                wanted = missing ? *missing : span_of_bytes{*data.size - std::min<std::uint64_t>(*data.size, 1), *data.size};
            } else {
                wanted.first = data.have.prefix();
            }
        }
        const http::request_options asked = request_for(wanted);
        http::response response = co_await job_.client().get(job_.url_of(work_), asked);
        job_.report(work_.index).status = response.status();
        const answer said = judge_answer(response, wanted);
        if (said == answer::ask_again) continue;
        if (said == answer::unchanged) {
            if (work_.was_noted) job_.keeper().forget(work_);  // of a newer one that is the server's no more
            work_.result = reached::skipped;
            co_return;
        }
        if (said == answer::all_there) {
            expect_digests({});  // a digest in such an answer is that of its own text
            arrived(*work_.data);
            co_return;
        }
        struct counted {
            ~counted() { job.came(of.body.received()); }
            download_job& job;
            live_body of;
        } counting{job_, {work_, response.body()}};
        if (said == answer::rest)
            co_await bring(response, wanted);
        else
            co_await save(response);
        co_return;
    }
}

/// Once, before the first request: what stands under the file's name.
task<> transfer::look() {
    co_await take_up();
    co_await mind_existing();
}

/// What stands under its name, which may be the server's own.
task<> transfer::mind_existing() {
    const item_options* own = job_.own_options(work_.index);
    const existing_file policy = own && own->existing ? *own->existing : job_.options().existing;
    const bool known = job_.keeper().knows_finished(work_);
    if (policy == existing_file::overwrite && !known) co_return;
    file_stamp there;
    if (job_.target().local() && work_.place.empty() && !work_.name.starts_with('/'))
        there = stamp_at(job_.target().descriptor(), work_.name.c_str());
    else
        there = co_await to_thread(stamp_call, job_.target().descriptor(), work_.calls_name());
    if (there.error != 0 || !there.regular) co_return;
    if (known && job_.keeper().was_finished(work_, there.size, there.modified_ns)) {
        file_report& report = job_.report(work_.index);
        report.bytes = report.resumed = there.size;
        work_.result = reached::skipped;
        co_return;
    }
    switch (policy) {
        case existing_file::overwrite: break;
        case existing_file::skip:
            work_.result = reached::skipped;
            job_.report(work_.index).bytes = there.size;
            break;
        case existing_file::fail: throw download_failure(failure_class::exists, "a file of this name is there already");
        case existing_file::if_newer:
            work_.newer_than = there.modified_ns / 1'000'000'000;
            job_.report(work_.index).bytes = there.size;
            break;
    }
}

/// What an earlier job has left of it.
task<> transfer::take_up() {
    const std::optional<partial_record> left = job_.keeper().partial(work_);
    if (!left) co_return;
    work_.name_used = work_.was_noted = true;
    auto data = std::make_unique<file_data>(job_.target(), work_.calls_name());
    data->url = left->url;
    data->tags = {left->etag, left->last_modified};
    data->size = left->size;
    data->have = left->written;
    data->synced = left->synced;
    const std::uint64_t end = data->have.spans().empty() ? 0 : data->have.spans().back().end;
    const bool of_use = end != 0 && data->may_resume() && knows_url(left->url);
    const bool there = co_await data->part.reopen(left->part_name, left->inode, end);
    if (!of_use || !there) {
        job_.keeper().forget(work_);
        co_return;  // what nobody will ever go on from is removed
    }
    work_.tagged = true;
    work_.resumed = data->have.total();
    work_.data = std::move(data);
}

/// Is it one of the file's?
bool transfer::knows_url(std::string_view url) const noexcept {
    const item_options* own = job_.own_options(work_.index);
    return url == job_.report(work_.index).url || (own && std::find(own->mirrors.begin(), own->mirrors.end(), url) != own->mirrors.end());
}

http::request_options transfer::request_for(span_of_bytes wanted) {
    const item_options* own = job_.own_options(work_.index);
    http::request_options asked;
    if (own) {
        fields_ = own->headers;
        if (!own->user.empty()) {
            asked.credentials.user = own->user;
            asked.credentials.password = own->password;
        }
    }
    if (work_.newer_than) fields_.set("If-Modified-Since", http::format_date(*work_.newer_than));
    if (work_.data) {
        const bool to_the_end = wanted.end == no_end || wanted.end == work_.data->size;
        fields_.set("Range", http::format_range(wanted.first, to_the_end ? std::nullopt : std::optional{wanted.end - 1}));
        if (work_.data->url == job_.url_of(work_)) fields_.set("If-Range", work_.data->tags.if_range());
    } else {
        fields_.remove("Range");
        fields_.remove("If-Range");
    }
    if (!fields_.empty()) asked.headers = &fields_;
    return asked;
}

/// Does a part come from the file that the other bytes are from, as far as it says? Two servers give one file tags of their own.
bool transfer::same_file(const http::response& response) const {
    const file_data& data = *work_.data;
    const validators said = validators::said_by(response.headers());
    return data.url == job_.url_of(work_) ? data.tags.agree_with(said) : validators{{}, data.tags.last_modified}.agree_with(said);
}

/// A page to log in, or one that says why not, with the status of a success, is not a newer version of the file that has begun to come. What is there stays.
void transfer::refuse_page(const http::headers& fields) const {
    if (!work_.tagged || work_.was_page || !is_page(fields) || fields.get("ETag") || fields.get("Last-Modified")) return;
    throw download_failure(failure_class::protocol, "the server sent a page (text/html) instead of the file", true);
}

transfer::answer transfer::judge_answer(http::response& response, span_of_bytes wanted) {
    const int status = response.status();
    const http::headers& fields = response.headers();
    if (status == not_modified && work_.newer_than) return answer::unchanged;
    if (!work_.data) {
        if (!is_file(status)) throw refused(response, job_.url_of(work_));
        refuse_page(fields);
        return answer::whole;
    }
    file_data& data = *work_.data;
    if (status == 206) {
        const auto part = part_answer_of(fields);
        if (!part || part->first != wanted.first || part->end > wanted.end) {
            job_.start_over(work_, "the server sent another range than the one that was asked for");
            return answer::ask_again;
        }
        const bool another = data.url != job_.url_of(work_);  // which has to say that it has the same size
        if ((data.size && part->total.value_or(another ? 0 : *data.size) != *data.size) || !same_file(response) || is_coded(fields)) {
            job_.start_over(work_, "the file has changed on the server");
            return answer::ask_again;
        }
        if (!data.size && !part->total) {
            job_.start_over(work_, "the server does not say how large the file is, so that a part of it has no known end");
            return answer::ask_again;
        }
        if (!data.size) data.size = part->total;
        if (wanted.first != 0 || data.have.total() != 0) {
            work_.went_on = true;
            job_.tell(download_event::kind::resume, work_);
        }
        return answer::rest;
    }
    if (status == no_range_here) {
        const auto total = total_of_unsatisfied(fields);
        if (total && *total == data.have.prefix() && (!data.size || *data.size == *total) && same_file(response)) {
            data.size = total;
            return answer::all_there;
        }
        job_.start_over(work_, "the file on the server is another one: it does not have the range that is missing");
        return answer::ask_again;
    }
    if (!is_file(status)) throw refused(response, job_.url_of(work_));
    refuse_page(fields);
    const validators now_has = validators::said_by(fields);
    job_.start_over(work_, now_has.none() || !now_has.agree_with(data.tags) ? "the file has changed on the server" : "the server sends no part of a file");
    return answer::whole;
}

void transfer::check_size(std::uint64_t size) const {
    const item_options* own = job_.own_options(work_.index);
    if (!own || !own->size || *own->size == size) return;
    throw download_failure(failure_class::checksum, "it has " + std::to_string(size) + " bytes and should have " + std::to_string(*own->size));
}

/// The name that the server gives, where the caller has given none. True if it is another one than before.
bool transfer::name_by(const http::headers& fields) {
    if (!job_.options().content_disposition || job_.named_by_caller(work_.index) || !work_.planned.empty()) return false;
    const auto said = fields.get("Content-Disposition");
    if (!said) return false;
    std::string wanted = name_from_disposition(*said);
    if (wanted.empty() || wanted == work_.name) return false;
    work_.planned = work_.calls_name();
    work_.name = job_.claim_name(work_, wanted);
    file_report& report = job_.report(work_.index);
    const item_options* own = job_.own_options(work_.index);
    report.target = own && !own->directory.empty() ? path{own->directory} / work_.name : job_.target().name() / work_.name;
    if (!work_.place.empty()) work_.place = std::string{path{work_.place}.parent()} + "/" + work_.name;
    return true;
}

/// The whole file, from its first byte on.
task<> transfer::save(http::response& response) {
    http::body& body = response.body();
    if (name_by(response.headers())) {
        co_await mind_existing();
        const auto changed = http::parse_date(response.headers().get("Last-Modified").value_or(std::string_view{}));
        if (work_.newer_than && changed && *changed <= *work_.newer_than) work_.result = reached::skipped;
        if (work_.result != reached::nothing) co_return;
    }
    if (body.size()) check_size(*body.size());
    if (job_.named_by_caller(work_.index)) {
        const path target = job_.report(work_.index).target;
        const bool special = co_await to_thread(is_special, target);
        if (special) {
            co_await pour(response, target);
            co_return;
        }
    }
    const bool is_here = body.complete() || body.exchange().whole_body_is_here();
    if (is_here || comes_soon(body)) {
        std::string gathered;
        std::string_view content;
        if (is_here) {
            auto piece = co_await body.read();
            content = piece.value_or(std::string_view{});
        } else {
            gathered.reserve(static_cast<std::size_t>(*body.size()));
            while (auto piece = co_await body.read()) gathered.append(*piece);
            content = gathered;
        }
        check_size(content.size());
        for (const expected_digest& each : digests_of(response.headers())) {
            verify_content(content, each);
            job_.report(work_.index).verified = true;
        }
        co_await save_whole(content);
        job_.report(work_.index).bytes = content.size();
        work_.result = reached::complete;
        if (job_.limits().apply(work_.rate)) co_await job_.limits().charge(content.size(), job_.host_of(work_), work_.rate.get());
        co_return;
    }
    work_.data = std::make_unique<file_data>(job_.target(), work_.calls_name());
    file_data& data = *work_.data;
    data.url = job_.url_of(work_);
    if (!is_coded(response.headers())) data.tags = validators::of(response.headers());
    work_.tagged = !data.tags.none();
    work_.was_page = is_page(response.headers());
    data.size = body.size();
    // A record of another part file must never speak of this one, so a second one has another name. So has one of a job that is not alone in the directory:
    // what another job has left under the findable name is not this one's to replace.
    const bool worth_it = !data.size || *data.size >= worth_a_name;
    const bool findable = worth_it && job_.options().journal.empty() && job_.keeper().active() && data.may_resume() && !std::exchange(work_.name_used, true);
    const part_naming naming = findable ? part_naming::findable : part_naming::unique;
    co_await data.part.create(naming);
    co_await bring(response, {0, data.size.value_or(no_end)});
}

/// Into a device or a FIFO: what has been written there cannot be taken back, so no other attempt follows it.
task<> transfer::pour(http::response& response, const path& target) {
    http::body& body = response.body();
    std::vector<digest_check> checks;
    for (expected_digest& each : digests_of(response.headers())) {
        hasher hash(each.algorithm);
        checks.push_back({std::move(each), std::move(hash)});
    }
    leat::file to = co_await open(target, "w");
    auto poured = co_await (pour_all(body, to, checks) | as_result);
    if (!poured) {
        const verdict found = judge(poured.error().exception());
        throw download_failure(found.why, found.text);
    }
    co_await to.close();
    file_report& report = job_.report(work_.index);
    report.bytes = body.received();
    check_size(report.bytes);
    for (digest_check& each : checks) verify_hashed(each);
    report.verified = !checks.empty();
    work_.result = reached::complete;
}

task<> transfer::save_whole(std::string_view content) {
    part_file part{job_.target(), work_.calls_name()};
    if (!job_.options().sync && part.save_at_once(content)) co_return;
    co_await part.create(part_naming::unique);
    leat::file to = part.writer(0);
    co_await to.write(content);
    co_await to.close();
    co_await part.finish(job_.options().sync);
}

/// What is missing, into the part file.
task<> transfer::bring(http::response& response, span_of_bytes wanted) {
    expect_digests(response.headers());
    file_data& data = *work_.data;
    if (job_.options().preallocate && data.size && *data.size >= worth_room && !std::exchange(data.has_room, true))
        co_await data.part.keep_room(wanted.first, *data.size);
    crew team{job_, work_};
    co_await team.run(response, wanted);
    arrived(data);
}

/// Everything is in the part file.
void transfer::arrived(const file_data& data) {
    check_size(*data.size);
    file_report& report = job_.report(work_.index);
    report.bytes = *data.size;
    report.resumed = work_.resumed;
    work_.result = reached::arrived;
}

/// What the caller demands, and what the server says.
std::vector<expected_digest> transfer::digests_of(const http::headers& fields) const {
    std::vector<expected_digest> found;
    const item_options* own = job_.own_options(work_.index);
    if (own && !own->checksum.empty()) found.push_back(expected_digest::parse(own->checksum));
    if (!job_.options().verify_digests) return found;
    if (const auto field = fields.get("Repr-Digest"))
        if (auto said = expected_digest::of_field(*field)) found.push_back(std::move(*said));
    return found;
}

void transfer::expect_digests(const http::headers& fields) {
    file_data& data = *work_.data;
    if (data.hashed != 0 || !data.digests.empty()) return;
    for (expected_digest& each : digests_of(fields)) {
        hasher hash(each.algorithm);
        data.digests.push_back({std::move(each), std::move(hash)});
    }
}

}  // namespace leat::detail
