#pragma once
#include <mutex>
#include <string>
#include <vector>

namespace leat::detail {

/// The directories that a job has made and whose names the disk may not have yet: a file in one of them lasts no longer than its directory's name. Used in threads
/// alone, by several at once.
class made_directories {
public:
    /// As detail::make_directories.
    int make(const std::string& path);
    /// Brings the names of all of them to the disk: where several were made in one directory, that is synced once. 0, or -errno; then what is left is left for
    /// the next call.
    int sync();

private:
    std::mutex mutex_;  // held while they are made and synced: whose file is in one that another has made waits until that has its name on the disk
    std::vector<std::string> unsynced_;
};

}  // namespace leat::detail
