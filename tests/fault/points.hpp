#pragma once
#include <span>
#include <string>

/// Points at which something may fail: every call into the kernel that leat makes, every operation it gives to io_uring, each thing that comes back from one
/// that stands, and every allocation. The program counts them, and makes the one that it is told to fail.
///
/// Nothing in leat knows of it: the linker leads calls of the C library here (`--wrap`, see tests/CMakeLists.txt), and what the
/// ring is given and gives back is changed in the ring.
namespace leat::fault {

/// Which point fails, and with which of the ways that are open to it.
struct plan {
    long point = -1;
    int choice = 0;
    bool memory = false;  // counts allocations instead of calls
};

struct outcome {
    bool fired = false;
    int choices = 1;       // how many ways that point has
    std::string what;      // "recv: ECONNRESET"
    long points = 0;       // how many there were
};

void arm(plan chosen);
outcome disarm();
bool has_fired() noexcept;

/// While it lives, this thread's calls are none of leat's.
class paused {
public:
    paused();
    ~paused();
    paused(const paused&) = delete;
};

// ---- for what stands between

/// While it lives, this thread's allocations do not count.
class uncounted {
public:
    uncounted();
    ~uncounted();
    uncounted(const uncounted&) = delete;
};

/// In a list of ways to fail: less is transferred than was asked for.
inline constexpr int short_transfer = -1;

/// Counts a point of this kind; 0: it succeeds. Else an errno value, or short_transfer.
int point(const char* call, std::span<const int> ways) noexcept;
bool armed_for_calls() noexcept;

}  // namespace leat::fault
