#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/owned_descriptor.hpp"

namespace leat::detail {

/// Directories read and removed piece by piece, each piece in a thread. Nothing here throws; errors are errno values.

enum class name_kind : std::uint8_t { regular, directory, other, link };

struct scanned_name {
    std::string name;
    name_kind kind;
};

/// An open directory stream.
class directory_stream {
public:
    directory_stream() = default;
    directory_stream(directory_stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
    directory_stream& operator=(directory_stream&& other) noexcept {
        std::swap(stream_, other.stream_);
        return *this;
    }
    ~directory_stream() { close(); }
    /// Takes a descriptor open for reading; it is closed also on failure.
    int adopt(int fd) noexcept;
    int open(const char* path) noexcept;
    void close() noexcept;
    bool is_open() const noexcept { return stream_ != nullptr; }
    int descriptor() const noexcept;
    void rewind() noexcept;

    /// The next name but "." and "..": 1; 0 at the end; -errno.
    int next(scanned_name& into) noexcept;
    /// Up to `most` of them, appended: 1 if there may be more, 0 at the end, -errno.
    int next(std::vector<scanned_name>& into, std::size_t most) noexcept;

private:
    void* stream_ = nullptr;
};

/// Opens a directory below another to read it, without following any link on the way. -errno.
int open_directory_beneath(int root, const char* relative) noexcept;

/// Removes a tree, by descriptors: no name is looked up but in a directory that is held open, and no link is followed.
class tree_remover {
public:
    explicit tree_remover(std::string root) : root_(std::move(root)) {}
    /// Removes about so many names: 1 if there is more, 0 when the tree is gone, -errno.
    int step(std::size_t names) noexcept;
    /// What the last error was about.
    std::string where() const;

private:
    struct level {
        std::string name;
        std::uint64_t device;
        std::uint64_t inode;
        directory_stream stream;  // closed in the levels that are far above
        int attempts = 0;
    };
    int begin();
    int enter(int parent, const char* name);
    int remove_next();
    int leave();
    int reopen(level& above, int from);

    std::string root_;
    owned_descriptor parent_;  // of the root
    std::string last_name_;    // the root's own, in its parent
    std::vector<level> levels_;
    std::string failed_;
};

}  // namespace leat::detail
