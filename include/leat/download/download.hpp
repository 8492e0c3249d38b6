#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leat/download/report.hpp"
#include "leat/http/headers.hpp"
#include "leat/io/bytes.hpp"
#include "leat/io/duration.hpp"
#include "leat/io/function_ref.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {

namespace http {
struct client_options;
}

/// What becomes of a file that is there already under the name of one to fetch.
enum class existing_file : std::uint8_t {
    overwrite,  ///< it is replaced when the new one is complete
    skip,       ///< nothing is asked, and it counts as a success
    if_newer,   ///< it is replaced if the server's has changed since the date of the one that is there (If-Modified-Since)
    fail,       ///< that is the file's failure
};

/// What one file has beyond its URL and its name. Whatever is not set is as download_options has it.
struct item_options {
    std::vector<std::string> mirrors;    ///< more URLs of the same file; the first one of all is the download_item's
    std::string checksum;                ///< "sha256:HEX", or sha1, sha224, sha384, sha512, sha512-256, md5; what differs never gets the file's name
    std::optional<std::uint64_t> size;   ///< as it has to be
    http::headers headers;               ///< to send with each of its requests
    std::string user;                    ///< who to be; empty: as client_options::credentials
    std::string password;                ///< of the user
    std::uint64_t max_rate = 0;          ///< bytes a second; 0: download_options::max_rate_per_file
    std::optional<std::size_t> segments;     ///< as download_options::segments
    std::optional<existing_file> existing;   ///< as download_options::existing
    std::string directory;               ///< instead of download_options::directory; relative to the working directory
    /// The name is taken as it is, even if another file of the job has had it: the caller sees to it that no two of one name are fetched at once.
    bool exact_name = false;
};

/// One file to fetch.
struct download_item {
    std::string url;  ///< what to fetch
    /// The name below the directory, or an absolute path; empty: `file_name_of(url)`, made unique among the items (two URLs with one name do not
    /// overwrite each other: "name", "name.1", …).
    std::string name = {};
    /// The rest; null: nothing. Many items may share it.
    std::shared_ptr<const item_options> options = {};
};

/// What applies to every file of a job. Trivial, so that it may be written inside `co_await`; what is kept is copied before the task is returned.
struct download_options {
    std::string_view directory = ".";     ///< made if it is not there
    std::size_t jobs = 32;                ///< files at once
    std::size_t per_host = 16;            ///< connections to one host at once; hosts take turns
    unsigned retries = 3;                 ///< more attempts after a failure that may pass (connection, time-out, 408, 429, 5xx); an attempt that brought a 64th of the file, or 64 KiB, does not count
    duration retry_delay = std::chrono::milliseconds{500};  ///< before the first; doubles each time, with jitter, up to 30 s; Retry-After counts instead
    duration connect_timeout = std::chrono::seconds{30};  ///< name, connection and TLS handshake
    duration stall_timeout = std::chrono::seconds{30};  ///< without a single byte of a response
    duration timeout = duration::zero();  ///< for one file in total; zero: none
    std::size_t max_redirects = 20;       ///< of one file; more is its failure
    std::string_view ca_file = {};        ///< PEM file of trusted authorities instead of the system's
    bool insecure = false;                ///< do not verify TLS peers
    std::string_view user_agent = {};     ///< default "leat/VERSION"
    /// Everything else that a client can do: proxies, cookies, credentials, HTTP/2, tracing. The fields above go before its fields of the same name; it never
    /// decompresses here, since a file is saved as it lies on the server. Read before the task is returned.
    const http::client_options* http = nullptr;

    /// Keep what has come of a file that is not complete, and go on from there: after a failed attempt, and in the next job of the same file. The bytes
    /// are only used if the server says by ETag or Last-Modified that the file is still the same (If-Range); else it starts over, which is said.
    bool resume = true;
    /// Where finished ranges and files are written down: an SQLite file. Empty: ".leat-journal" in the directory. It is made once there is something to
    /// resume, and removed when every file of the job is there. A job with a journal of its own need not be alone in its directory.
    std::string_view journal = {};
    bool sync = false;                    ///< each file, with the directories made for it, is on the disk itself before it gets its name, and that name before the file counts as done; at the price of waits for the disk
    /// The disk keeps room for a file of 16 MiB or more as its first byte comes, where its size is known: one that has none says so at once, and the file lies
    /// in one place. File systems that cannot do it go on without. What is kept for a later job keeps its room as well.
    bool preallocate = true;
    existing_file existing = existing_file::overwrite;  ///< what becomes of files that are there
    /// Connections for one file at once. 0: as many as raise its rate, beginning with one and splitting what remains where it is slowest; 1: never more.
    std::size_t segments = 0;
    bytes segment_size = {16 * 1024 * 1024};  ///< a remaining range is not split into pieces smaller than this
    bool verify_digests = true;           ///< a Repr-Digest field of the server's is checked as well (RFC 9530)
    bool content_disposition = false;     ///< a file without a name of its own is called as the server says, made safe (RFC 6266)
    bool mirror_path = false;             ///< a file without a name of its own is called HOST/PATH as in its URL, made safe

