#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/owned_descriptor.hpp"

namespace leat::detail {

enum class sharing : std::uint8_t { automatic, never, always };

struct copy_wishes {
    bool overwrite;
    bool permissions;
    bool times;
    sharing blocks;
};

/// A regular file copied piece by piece, each piece in a thread. Results are 0 or more, or -errno.
class file_copier {
public:
    int begin(const char* from, const char* to, copy_wishes wishes) noexcept;
    /// Copies at most about so much: 1 if there is more, 0 at the end.
    int step(std::size_t most) noexcept;
    /// Permissions and times; closes.
    int finish() noexcept;
    /// Leaves nothing of a copy that was not there before.
    void give_up(const char* to) noexcept;
    std::int64_t size() const noexcept { return at_; }

private:
    enum class way : std::uint8_t { range, sendfile, plain };
    long piece(std::size_t most) noexcept;
    long plain_piece(std::size_t most) noexcept;
    int find_data() noexcept;

    owned_descriptor from_;
    owned_descriptor to_;
    copy_wishes wishes_{};
    way way_ = way::range;
    bool created_ = false;
    bool holes_ = false;
    bool shared_ = false;
    std::int64_t at_ = 0;
    std::int64_t data_end_ = 0;  // of the stretch without holes that is being copied
    std::int64_t known_size_ = 0;
};

}  // namespace leat::detail
