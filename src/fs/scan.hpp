#pragma once
#include <cstdint>
#include <vector>

#include "engine/tree_calls.hpp"
#include "leat/fs/operations.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

enum class piece : std::uint8_t { some, end };

/// A directory read in pieces, in threads of the pool.
class scan {
public:
    scan(const char* operation, leat::path name) : operation_(operation), name_(std::move(name)) {}
    /// Reads the next names into `names`, which is empty; opens the directory first where that has not been done. Errors end it.
    task<piece> fill();
    std::vector<scanned_name> names;

private:
    friend task<scan> begin_scan(const char* operation, leat::path name);
    const char* operation_;
    leat::path name_;
    directory_stream stream_;
    bool at_end_ = false;
};

task<scan> begin_scan(const char* operation, leat::path name);
file_kind kind_from(name_kind kind) noexcept;

}  // namespace leat::detail
