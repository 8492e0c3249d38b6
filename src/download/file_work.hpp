#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "download/hasher.hpp"
#include "download/part_file.hpp"
#include "download/ranges.hpp"
#include "download/validators.hpp"
#include "http/copy.hpp"
#include "leat/download/download.hpp"
#include "leat/http/body.hpp"
#include "leat/sync/rate_limit.hpp"
#include "leat/task/timeout.hpp"

namespace leat::detail {

struct file_work;

/// A response that is being read for a file: what its speed is computed from. A local of whoever reads it.
class live_body {
public:
    live_body(file_work& of, const http::body& body) noexcept;
    live_body(const live_body&) = delete;
    ~live_body();

    file_work& work;
    const http::body& body;
    live_body* next;
};

/// What one connection brings of a file. A local of whoever reads it.
struct piece {
    span_of_bytes range;              // its end moves down when another connection is to bring what lies behind
    std::uint64_t until = no_end;     // where it really ends: behind the range, as long as that other one has no answer
    std::uint64_t body_end = no_end;  // how far the response reaches
    std::uint64_t stop_at = no_end;   // where the copying stops: the end, or less, so that it looks around
    const file* to = nullptr;         // while it writes
    std::uint64_t reached = 0;        // afterwards
    std::size_t source = 0;           // which of the file's URLs
    /// All before it has been handed to the kernel.
    std::uint64_t at() const noexcept;
};

/// A digest that a file has to have, and how far it has been computed.
struct digest_check {
    expected_digest expected;
    hasher hash;
};

/// A file that comes bit by bit: what is there of it.
struct file_data {
    file_data(const target_directory& in, std::string_view name) : part(in, name) {}

    std::uint64_t received() const noexcept;
    /// What has come, the running pieces included.
    byte_ranges written() const;
    /// Could a later attempt go on from what is there?
    bool may_resume() const noexcept { return !tags.none(); }

    part_file part;
    byte_ranges have;                     // brought by pieces that have ended
    byte_ranges synced;                   // on the disk itself
    bool has_room = false;                // the disk keeps it, or cannot
    bool noted = false;                   // the journal's record is about this part file
    std::vector<piece*> pieces;           // that run
    validators tags;
    std::string url;                      // the one that they belong to
    std::optional<std::uint64_t> size;
    std::vector<digest_check> digests;
    std::uint64_t hashed = 0;
};

/// How one of a file's URLs has behaved.
struct source_health {
    unsigned failures = 0;
    bool dropped = false;
};

/// Why an attempt was ended from outside.
enum class stop_reason : std::uint8_t { none, paused, cancelled, too_slow };

/// What an attempt has reached.
enum class reached : std::uint8_t {
    nothing,
    arrived,   // all bytes are in the part file, to be verified
    complete,  // it is there
    skipped,   // it was there before
};

/// A file from its first attempt until its end.
struct file_work {
    explicit file_work(std::size_t file) : index(file) {}

    std::size_t index;
    std::string name;                     // as it will be called: below the directory, or absolute
    std::string place;                    // the same, for calls, if that is another text
    std::string planned;                  // what the journal knows it by, where the server gave it another name
    time_point started{};
    unsigned failures = 0;                // attempts that brought nothing
    bool was_noted = false;               // the journal knows what has come of it
    bool name_used = false;               // of its part file: a second one is to have another
    bool looked = false;                  // at what is there already
    bool went_on = false;                 // behind bytes of an earlier attempt, or beside another server's
    bool began_anew = false;              // after its checksum was wrong
    bool tagged = false;                  // the server said by what the file could be known again
    bool was_page = false;                // and that it is text/html
    bool parts_refused = false;           // the server has given one connection, and no second
    bool threw_away = false;              // bytes that were there, in this attempt
    bool running = false;
    bool told = false;                    // that it has started
    stop_reason stop = stop_reason::none;
    reached result = reached::nothing;
    file_state state = file_state::waiting;
    std::optional<std::int64_t> newer_than;  // only if it is, in seconds since 1970: the date of what is there already
    std::uint64_t before_attempt = 0;     // bytes that were there when it began
    std::uint64_t resumed = 0;            // bytes that were there before the job
    std::size_t source = 0;               // which of its URLs is used
    std::vector<source_health> sources;   // where there are several, once one has failed
    std::optional<deadline> limit;        // of the attempt: for its own time, and for stopping it
    std::unique_ptr<file_data> data;      // once it comes bit by bit
    std::unique_ptr<rate_limit> rate;     // its own
    live_body* bodies = nullptr;
    std::list<file_work>::iterator self;

    const std::string& key() const noexcept { return planned.empty() ? calls_name() : planned; }
    const std::string& calls_name() const noexcept { return place.empty() ? name : place; }
};

}  // namespace leat::detail