    std::uint64_t max_rate = 0;           ///< bytes a second, all files together; 0: no limit. Of bodies, as are the next two
    std::uint64_t max_rate_per_host = 0;  ///< bytes a second from one host; 0: no limit
    std::uint64_t max_rate_per_file = 0;  ///< bytes a second of one file; 0: no limit
    double starts_per_second = 0;         ///< requests begun in a second, all hosts together; 0: no limit
    std::uint64_t min_rate = 0;           ///< a transfer that is slower for `min_rate_time` is begun again where it stands; 0: none is too slow
    duration min_rate_time = std::chrono::seconds{30};  ///< see min_rate

    duration progress_interval = std::chrono::milliseconds{100};  ///< between two calls of on_progress
    function_ref<void(const download_progress&)> on_progress = nullptr;  ///< on the loop, at most once an interval, and at the end
    function_ref<void(const file_report&)> on_file = nullptr;  ///< on the loop, as each file ends
    function_ref<void(const download_event&)> on_event = nullptr;  ///< on the loop, as it happens
};

/// Fetches files side by side over HTTP. Each gets its own name only when it is complete and verified: until then it is under a temporary name beside its
/// target, or, if the whole body came at once, without a name.
/// Completes when: each file is there or has failed for good. A file's failure is in the report and stops no other.
/// Errors: `leat::error` if the directory cannot be made; std::invalid_argument for options that contradict each other.
/// Cancellation: stops all transfers, keeps what can be resumed (with `resume`; removes it without), then throws `cancelled`; files that were complete stay. May be called again.
/// Allocates: about 1 KB a running file beside its connection; a report entry a URL.
task<download_report> download(std::vector<std::string> urls, download_options options = {});
/// The same with names chosen.
task<download_report> download(std::vector<download_item> items, download_options options = {});

namespace detail {
class download_job;
struct job_file;
}  // namespace detail

/// One file of a downloader, to be watched and steered. Cheap to copy; does nothing to the file when it goes. Threads: the loop's own.
class download_handle {
public:
    /// What the file is doing, and how far it is. The views are valid until the loop goes on.
    running_file progress() const;
    /// Lets no more bytes come until resume(): its connection is given up, its place goes to another file, and what has come is kept.
    void pause();
    /// Puts it among the waiting files again.
    void resume();
    /// Gives it up: it ends as failure_class::cancelled. What has come of it is kept for a later job if it can be resumed.
    void cancel();
    /// Bytes a second from now on; 0: no limit of its own.
    void set_max_rate(std::uint64_t bytes_per_second);
    /// Waits for its end.
    /// Completes when: the file is there, or has failed for good. Errors: none, see the report. Cancellation: stops the waiting, not the file. Several may wait.
    task<file_report> wait() const;

private:
    friend class downloader;
    explicit download_handle(std::shared_ptr<detail::job_file> file) noexcept : file_(std::move(file)) {}
    std::shared_ptr<detail::job_file> file_;
};

/// A job that files can be added to while it runs.
///
///     leat::downloader job({.directory = "out"});
///     auto iso = job.add({"https://example.org/a.iso", {}, {}});
///     job.close();                         // no more will be added
///     auto report = co_await job.run();
///
/// Threads: the loop's own.
class downloader {
public:
    /// Copies the options. Throws std::invalid_argument for options that contradict each other.
    explicit downloader(download_options options = {});
    downloader(downloader&&) noexcept;
    downloader& operator=(downloader&&) noexcept;
    ~downloader();

    /// Adds a file, before run() or while it runs. Throws std::logic_error after close().
    download_handle add(download_item item);
    /// No more will be added: run() ends with the last file.
    void close() noexcept;
    /// How many files wait for their turn. Those that wait for the time of their next attempt are not among them.
    std::size_t waiting() const noexcept;
    /// Takes over what another job, which has ended or was killed, has written down about a file of that name in the same directory: the file goes on from there
    /// if it is added afterwards. Without `resume` it does nothing, nor if there is no such journal or a job that lives uses it. Waits until this job runs.
    /// Completes when: this job's own journal says so. Errors: none; what cannot be used is fetched anew. Cancellation: it may be here or still there; call again.
    task<> adopt(path journal, std::string name);
    /// Bytes a second of all files together from now on; 0: no limit.
    void set_max_rate(std::uint64_t bytes_per_second);
    /// Waits, fetches, and ends when close() was called and every file has ended. Once.
    /// Completes when: as `download`. Errors: as `download`. Cancellation: as `download`; handles then tell what was reached.
    task<download_report> run();

private:
    std::shared_ptr<detail::download_job> job_;
};

}  // namespace leat
