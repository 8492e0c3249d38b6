#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "download/ranges.hpp"
#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// What is known about a file that is not complete.
struct partial_record {
    std::string name;           // the target, as the job calls it
    std::string url;            // the one that the validators belong to
    std::string etag;           // a strong one, as it came; empty: none
    std::string last_modified;  // as it came; empty: none
    std::optional<std::uint64_t> size;
    std::string part_name;      // of the file that holds the bytes, beside the target
    std::uint64_t inode = 0;    // of it: another file of that name is not it
    byte_ranges written;        // handed to the kernel: true as long as the machine runs
    byte_ranges synced;         // on the disk: true after a power cut as well
};

/// What is known about a file that is complete.
struct finished_record {
    std::uint64_t key = 0;      // of its name and URLs, see key_of
    std::uint64_t size = 0;
    std::int64_t changed = 0;   // its modification time in ns since 1970: another one means that somebody has changed it
};

/// What a job has reached, in an SQLite file beside its files, so that the next run goes on from there whatever ended this one. It is written in batches by
/// a thread of the pool; the loop never waits for it, and a job that ends well within its first moments never makes the file.
class journal {
public:
    /// Reads what an earlier run left. A file that is no journal, or a damaged one, is refused by leat::error ("open journal PATH: …"), never overwritten;
    /// one that another process holds likewise. What was recorded before the machine was started anew counts only as far as it was synced.
    static task<std::unique_ptr<journal>> open(path file);
    ~journal();

    static std::uint64_t key_of(std::string_view name, std::string_view url) noexcept;
    /// As it was read.
    std::optional<finished_record> finished(std::uint64_t key) const noexcept;
    std::optional<partial_record> partial(std::string_view name) const;

    /// Notes for the next batch, in memory; a later one about the same name replaces the earlier.
    void note_partial(partial_record state);
    void forget_partial(std::string_view name);
    void note_finished(finished_record file);
    /// Is there something to write?
    bool dirty() const noexcept;
    /// Writes the notes so far in one transaction, in a thread of the pool. One at a time.
    /// Completes when: they are committed. Errors: leat::error. Cancellation: the batch is written all the same.
    task<> commit();
    /// Everything is there: removes the file (and SQLite's beside it).
    task<> remove();
    const path& file() const noexcept;

private:
    struct impl;
    explicit journal(std::unique_ptr<impl> state) noexcept;
    std::unique_ptr<impl> impl_;
};

}  // namespace leat::detail
