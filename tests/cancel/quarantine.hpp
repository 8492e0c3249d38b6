#pragma once
#include <cstddef>
#include <string>

namespace leat::testing {

/// Freed memory of this program is filled with a pattern and kept for a while (64 MB of it), so that a late write shows: above all one of the
/// kernel, which AddressSanitizer does not see. Blocks below 64 bytes are given back at once. Under AddressSanitizer kept blocks are poisoned as
/// well, so that it still tells about what the program itself touches.
///
/// The pools of leat keep memory from being freed. Sanitized builds have none; of the others this program replaces the pool of buffers by
/// one that keeps nothing (tests/CMakeLists.txt), and frames and strands, which no operation points into, stay in theirs.
class quarantine {
public:
    static constexpr std::size_t least = 64;
    static constexpr unsigned char pattern = 0xDB;

    /// What was written to after it was freed, since the last call; empty if all is well. Looks at everything that is kept.
    static std::string damage();
    /// How many bytes are kept now.
    static std::size_t size() noexcept;
};

}  // namespace leat::testing
