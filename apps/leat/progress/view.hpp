#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "leat/download/download.hpp"
#include "leat/io/duration.hpp"

namespace tool {

/// One running file as it is drawn.
struct file_view {
    std::string name;
    std::uint64_t received = 0;
    std::optional<std::uint64_t> size;
    double bytes_per_second = 0;
    unsigned attempt = 1;
    leat::file_state state = leat::file_state::transferring;
    std::size_t connections = 1;
};

/// The job at one moment, with what the bars show beyond the library's snapshot: each file's rate, and the time that is left.
struct job_view {
    std::vector<file_view> running;
    std::size_t files = 0;
    bool more = false;  ///< there may be more files than are known
    std::size_t succeeded = 0;
    std::size_t failed = 0;
    std::uint64_t received = 0;
    double bytes_per_second = 0;
    leat::duration elapsed{};
    std::optional<leat::duration> remaining;
    /// Of all files, from 0 to 1.
    double done = 0;
};

/// Makes views of successive snapshots. Remembers a little of each running file, nothing of others.
class progress_follower {
public:
    /// @param more may there be more files than are known?
    job_view follow(const leat::download_progress& now, bool more = false);

private:
    struct sample {
        std::uint64_t received = 0;
        leat::duration at{};
        double bytes_per_second = 0;
        bool seen = false;
    };
    double rate_of(const leat::running_file& file, leat::duration at);

    std::unordered_map<std::size_t, sample> samples_;  // by the file's index
};

}  // namespace tool
