#include "download/schedule.hpp"

#include <algorithm>

#include "engine/engine.hpp"
#include "http/ascii.hpp"

namespace leat::detail {

std::string_view schedule::host_of(std::string_view url) noexcept {
    const auto scheme = url.find("://");
    const std::size_t start = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto end = http::ascii::find_any(url, "/?#", start);
    return url.substr(0, end);
}

std::uint32_t schedule::number_of(std::string_view host) {
    if (!hosts_.empty() && host == last_host_) return last_number_;  // lists of one host are the usual ones
    const auto [at, fresh] = host_numbers_.try_emplace(std::string{host}, static_cast<std::uint32_t>(hosts_.size()));
    if (fresh) hosts_.emplace_back();
    last_host_ = at->first;
    return last_number_ = at->second;
}

void schedule::add(std::size_t file, std::string_view url) {
    const std::uint32_t number = number_of(host_of(url));
    if (host_of_file_.size() <= file) host_of_file_.resize(file + 1);
    host_of_file_[file] = number;
    hosts_[number].files.push_back(static_cast<std::uint32_t>(file));
    ++left_;
    ++waiting_;
    list_if_ready(hosts_[number]);
    if (!idle_.empty()) wake_waiting();
}

void schedule::close() noexcept {
    closed_ = true;
    wake_waiting();
}

void schedule::list_if_ready(host& at) {
    if (at.listed || !at.waits() || at.running >= per_host_) return;
    at.listed = true;
    ready_.push_back(host_of_file_[at.files[at.next]]);
}

std::size_t schedule::take() noexcept {
    if (ready_.empty()) return none;
    host& at = hosts_[ready_.front()];
    ready_.pop_front();
    at.listed = false;
    const std::size_t file = at.files[at.next++];
    ++at.running;
    ++connections_;
    --waiting_;
    list_if_ready(at);
    return file;
}

void schedule::leave_host(std::size_t file) {
    host& at = hosts_[host_of_file_[file]];
    --at.running;
    --connections_;
    list_if_ready(at);
}

void schedule::done(std::size_t file) noexcept {
    leave_host(file);
    --left_;
    // Whoever has finished this file takes the next one itself; others are woken only if there is more than that, or nothing ever again.
    if (left_ == 0 || ready_.size() > 1) wake_waiting();
}

void schedule::hold(std::size_t file) {
    leave_host(file);
    if (ready_.size() > 1) wake_waiting();
}

void schedule::back(std::size_t file) {
    host& at = hosts_[host_of_file_[file]];
    at.files[--at.next] = static_cast<std::uint32_t>(file);  // its own place, or that of another one that was taken
    ++waiting_;
    list_if_ready(at);
    wake_waiting();
}

void schedule::drop() noexcept {
    if (--left_ == 0) wake_waiting();
}

void schedule::hurry(std::size_t file) {
    for (later& each : later_) {
        if (each.file != file) continue;
        each.when = clock_now();
        std::make_heap(later_.begin(), later_.end(), [](const later& a, const later& b) { return a.when > b.when; });
        arm_at(later_.front().when);
        return;
    }
}

bool schedule::take_extra(std::size_t file, std::size_t most_in_all) noexcept {
    host& at = hosts_[host_of_file_[file]];
    if (at.waits() || at.running >= per_host_ || connections_ >= most_in_all) return false;
    ++at.running;
    ++connections_;
    return true;
}

void schedule::leave_extra(std::size_t file) noexcept {
    leave_host(file);
    wake_waiting();
}

void schedule::again(std::size_t file, time_point when) {
    leave_host(file);
    const auto latest = [](const later& a, const later& b) { return a.when > b.when; };
    later_.push_back({when, static_cast<std::uint32_t>(file)});
    std::push_heap(later_.begin(), later_.end(), latest);
    arm_at(later_.front().when);
    if (ready_.size() > 1) wake_waiting();
}

void schedule::expired() noexcept {
    const auto latest = [](const later& a, const later& b) { return a.when > b.when; };
    const time_point now = clock_now();
    while (!later_.empty() && later_.front().when <= now) {
        const std::uint32_t file = later_.front().file;
        std::pop_heap(later_.begin(), later_.end(), latest);
        later_.pop_back();
        host& at = hosts_[host_of_file_[file]];
        at.files[--at.next] = file;  // its own place, or that of another one that was taken
        ++waiting_;
        list_if_ready(at);
    }
    if (!later_.empty()) arm_at(later_.front().when);
    wake_waiting();
}

/// Gives work to those who wait for it; all go if there will be none.
void schedule::wake_waiting() noexcept {
    while (!idle_.empty() && (over() || !ready_.empty())) {
        auto& first = static_cast<work_wait&>(*idle_.first());
        first.file_ = take();
        idle_.remove(first);
        first.queued_ = false;
        first.wake();
    }
}

bool work_wait::start(promise_base& frame, std::source_location at) noexcept {
    if (!suspend(frame, at)) return false;
    of_.idle_.push(*this);
    queued_ = true;
    return true;
}

void work_wait::cancel() noexcept {
    of_.idle_.remove(*this);
    queued_ = false;
    wake_cancelled();
}

work_wait::~work_wait() {
    if (queued_) of_.idle_.remove(*this);
}

}  // namespace leat::detail
