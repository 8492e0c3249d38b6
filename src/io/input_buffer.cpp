#include "leat/io/detail/input_buffer.hpp"

#include <algorithm>

#include "task/loop.hpp"

namespace leat::detail {

input_buffer::~input_buffer() {
    if (retired_) free_retired();
    begin_ = end_;
    release_if_empty();
}

char* input_buffer::room(std::size_t least, std::size_t preferred, bool in_use) {
    if (!in_use && begin_ == end_) begin_ = end_ = scanned_ = 0;
    if (capacity_ - end_ >= least) return memory_ + end_;
    const std::size_t kept = size();
    if (!in_use && capacity_ - kept >= std::max(least, static_cast<std::size_t>(capacity_ / 2))) {
        std::memmove(memory_, memory_ + begin_, kept);
    } else {
        buffer_pool& pool = loop::current().buffers();
        const std::size_t wanted = buffer_pool::rounded(kept + std::max(least, std::min(preferred, kept + least * 2)));
        char* larger = pool.take(wanted);
        if (kept) std::memcpy(larger, memory_ + begin_, kept);
        if (memory_) {
            if (in_use && !retired_) {  // a view points here; if one is set aside already, the view is in that
                retired_ = memory_;
                retired_capacity_ = capacity_;
            } else {
                pool.give_back(memory_, capacity_);
            }
        }
        memory_ = larger;
        capacity_ = static_cast<std::uint32_t>(wanted);
    }
    begin_ = 0;
    end_ = static_cast<std::uint32_t>(kept);
    return memory_ + end_;
}

bool input_buffer::put_back(std::string_view taken) noexcept {
    if (taken.empty()) return true;
    if (memory_ && taken.data() + taken.size() == memory_ + begin_) {
        begin_ -= static_cast<std::uint32_t>(taken.size());
        scanned_ = 0;
        return true;
    }
    // More has arrived since, and the buffer that the view is in was set aside.
    if (!retired_ || taken.data() < retired_ || taken.data() >= retired_ + retired_capacity_) return false;
    buffer_pool& pool = loop::current_or_null()->buffers();
    const std::size_t kept = size();
    const std::size_t wanted = buffer_pool::rounded(kept + taken.size());
    char* larger = pool.take(wanted);
    std::memcpy(larger, taken.data(), taken.size());
    std::memcpy(larger + taken.size(), memory_ + begin_, kept);
    pool.give_back(memory_, capacity_);
    free_retired();
    memory_ = larger;
    capacity_ = static_cast<std::uint32_t>(wanted);
    begin_ = scanned_ = 0;
    end_ = static_cast<std::uint32_t>(kept + taken.size());
    return true;
}

void input_buffer::release_if_empty() noexcept {
    if (!memory_ || begin_ != end_) return;
    if (loop* here = loop::current_or_null())
        here->buffers().give_back(memory_, capacity_);
    else
        ::operator delete(memory_, static_cast<std::size_t>(capacity_));
    memory_ = nullptr;
    capacity_ = begin_ = end_ = scanned_ = 0;
}

void input_buffer::free_retired() noexcept {
    if (loop* here = loop::current_or_null())
        here->buffers().give_back(retired_, retired_capacity_);
    else
        ::operator delete(retired_, static_cast<std::size_t>(retired_capacity_));
    retired_ = nullptr;
}

}  // namespace leat::detail
