#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "engine/operation.hpp"

namespace leat::detail {

/// A call on names, which may block: io_uring runs it, or the thread pool.
class path_operation : public operation {
public:
    enum class call : std::uint8_t { status, link_status, rename, remove_file, remove_directory, make_directory, link, symbolic_link };

    path_operation(call what, std::string path, std::string second = {}, unsigned mode = 0)
        : operation(waits_for::file), call_(what), mode_(mode), path_(std::move(path)), second_(std::move(second)) {}
    void prepare(io_uring_sqe& sqe) noexcept final;
    completion attempt(scratch_buffer) noexcept final;

    /// What a status call found.
    const struct statx& found() const noexcept { return found_; }

protected:
    ~path_operation() = default;

private:
    call call_;
    unsigned mode_;
    std::string path_;
    std::string second_;  // the other name of a rename or a link; a symbolic link's own, whose text is `path_`
    struct statx found_ {};
};

}  // namespace leat::detail
