#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "download/journal.hpp"
#include "download/statement.hpp"

namespace leat::detail {

/// What is to be written in one transaction. A file without a record is to be forgotten.
struct journal_batch {
    std::vector<finished_record> finished;
    std::map<std::string, std::optional<partial_record>, std::less<>> partials;
    bool empty() const noexcept { return finished.empty() && partials.empty(); }
};

/// What a journal holds.
struct journal_contents {
    std::vector<finished_record> finished;  // by their keys, each of which is there once
    std::map<std::string, partial_record, std::less<>> partials;
};

/// The SQLite side of a journal. Every function blocks; they are called one at a time, in whatever thread. Failures are leat::error.
///
/// The file is in WAL mode with synchronous=NORMAL. A commit is then a few writes to the -wal file and no sync at all: SIGKILL cannot take back what the kernel has, so
/// whatever has been committed survives the end of the process at any instruction. A power cut may take the last commits, never the integrity: frames carry checksums
/// and are replayed up to the first that is not whole, and SQLite syncs the -wal before it copies pages from there and the file before it writes the -wal anew. A lost
/// commit costs bytes that are fetched again, so a sync at each (synchronous=FULL), which on ext4 may wait for gigabytes of other files' data, would buy nothing. A
/// rollback journal would need its syncs for the integrity itself. What is noted as synced is made durable by `sync`, with a checkpoint.
///
/// locking_mode=EXCLUSIVE keeps the index of the -wal in the heap: no -shm file, and file systems without shared mappings serve.
class journal_store {
public:
    /// `boot`: the id of this boot of the machine; empty: not known, and unlike every other.
    journal_store(std::string file, std::string boot);
    ~journal_store();
    journal_store(const journal_store&) = delete;
    journal_store& operator=(const journal_store&) = delete;

    /// Locks and reads the file; nothing if there is none.
    std::optional<journal_contents> open();
    /// One transaction. Makes the file if there is none.
    void write(const journal_batch& batch);
    /// The same, after everything in these directories' file systems has been brought to the disk; all that was noted is then synced, and the file is on the disk too.
    void write_synced(const journal_batch& batch, const std::vector<int>& directories);
    /// Brings everything into the one file and lets go of it.
    void close();
    /// Lets go of the file and removes it.
    void remove();

private:
    std::optional<journal_contents> open_existing();
    void create();
    void make_ready();
    void connect();
    void disconnect(bool checkpoint) noexcept;
    void check_content();
    void run(const char* sql);
    [[noreturn]] void refuse(journal_fault why) const;
    template <class Work>
    auto doing(const char* operation, Work work);
    void transaction(const journal_batch& batch, bool synced);
    void write_finished(const std::vector<finished_record>& records, bool synced);
    void write_partial(const partial_record& record);
    std::vector<finished_record> read_finished(bool same_boot);
    std::map<std::string, partial_record, std::less<>> read_partials(bool same_boot);
    void bring_up_to_date();
    void mark_all_synced();

    std::string file_;
    std::string boot_;
    const char* operation_ = "";  // as errors name it
    int lock_ = -1;
    sqlite3* connection_ = nullptr;
    statement insert_finished_;
    statement upsert_partial_;
    statement delete_partial_;
    bool stale_ = false;  // of another boot, or in too many pieces: the next transaction sets that right
    bool name_synced_ = false;
};

}  // namespace leat::detail
