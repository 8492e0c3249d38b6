#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
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
    std::int64_t changed = 0;   // when it was finished, in ns since 1970: with a later date of its own, somebody has changed it
    bool synced = false;        // its content was on the disk before it got its name; else it counts after a power cut only if sync_files has ended since
};

/// Why a journal cannot be used; the category of a leat::error's code.
enum class journal_fault {
    foreign = 1,  // the file is no journal of leat's
    damaged,
    newer,   // a later leat has written it
    in_use,  // by another job
};
std::error_code make_error_code(journal_fault fault) noexcept;

/// What a job has reached, in an SQLite file beside its files, so that the next run goes on from there whatever ended this one. It is written in batches by
/// a thread of the pool; the loop never waits for it, and a job that ends well within its first moments never makes the file.
///
/// What has been committed is there after SIGKILL at any instruction. After a power cut the last commits may be missing, and an earlier state stands: **a part file must
/// therefore never be begun anew under its name** (a restart takes another name), or an old record could speak of bytes that are no longer there.
class journal {
public:
    /// Reads what an earlier run left; a file that is not there is made by the first commit.
    /// Completes when: it is read. Errors: `leat::error` "open journal PATH: …" for a file that is no journal, a damaged one, one of a newer leat, and one that another
    /// job holds (journal_fault); none of them is ever written to. Cancellation: nothing stays open.
    /// What was recorded before the machine was started anew counts only as far as it was synced: `written` is then what `synced` is, and a finished file
    /// that was not is not known. `boot` is for tests: the id of this boot, if it is not to be the machine's.
    static task<std::unique_ptr<journal>> open(path file, std::string boot = {});
    /// Lets go of the file. Does not wait, and so leaves what lies beside it ("PATH-wal") in place; the next open takes it in.
    ~journal();

    static std::uint64_t key_of(std::string_view name, std::string_view url) noexcept;
    /// Was any file known to be complete when it was read?
    bool knows_finished() const noexcept;
    /// As it was read.
    std::optional<finished_record> finished(std::uint64_t key) const noexcept;
    /// As it was read.
    const partial_record* partial(std::string_view name) const noexcept;
    /// All of them, as they were read.
    const std::map<std::string, partial_record, std::less<>>& partials() const noexcept;

    /// Notes for the next batch, in memory; a later one about the same name replaces the earlier.
    void note_partial(partial_record state);
    void forget_partial(std::string_view name);
    /// The file has its name. Forgets the partial record of the name as well, if `name` is given.
    void note_finished(finished_record file, std::string_view name = {});
    /// Is there something to write?
    bool dirty() const noexcept;

    /// Writes the notes so far in one transaction, in a thread of the pool. Calls take turns.
    /// Completes when: they are committed. Errors: `leat::error` "write journal PATH: …"; the notes are kept for the next commit.
    /// Cancellation: the batch is written all the same, and the call returns.
    task<> commit();
    /// Brings everything that was noted before the call, and these files' content, to the disk: syncfs() of each file system, one open directory of each, then a commit
    /// that is synced too. After it all of that counts as synced. Slow: some seconds on a busy disk; commits meanwhile wait.
    /// Completes when: it is on the disk. Errors: `leat::error`; nothing then counts as synced that did not before. Cancellation: as commit.
    task<> sync_files(std::vector<int> directories);
    /// Commits, brings everything into the one file and lets go of it: for a job that ends and leaves something to do. The notes of a later commit go there again.
    /// Completes when: it is closed. Errors: as commit. Cancellation: as commit.
    task<> close();
    /// Everything is there: removes the file (and SQLite's beside it).
    /// Completes when: it is gone, or never was. Errors: `leat::error` "remove journal PATH: …". Cancellation: as commit.
    task<> remove();
    const path& file() const noexcept;

private:
    struct impl;
    explicit journal(std::shared_ptr<impl> state) noexcept;
    std::shared_ptr<impl> impl_;
};

}  // namespace leat::detail

template <>
struct std::is_error_code_enum<leat::detail::journal_fault> : std::true_type {};
