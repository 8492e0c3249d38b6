#include "leat/io/detail/output_stream.hpp"
#include "io/error_from.hpp"

#include <algorithm>
#include <cerrno>

#include "leat/io/error.hpp"
#include "task/loop.hpp"

namespace leat::detail {

/// What a write up to the mark leaves in the queue when it is cancelled there: its bytes, which have been accepted.
class write_operation::kept_write final : public write_operation {
public:
    explicit kept_write(const write_operation& of) : write_operation(of.to_, 1) {
        for (std::uint32_t i = 0; i < of.count_; ++i) bytes_.append(of.pieces_[i]);
        piece_ = bytes_;
        take_from(&piece_);
        state_ = waits_room;
        kept_ = true;
    }

private:
    std::string bytes_;
    std::string_view piece_;
};

void flushable::mark_dirty() noexcept { loop::current_or_null()->mark_dirty(*this); }

output_stream::~output_stream() {
    if (dirty_) loop::current_or_null()->forget_dirty(*this);
    while (!waiting_.empty() && static_cast<write_operation&>(*waiting_.first()).kept_) {
        auto& first = static_cast<write_operation&>(*waiting_.first());
        waiting_.remove(first);
        delete static_cast<write_operation::kept_write*>(&first);
    }
    if (memory_) {
        if (loop* here = loop::current_or_null())
            here->buffers().give_back(memory_, capacity_);
        else
            ::operator delete(memory_, static_cast<std::size_t>(capacity_));
    }
}

void output_stream::set_buffer(char* memory, std::size_t capacity) noexcept {
    memory_ = memory;
    capacity_ = static_cast<std::uint32_t>(capacity);
    size_ = 0;
    update_fast_end();
}

void output_stream::update_fast_end() noexcept {
    // The first write of a turn takes the slow way and puts the stream on the loop's list.
    if (!dirty_ || output_error_ || refusing_ || !waiting_.empty()) {
        fast_end_ = 0;
        return;
    }
    const std::size_t in_flight = bytes_in_flight();
    const std::size_t allowed = high_water > in_flight ? high_water - in_flight : 0;
    fast_end_ = static_cast<std::uint32_t>(std::min<std::size_t>(capacity_, allowed));
}

void output_stream::append(std::string_view piece) {
    if (piece.empty()) return;
    if (size_ + piece.size() > capacity_) {
        buffer_pool& pool = loop::current().buffers();
        const std::size_t larger = buffer_pool::rounded(std::max<std::size_t>(size_ + piece.size(), std::min<std::size_t>(capacity_ * 4, high_water)));
        char* memory = pool.take(larger);
        if (size_) std::memcpy(memory, memory_, size_);
        if (memory_) pool.give_back(memory_, capacity_);
        memory_ = memory;
        capacity_ = static_cast<std::uint32_t>(larger);
    }
    std::memcpy(memory_ + size_, piece.data(), piece.size());
    size_ += static_cast<std::uint32_t>(piece.size());
    if (!dirty_) mark_dirty();
}

void output_stream::put(std::string_view piece) {
    if (output_error_ || refusing_) std::rethrow_exception(why_not());
    append(piece);
}

std::exception_ptr output_stream::why_not() const {
    if (output_error_) return output_error_;
    return std::make_exception_ptr(leat::error(EPIPE, "write after close", output_subject()));
}

void output_stream::pump() noexcept {
    while (!waiting_.empty()) {
        auto& first = static_cast<write_operation&>(*waiting_.first());
        if (buffered() > low_water) break;
        if (first.state_ == write_operation::waits_room) {
            try {
                if (!first.append_some()) break;
            } catch (...) {
                fail_output(std::current_exception());
                return;
            }
            first.state_ = write_operation::waits_low;
            --large_writes_;
            if (buffered() > high_water) break;
        }
        waiting_.remove(first);
        first.settle(write_operation::done);
    }
    update_fast_end();
}

void output_stream::fail_output(std::exception_ptr why) noexcept {
    if (!output_error_) output_error_ = std::move(why);
    while (!waiting_.empty()) {
        auto& first = static_cast<write_operation&>(*waiting_.first());
        waiting_.remove(first);
        first.settle(write_operation::failed);
    }
    update_fast_end();
}

void output_stream::refuse_output() noexcept {
    refusing_ = true;
    update_fast_end();
}

bool write_operation::start(promise_base& frame, std::source_location at) {
    if (to_.output_error_ || to_.refusing_) {
        state_ = failed;
        return false;
    }
    std::size_t total = 0;
    for (std::uint32_t i = 0; i < count_; ++i) total += pieces_[i].size();
    const bool behind_a_large_one = to_.large_writes_ > 0;
    state_ = waits_low;
    if (count_ != 0) {
        to_.before_append();
        if (total <= to_.high_water && !behind_a_large_one) {
            for (std::uint32_t i = 0; i < count_; ++i) to_.append(pieces_[i]);
        } else {
            state_ = waits_room;
            if (!behind_a_large_one && to_.buffered() < to_.high_water && append_some()) state_ = waits_low;
        }
    }
    const std::size_t mark = count_ != 0 ? to_.high_water : to_.low_water;
    if (state_ == waits_low && to_.buffered() <= mark && to_.waiting_.empty()) {
        to_.update_fast_end();
        state_ = done;
        to_.budget_ -= output_stream::call_cost + static_cast<std::int32_t>(total);
        if (to_.budget_ > 0 || frame.strand->cancelled) return false;
        to_.budget_ = output_stream::full_budget;
        suspend_regardless(frame, at);
        wake();
        return true;
    }
    to_.budget_ = output_stream::full_budget;
    if (!suspend(frame, at)) {
        if (state_ == waits_room && !begun() && total <= to_.high_water) {
            to_.waiting_.push(*new kept_write(*this));
            ++to_.large_writes_;
        }
        if (state_ == waits_room && begun()) to_.fail_output(std::make_exception_ptr(leat::error(ECANCELED, "write cancelled midway", to_.output_subject())));
        return false;
    }
    to_.waiting_.push(*this);
    if (state_ == waits_room) ++to_.large_writes_;
    to_.update_fast_end();
    to_.urge();
    return true;
}

bool write_operation::append_some() {
    std::size_t skip = taken_;
    for (std::uint32_t i = 0; i < count_; ++i) {
        if (skip >= pieces_[i].size()) {
            skip -= pieces_[i].size();
            continue;
        }
        const std::size_t used = to_.buffered();
        const std::size_t room = used < to_.high_water ? to_.high_water - used : 0;
        const std::string_view rest = pieces_[i].substr(skip);
        const std::string_view part = rest.substr(0, room);
        skip = 0;
        to_.append(part);
        taken_ += part.size();
        if (part.size() < rest.size()) return false;
    }
    return true;
}

void write_operation::settle(std::uint8_t how) noexcept {
    if (state_ == waits_room) --to_.large_writes_;
    state_ = how;
    if (kept_) {
        delete static_cast<kept_write*>(this);
        return;
    }
    wake();
}

std::exception_ptr write_operation::error() {
    if (was_cancelled()) throw cancelled{};
    return state_ == failed ? to_.why_not() : nullptr;
}

/// A write up to the mark is accepted whole; where it waits behind a large one, a copy keeps its place. True if that is done.
bool write_operation::leave_copy() noexcept {
    std::size_t total = 0;
    for (std::uint32_t i = 0; i < count_; ++i) total += pieces_[i].size();
    if (state_ != waits_room || begun() || total > to_.high_water) return false;
    try {
        auto* copy = new kept_write(*this);
        to_.waiting_.replace(*this, *copy);
    } catch (...) {
        to_.fail_output(std::current_exception());  // which takes this write out, too
        return true;
    }
    state_ = fresh;
    return true;
}

/// Leaves the queue before its turn. What was taken is sent all the same; a large write that is cut ends the stream's output.
void write_operation::withdraw() noexcept {
    if (leave_copy()) return;
    const bool torn = state_ == waits_room && begun();
    to_.waiting_.remove(*this);
    if (state_ == waits_room) --to_.large_writes_;
    state_ = fresh;
    if (torn) to_.fail_output(error_from([&] { return leat::error(ECANCELED, "write cancelled midway", to_.output_subject()); }));
    to_.pump();
}

void write_operation::cancel() noexcept {
    withdraw();
    wake_cancelled();
}

write_operation::~write_operation() {
    if (suspended() && (state_ == waits_low || state_ == waits_room)) withdraw();
}

}  // namespace leat::detail
