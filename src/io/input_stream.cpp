#include "leat/io/detail/input_stream.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>

#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t largest_buffer = std::size_t{1} << 30;  // what a read may ask to have in one piece

}  // namespace

void input_stream::bytes_arrived() noexcept {
    if (reading && (reading->try_take() || reading->try_end())) reading->settle();
}

void input_stream::input_ended(std::exception_ptr why) noexcept {
    input_at_end = true;
    input_error = std::move(why);
    if (reading && (reading->try_take() || reading->try_end())) reading->settle();
}

std::size_t read_operation::missing() const noexcept {
    return kind_ == kind::exactly && count_ > from_.input.size() ? count_ - from_.input.size() : 1;
}

bool read_operation::start(promise_base& frame, std::source_location at) {
    if (from_.reading) throw std::logic_error(from_.subject() + ": two reads at once on one reader");
    if (kind_ == kind::exactly && count_ > largest_buffer) throw std::length_error(from_.subject() + ": one read of more than 1 GiB");
    if (state_ == has_value) return false;
    if (from_.budget <= 0 && frame.strand->cancelled) {
        // The yield that is due is a cancellation point; nothing has been taken.
        wake_cancelled();
        return false;
    }
    from_.input.release_view();
    if (try_take() || try_end() || (from_.fill_now() && (try_take() || try_end()))) {
        // Where the budget is used up the others have their turn first; the value is kept.
        if (from_.budget > 0) return false;
        if (frame.strand->cancelled) return false;  // the next one is cancelled
        from_.budget = input_stream::full_budget;
        suspend_regardless(frame, at);
        wake();
        return true;
    }
    from_.budget = input_stream::full_budget;
    if (!suspend(frame, at)) return false;
    from_.reading = this;
    from_.want_bytes();
    return true;
}

bool read_operation::try_take_other() noexcept {
    const std::size_t there = from_.input.size();
    switch (kind_) {
        case kind::some:
            if (there == 0 || count_ == 0) return false;
            return took(from_.input.take(std::min<std::size_t>(there, count_)));
        case kind::exactly:
            if (there < count_) return false;
            return took(from_.input.take(count_));
        case kind::until:
            return find_separator();
        case kind::message:
            return take_message();
        case kind::line:
            break;
    }
    return false;
}

/// The match that ends first wins; of those that end together, it makes no difference.
bool read_operation::find_separator() noexcept {
    const std::string_view unread = from_.input.unread();
    const std::span separators{search_->separators, search_->count};
    std::size_t longest = 1;
    std::size_t best = std::string_view::npos;
    for (std::string_view separator : separators) {
        if (separator.empty()) continue;
        longest = std::max(longest, separator.size());
        // Cut at the best end so far: a later match cannot win.
        auto at = unread.substr(0, best).find(separator, search_->searched);
        if (at != std::string_view::npos) best = at + separator.size();
    }
    if (best == std::string_view::npos) {
        // A separator may have begun in the last bytes.
        search_->searched = static_cast<std::uint32_t>(unread.size() >= longest ? unread.size() - (longest - 1) : 0);
        return false;
    }
    if (best > count_) return false;
    return took(from_.input.take(best));
}

bool read_operation::try_end() noexcept {
    const std::size_t there = from_.input.size();
    const bool separated = kind_ == kind::line || kind_ == kind::until;
    if (kind_ == kind::some && count_ == 0) {
        return took({});
    }
    if (separated && there > std::min<std::size_t>(count_, largest_buffer)) {
        state_ = has_failed;  // error() tells the limit from the rest
        return true;
    }
    if (!from_.input_at_end) return false;
    if (kind_ == kind::line && there > 0 && !from_.input_error) {  // the last line, without '\n'
        return took(from_.input.take(there));
    }
    const bool complete_without = there == 0 && kind_ != kind::exactly && !from_.input_error;
    state_ = complete_without ? at_end : has_failed;
    return true;
}

void read_operation::settle() noexcept {
    from_.reading = nullptr;
    wake();
}

void read_operation::detach() noexcept {
    if (from_.reading == this) from_.reading = nullptr;
}

void read_operation::give_back_or_detach() noexcept {
    detach();
    if (state_ == has_value && kind_ != kind::message) from_.input.put_back(view());
}

void read_operation::cancel() noexcept {
    detach();
    wake_cancelled();
}

void read_operation::give_back() noexcept {
    if (state_ != has_value || kind_ == kind::message || !from_.input.put_back(view())) return;
    state_ = pending;
    wake_cancelled();
}

std::exception_ptr read_operation::error() {
    if (was_cancelled()) throw cancelled{};
    if (state_ != has_failed) return nullptr;
    const std::size_t there = from_.input.size();
    const bool separated = kind_ == kind::line || kind_ == kind::until;
    const std::size_t most = std::min<std::size_t>(count_, largest_buffer);
    if (separated && there > most) return std::make_exception_ptr(limit_error(describe(), from_.subject(), most));
    if (from_.input_error) return from_.input_error;
    return std::make_exception_ptr(incomplete_read(describe(), from_.subject(), kind_ == kind::exactly ? count_ : 0, there));
}

const char* read_operation::describe() const noexcept {
    switch (kind_) {
        case kind::some: return "read";
        case kind::line: return "read_line";
        case kind::until: return "read_until";
        case kind::exactly: return "read_exactly";
        case kind::message: return "read";
    }
    return "read";
}

}  // namespace leat::detail
