#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leat/io/duration.hpp"
#include "leat/io/path.hpp"

namespace leat {

/// What a file of a download is doing.
enum class file_state : std::uint8_t {
    waiting,       ///< for its turn, or for its next attempt
    transferring,  ///< bytes come, or are asked for
    paused,        ///< by its handle
    verifying,     ///< everything has come, and its checksum is being completed
    complete,      ///< it is there
    failed,        ///< for good
};

/// Why a file is not there. The tool's exit status says the same.
enum class failure_class : std::uint8_t {
    none,       ///< it is there
    url,        ///< its URL cannot be fetched
    name,       ///< the host's name does not resolve
    connect,    ///< no connection, or one that broke
    tls,        ///< the handshake failed, or the certificate is not trusted
    timeout,    ///< one of the time-outs, or slower than min_rate
    status,     ///< the server answered 4xx, or with something that is no file
    server,     ///< the server answered 5xx
    redirect,   ///< too many redirects, or one that leads nowhere
    protocol,   ///< what came is not HTTP, or contradicts itself
    truncated,  ///< less came than was promised
    checksum,   ///< it came, and is not what it should be
    disk,       ///< it could not be written
    exists,     ///< a file of its name is there, and existing_file::fail was asked for
    cancelled,  ///< by its handle
    other,      ///< anything else
};
/// "checksum" for failure_class::checksum, and so on.
std::string_view name_of(failure_class why) noexcept;

/// One file while it is being fetched.
struct running_file {
    std::string_view name;              ///< as it will be called
    std::string_view url;               ///< where it comes from
    std::uint64_t received = 0;         ///< bytes on disk, those of earlier attempts and jobs included
    std::optional<std::uint64_t> size;  ///< as the server announced it
    unsigned attempt = 1;               ///< which attempt this is, from 1
    file_state state = file_state::transferring;  ///< what it is doing
    std::size_t connections = 1;        ///< that bring its bytes now
    std::size_t index = 0;              ///< which file of the job it is, from 0
};

/// The whole job at one moment.
struct download_progress {
    std::size_t files = 0;                  ///< asked for
    std::size_t succeeded = 0;              ///< complete, or there already and skipped
    std::size_t failed = 0;                 ///< given up
    std::uint64_t received = 0;             ///< bytes so far, of all files
    double bytes_per_second = 0;            ///< over the last few seconds
    duration elapsed{};                     ///< since the call
    std::span<const running_file> running;  ///< oldest first
    bool last = false;                      ///< the job has ended; nothing runs
};

/// Something that has happened to one file.
struct download_event {
    /// What.
    enum class kind : std::uint8_t {
        start,     ///< its first request is being made
        resume,    ///< it goes on behind bytes that an earlier attempt or job has brought: `received`
        restart,   ///< what had come cannot be used, `detail` says why (changed on the server, no ranges …): it begins anew
        retry,     ///< an attempt failed, `detail` says why; the next one begins after `pause`
        segment,   ///< another connection brings a part of it; `detail` says where from
        verify,    ///< everything is there, its checksum is compared
        skip,      ///< a file of its name is there already, and stays
        done,      ///< it is there, complete
        failed,    ///< it has failed for good, `detail` says why
    };
    kind what;                          ///< what has happened
    std::size_t index = 0;              ///< which file of the job, from 0
    std::string_view name;              ///< as it will be called
    std::string_view url;               ///< where it comes from
    std::uint64_t received = 0;         ///< its bytes so far
    std::optional<std::uint64_t> size;  ///< where it is known
    unsigned attempt = 1;               ///< from 1
    duration pause{};                   ///< before the next attempt
    std::string_view detail;            ///< as the kind has it
};

/// How one file ended.
struct file_report {
    std::string url;           ///< what was asked for
    path target;               ///< where it is, or would have been
    std::uint64_t bytes = 0;   ///< its size, or how much of it came
    std::uint64_t resumed = 0;  ///< of them, those that were there before this job
    duration elapsed{};        ///< from its first attempt on, pauses included
    unsigned attempts = 0;     ///< how many there were
    failure_class why = failure_class::none;  ///< the class of its error
    int status = 0;            ///< the last status of a server's; 0: none came
    bool skipped = false;      ///< it was there before and was left as it is
    bool verified = false;     ///< a checksum was compared, and is right
    std::string error;         ///< empty: it is there, complete
    /// Is it there, complete?
    bool ok() const noexcept { return error.empty(); }
};

/// How the whole job ended.
struct download_report {
    std::vector<file_report> files;  ///< in the order of the URLs
    std::size_t succeeded = 0;       ///< complete files, skipped ones included
    std::size_t skipped = 0;         ///< of them, those that were there before
    std::size_t failed = 0;          ///< the others
    std::uint64_t bytes = 0;         ///< of all files
    std::uint64_t received = 0;      ///< that came over the network in this job
    duration elapsed{};              ///< of the whole job
    /// Are all there?
    bool ok() const noexcept { return failed == 0; }
};

}  // namespace leat
