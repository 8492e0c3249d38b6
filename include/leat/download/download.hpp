#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leat/io/duration.hpp"
#include "leat/io/function_ref.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {

/// One file to fetch.
struct download_item {
    std::string url;  ///< what to fetch
    /// The name below the directory, or an absolute path; empty: `file_name_of(url)`, made unique among the items (two URLs with one name do not
    /// overwrite each other: "name", "name.1", …).
    std::string name;
};

/// One file while it is being fetched.
struct running_file {
    std::string_view name;              ///< as it will be called
    std::string_view url;               ///< where it comes from
    std::uint64_t received = 0;         ///< bytes on disk
    std::optional<std::uint64_t> size;  ///< as the server announced it
    unsigned attempt = 1;               ///< which attempt this is, from 1
};

/// The whole job at one moment.
struct download_progress {
    std::size_t files = 0;                  ///< asked for
    std::size_t succeeded = 0;              ///< complete
    std::size_t failed = 0;                 ///< given up
    std::uint64_t received = 0;             ///< bytes so far, of all files
    double bytes_per_second = 0;            ///< over the last few seconds
    duration elapsed{};                     ///< since the call
    std::span<const running_file> running;  ///< oldest first
    bool last = false;                      ///< the job has ended; nothing runs
};

/// How one file ended.
struct file_report {
    std::string url;          ///< what was asked for
    path target;              ///< where it is, or would have been
    std::uint64_t bytes = 0;  ///< its size, or how much of it came
    duration elapsed{};       ///< from its first attempt on, pauses included
    unsigned attempts = 0;    ///< how many there were
    std::string error;        ///< empty: it is there, complete
    /// Is it there, complete?
    bool ok() const noexcept { return error.empty(); }
};

/// How the whole job ended.
struct download_report {
    std::vector<file_report> files;  ///< in the order of the URLs
    std::size_t succeeded = 0;       ///< complete files
    std::size_t failed = 0;          ///< the others
    std::uint64_t bytes = 0;         ///< of all files
    duration elapsed{};              ///< of the whole job
    /// Are all there?
    bool ok() const noexcept { return failed == 0; }
};

/// What applies to every file of a job. Trivial, so that it may be written inside `co_await`; what is kept is copied before the task is returned.
struct download_options {
    std::string_view directory = ".";     ///< made if it is not there
    std::size_t jobs = 32;                ///< files at once
    std::size_t per_host = 16;            ///< of them, from one host
    unsigned retries = 3;                 ///< more attempts after a failure that may pass (connection, time-out, 408, 429, 5xx)
    duration retry_delay = std::chrono::milliseconds{500};  ///< before the first; doubles each time, with jitter, up to 30 s
    duration connect_timeout = std::chrono::seconds{30};  ///< name, connection and TLS handshake
    duration stall_timeout = std::chrono::seconds{30};  ///< without a single byte of a response
    duration timeout = duration::zero();  ///< for one file in total; zero: none
    std::size_t max_redirects = 20;       ///< of one file; more is its failure
    std::string_view ca_file = {};        ///< PEM file of trusted authorities instead of the system's
    bool insecure = false;                ///< do not verify TLS peers
    std::string_view user_agent = {};     ///< default "leat/VERSION"
    duration progress_interval = std::chrono::milliseconds{100};  ///< between two calls of on_progress
    function_ref<void(const download_progress&)> on_progress = nullptr;  ///< on the loop, at most once an interval, and at the end
    function_ref<void(const file_report&)> on_file = nullptr;  ///< on the loop, as each file ends
};

/// Fetches files side by side over HTTP. Each gets its own name only when it is complete: until then it is under a temporary name beside its
/// target, or, if the whole body came at once, without a name.
/// Completes when: each file is there or has failed for good. A file's failure is in the report and stops no other.
/// Errors: `leat::error` if the directory cannot be made; std::invalid_argument for options that contradict each other.
/// Cancellation: stops all transfers and removes the temporary files, then throws `cancelled`; files that were complete stay. May be called again.
/// Allocates: about 1 KB a running file beside its connection; a report entry a URL.
task<download_report> download(std::vector<std::string> urls, download_options options = {});
/// The same with names chosen.
task<download_report> download(std::vector<download_item> items, download_options options = {});

}  // namespace leat
