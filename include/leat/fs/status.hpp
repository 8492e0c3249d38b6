#pragma once
#include <cstdint>

#include "leat/io/duration.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// What stands at a name.
enum class file_kind : std::uint8_t {
    regular,
    directory,
    other,          ///< FIFOs, sockets, devices
    symbolic_link,  ///< only where links are not followed
};

/// What stands at a name. Times count from 1970-01-01 00:00 UTC. `directory` tells the kind, the size and the time of modification
/// alone; `stat` and `lstat` tell all.
struct file_status {
    file_kind kind = file_kind::other;  ///< what it is
    std::uint64_t size = 0;             ///< bytes; of a link: the length of its target's name
    duration modified{};                ///< the content
    duration accessed{};                ///< the last read, as far as the file system notes it
    duration changed{};                 ///< the content, the name or the permissions
    std::uint32_t permissions = 0;      ///< the lower twelve bits of st_mode: 0644 and the like
    std::uint32_t owner = 0;            ///< user
    std::uint32_t group = 0;            ///< its group
    std::uint64_t links = 0;            ///< hard links, this name included
    std::uint64_t inode = 0;            ///< with the device: two names with the same pair are one file
    std::uint64_t device = 0;           ///< of the file system it lies on
};

/// Whether something is there. In a condition it needs a name, `if (auto found = co_await leat::exists(name))`, since g++ 12 miscompiles
/// a condition that awaits without one.
class presence {
public:
    /// Whether it is there.
    constexpr explicit presence(bool found) noexcept : found_(found) {}
    /// Is something there?
    constexpr explicit operator bool() const& noexcept { return found_; }
    constexpr explicit operator bool() const&& = delete;
    /// For `found == leat::present`.
    friend constexpr bool operator==(presence, presence) = default;

private:
    bool found_;
};
/// Something is there.
inline constexpr presence present{true};
/// Nothing is there.
inline constexpr presence absent{false};

/// What stands at a name; symbolic links are followed.
/// Completes when: the kernel has told; at once in a directory whose files are known to be local. Errors: `leat::error` "stat NAME: …".
/// Cancellation: nothing is lost. Threads: the loop's own. Allocates: about 500 bytes meanwhile. Source: os.stat, Path.stat.
task<file_status> stat(path name);
/// The same about a symbolic link itself.
/// Completes when: as `stat`. Errors: `leat::error` "lstat NAME: …". Cancellation: nothing is lost. Source: os.lstat.
task<file_status> lstat(path name);

/// Is there something at this name? A link that leads nowhere, or in a circle, counts as absent.
/// Completes when: as `stat`. @return `presence`. Errors: `leat::error` "exists NAME: …" where that cannot be known: EACCES for a directory above it, EIO.
/// Cancellation: nothing is lost. Source: Path.exists.
task<presence> exists(path name);

/// Where a symbolic link leads, as it is written there.
/// Completes when: it is read. Errors: `leat::error` "read_link NAME: …"; EINVAL if it is none. Source: os.readlink.
/// Cancellation: waits for the call; nothing is lost. Threads: the call runs in a thread of the pool.
task<path> read_link(path name);
/// Makes `name` a symbolic link with this text; the target need not exist.
/// Completes when: the kernel has done it. Errors: `leat::error` "make_symbolic_link NAME: …"; EEXIST if the name is taken.
/// Cancellation: as for `rename`. Source: os.symlink, with the same order of arguments.
task<> make_symbolic_link(path target, path name);
/// Makes `name` a further name of an existing file (a hard link); a symbolic link is not followed.
/// Completes when: the kernel has done it. Errors: `leat::error` "make_link EXISTING to NAME: …"; EEXIST; EXDEV on another file system.
/// Cancellation: as for `rename`. Source: os.link.
task<> make_link(path existing, path name);

}  // namespace leat
