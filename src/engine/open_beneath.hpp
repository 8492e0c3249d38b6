#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/owned_descriptor.hpp"

namespace leat::detail {

enum class entry_kind : std::uint8_t { regular, directory, other };

/// What stands at a name below a directory.
struct entry_facts {
    int error = 0;                 // an errno value; then nothing else counts
    entry_kind kind = entry_kind::other;
    std::uint64_t size = 0;
    std::int64_t modified_ns = 0;  // since 1970
};

struct opened_beneath {
    entry_facts facts;
    owned_descriptor descriptor;   // for reading; none for kind other
};

/// How far a name is followed. Both stay below the directory, whatever symbolic links say.
enum class resolution : std::uint8_t {
    cached,  // only what the kernel has in memory, on the directory's own mount: never waits. -EAGAIN and EXDEV say nothing
    full,
};

/// A directory to resolve names beneath. -errno if there is none.
int open_root(const char* path) noexcept;

/// Opens a file or directory for reading. Never leaves the directory (EXDEV), neither by ".." nor by a symbolic link, and never opens a
/// FIFO, a socket or a device, which are only told about.
opened_beneath open_beneath(int directory, const char* relative, resolution how) noexcept;

struct named_entry {
    std::string name;
    entry_facts facts;
};
struct entry_list {
    int error = 0;
    bool complete = true;          // false: there are more than was asked for
    std::vector<named_entry> entries;
};
/// The names in a directory below this one, in no order, but for "." and "..", and for links that lead out of it or nowhere.
entry_list list_beneath(int directory, const std::string& relative, std::size_t most);

}  // namespace leat::detail
