#include "fault/points.hpp"

#include <execinfo.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

namespace leat::fault {
namespace {

/// Where a run that must not end has ended.
[[maybe_unused]] const auto tells_where = std::set_terminate([] {
    void* frames[40];
    ::backtrace_symbols_fd(frames, ::backtrace(frames, 40), 2);
    std::abort();
});

plan chosen;
std::atomic<bool> armed{false};
std::atomic<long> counted{0};
std::atomic<const char*> fired_call{nullptr};
std::atomic<int> fired_way{0};
std::atomic<int> fired_choices{1};
thread_local int pauses = 0;
thread_local int memory_pauses = 0;

}  // namespace

void arm(plan now) {
    chosen = now;
    counted = 0;
    fired_call = nullptr;
    fired_choices = 1;
    armed = true;
}

outcome disarm() {
    armed = false;
    outcome seen;
    seen.points = counted;
    const char* call = fired_call;
    if (!call) return seen;
    seen.fired = true;
    seen.choices = fired_choices;
    seen.what = call;
    if (chosen.memory) return seen;
    seen.what += ": ";
    seen.what += fired_way == short_transfer ? "a short transfer" : ::strerrorname_np(fired_way);
    return seen;
}

bool has_fired() noexcept { return fired_call != nullptr; }

paused::paused() { ++pauses; }
paused::~paused() { --pauses; }
uncounted::uncounted() { ++memory_pauses; }
uncounted::~uncounted() { --memory_pauses; }

bool armed_for_calls() noexcept { return armed.load(std::memory_order_relaxed) && !chosen.memory && pauses == 0; }

int point(const char* call, std::span<const int> ways) noexcept {
    if (!armed_for_calls() || counted++ != chosen.point || ways.empty()) return 0;
    const int way = ways[static_cast<std::size_t>(chosen.choice) % ways.size()];
    fired_way = way;
    fired_choices = static_cast<int>(ways.size());
    fired_call = call;
    return way;
}

}  // namespace leat::fault

// ---- memory

namespace {

void* take(std::size_t size, std::size_t alignment) {
    using namespace leat::fault;
    if (armed.load(std::memory_order_relaxed) && chosen.memory && pauses + memory_pauses == 0 && counted++ == chosen.point) {
        fired_call = "an allocation";
        if (std::getenv("LEAT_FAULT_TRACE")) {
            void* frames[24];
            ::backtrace_symbols_fd(frames, ::backtrace(frames, 24), 2);
        }
        throw std::bad_alloc{};
    }
    void* memory = alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : std::malloc(size ? size : 1);
    if (!memory) throw std::bad_alloc{};
    return memory;
}

}  // namespace

void* operator new(std::size_t size) { return take(size, 0); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take(size, static_cast<std::size_t>(alignment)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return take(size, 0);
    } catch (...) {
        return nullptr;
    }
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
