#include "download/journal_store.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <tuple>
#include <utility>

#include "download/journal_file.hpp"
#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

constexpr std::uint32_t our_id = 0x6C656174;  // "leat"
constexpr std::uint32_t our_version = 1;
constexpr std::size_t record_size = 24;
constexpr std::size_t records_in_a_row = 32'768;
constexpr std::size_t most_rows = 64;  // more are brought together
constexpr int longest_value = 16 * 1024 * 1024;

constexpr std::array<const char*, 3> tables{
    "CREATE TABLE job (boot TEXT NOT NULL)",
    "CREATE TABLE finished (id INTEGER PRIMARY KEY, synced INTEGER NOT NULL, records BLOB NOT NULL, checksum INTEGER NOT NULL)",
    "CREATE TABLE partial (name TEXT PRIMARY KEY, url TEXT NOT NULL, etag TEXT NOT NULL, last_modified TEXT NOT NULL, size INTEGER, part_name TEXT NOT NULL, "
    "inode INTEGER NOT NULL, written BLOB NOT NULL, synced BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID",
};

/// SQLite notices a broken structure, not a broken value; one that claims too much would spoil a file.
class row_checksum {
public:
    row_checksum& add(std::uint64_t number) noexcept {
        state_ = (state_ ^ number) * 0x9E3779B97F4A7C15u;
        state_ ^= state_ >> 29;
        return *this;
    }
    row_checksum& add(std::string_view bytes) noexcept {
        add(std::uint64_t{bytes.size()});
        while (!bytes.empty()) {
            std::uint64_t word = 0;
            const std::size_t size = std::min(bytes.size(), sizeof word);
            std::memcpy(&word, bytes.data(), size);
            add(word);
            bytes.remove_prefix(size);
        }
        return *this;
    }
    std::int64_t value() const noexcept { return static_cast<std::int64_t>(state_ ^ state_ >> 32); }

private:
    std::uint64_t state_ = 0x6C65617421u;
};

std::int64_t checksum_of(bool synced, std::string_view records) { return row_checksum{}.add(std::uint64_t{synced}).add(records).value(); }

std::int64_t checksum_of(const partial_record& record, std::string_view written, std::string_view synced) {
    row_checksum sum;
    sum.add(record.name).add(record.url).add(record.etag).add(record.last_modified).add(std::uint64_t{record.size.has_value()}).add(record.size.value_or(0));
    return sum.add(record.part_name).add(record.inode).add(written).add(synced).value();
}

void put(std::string& out, std::uint64_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out.append(bytes, sizeof number);
}

std::uint64_t take(std::string_view bytes, std::size_t at) noexcept {
    std::uint64_t number;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

std::uint32_t big_endian(const std::array<unsigned char, 100>& header, std::size_t at) noexcept {
    return std::uint32_t{header[at]} << 24 | std::uint32_t{header[at + 1]} << 16 | std::uint32_t{header[at + 2]} << 8 | header[at + 3];
}

struct close_connection {
    void operator()(sqlite3* connection) const noexcept { sqlite3_close(connection); }
};
struct free_memory {
    void operator()(unsigned char* memory) const noexcept { sqlite3_free(memory); }
};

void execute(sqlite3* connection, const char* sql) {
    if (const int code = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr); code != SQLITE_OK) throw_failure(connection, code);
}

/// By their keys; of those with one key the last.
std::vector<finished_record> last_of_each(const std::vector<finished_record>& records) {
    std::vector<std::uint32_t> order(records.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return std::tie(records[a].key, a) < std::tie(records[b].key, b); });
    std::vector<finished_record> sorted;
    sorted.reserve(records.size());
    for (const std::uint32_t each : order) {
        if (!sorted.empty() && sorted.back().key == records[each].key)
            sorted.back() = records[each];
        else
            sorted.push_back(records[each]);
    }
    return sorted;
}

/// A new journal as bytes, so that it comes into being whole.
std::string empty_journal(const std::string& boot) {
    sqlite3* raw = nullptr;
    const int opened = sqlite3_open_v2(":memory:", &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_MEMORY, nullptr);
    const std::unique_ptr<sqlite3, close_connection> connection{raw};
    if (opened != SQLITE_OK) throw_failure(raw, opened);
    execute(raw, "PRAGMA page_size=4096");
    execute(raw, ("PRAGMA application_id=" + std::to_string(our_id)).c_str());
    execute(raw, ("PRAGMA user_version=" + std::to_string(our_version)).c_str());
    for (const char* table : tables) execute(raw, table);
    statement{raw, "INSERT INTO job VALUES (?1)"}.put(1, boot).run();
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, free_memory> image{sqlite3_serialize(raw, "main", &size, 0)};
    if (!image) throw std::bad_alloc{};
    std::string bytes{image.get(), image.get() + size};
    bytes[18] = bytes[19] = 2;  // to be read and written in WAL mode
    return bytes;
}

class fault_category final : public std::error_category {
    const char* name() const noexcept override { return "journal"; }
    std::string message(int code) const override {
        switch (static_cast<journal_fault>(code)) {
            case journal_fault::foreign: return "the file is no journal of leat's";
            case journal_fault::damaged: return "the file is damaged; once it is removed, what was begun is fetched anew";
            case journal_fault::newer: return "a newer version of leat has written it";
            case journal_fault::in_use: return "another job is using it";
        }
        return "unknown fault";
    }
};

[[noreturn]] void throw_error(sqlite_failure failed, const char* operation, const std::string& file) {
    const auto system = [&](int otherwise) { return error(failed.error_code ? failed.error_code : otherwise, operation, file); };
    switch (failed.code & 0xFF) {
        case SQLITE_NOMEM: throw std::bad_alloc{};
        case SQLITE_FULL: throw system(ENOSPC);
        case SQLITE_READONLY:
        case SQLITE_PERM: throw system(EACCES);
        case SQLITE_CANTOPEN: throw system(ENOENT);
        case SQLITE_BUSY:
        case SQLITE_LOCKED: throw error(journal_fault::in_use, operation, file);
        case SQLITE_ERROR:  // a table that is not there
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: throw error(journal_fault::damaged, operation, file);
        default: throw system(EIO);
    }
}

}  // namespace

std::error_code make_error_code(journal_fault fault) noexcept {
    static const fault_category category;
    return {static_cast<int>(fault), category};
}

journal_store::journal_store(std::string file, std::string boot) : file_(std::move(file)), boot_(std::move(boot)) {
    // SQLite takes "file:…" and ":memory:" for something else than a name.
    if (!file_.starts_with('/')) file_.insert(0, "./");
}

journal_store::~journal_store() { disconnect(false); }

void journal_store::refuse(journal_fault why) const { throw error(why, operation_, file_); }

void journal_store::run(const char* sql) { execute(connection_, sql); }

/// Turns SQLite's failures into errors with a name, and leaves no transaction open.
template <class Work>
auto journal_store::doing(const char* operation, Work work) {
    operation_ = operation;
    try {
        return work();
    } catch (const sqlite_failure& failed) {
        if (connection_ && !sqlite3_get_autocommit(connection_)) sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
        throw_error(failed, operation_, file_);
    }
}

std::optional<journal_contents> journal_store::open() {
    return doing("open journal", [this] {
        try {
            return open_existing();
        } catch (...) {
            disconnect(false);
            throw;
        }
    });
}

std::optional<journal_contents> journal_store::open_existing() {
    const int fd = open_and_lock(file_.c_str());
    if (fd == -ENOENT) return std::nullopt;
    if (fd == -EAGAIN) refuse(journal_fault::in_use);
    if (fd == -ENODEV) refuse(journal_fault::foreign);
    if (fd < 0) throw error(-fd, operation_, file_);
    lock_ = fd;
    // Before SQLite sees it, which would repair a file that is not ours.
    std::array<unsigned char, 100> header{};
    const int size = read_header(fd, header);
    if (size < 0) throw error(-size, operation_, file_);
    constexpr char magic[] = "SQLite format 3";
    if (size < static_cast<int>(header.size()) || std::memcmp(header.data(), magic, sizeof magic) != 0 || big_endian(header, 68) != our_id)
        refuse(journal_fault::foreign);
    const std::uint32_t version = big_endian(header, 60);
    if (version > our_version) refuse(journal_fault::newer);
    if (version != our_version) refuse(journal_fault::damaged);
    connect();
    check_content();
    statement job{connection_, "SELECT boot FROM job"};
    if (!job.step()) refuse(journal_fault::damaged);
    const bool same_boot = !boot_.empty() && job.bytes(0) == boot_;
    statement rows{connection_, "SELECT count(*) FROM finished"};
    rows.step();
    stale_ = !same_boot || rows.number(0) > static_cast<std::int64_t>(most_rows);
    return journal_contents{read_finished(same_boot), read_partials(same_boot)};
}

void journal_store::create() {
    const int fd = publish_locked(file_, empty_journal(boot_));
    if (fd == -EEXIST) refuse(journal_fault::in_use);  // it was not there a moment ago
    if (fd < 0) throw error(-fd, operation_, file_);
    lock_ = fd;
    // Of an earlier file that somebody has removed: SQLite would take them for this one's.
    remove_file(file_ + "-wal");
    remove_file(file_ + "-journal");
    connect();
    stale_ = false;
    name_synced_ = false;
}

void journal_store::connect() {
    const int code = sqlite3_open_v2(file_.c_str(), &connection_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    if (code != SQLITE_OK) throw_failure(connection_, code);
    constexpr int most_wait_ms = 200;  // somebody looks at it with SQLite's own tool
    sqlite3_busy_timeout(connection_, most_wait_ms);
    sqlite3_limit(connection_, SQLITE_LIMIT_LENGTH, longest_value);
    // The file lies where others may put one: its schema is not trusted.
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    run("PRAGMA cell_size_check=ON");
    run("PRAGMA secure_delete=OFF");
    run("PRAGMA temp_store=MEMORY");
    run("PRAGMA locking_mode=EXCLUSIVE");
    run("PRAGMA synchronous=NORMAL");
    run("PRAGMA journal_size_limit=4194304");
    {
        // Gone before the transaction, which it would hold up.
        statement mode{connection_, "PRAGMA journal_mode"};
        if (!mode.step() || mode.bytes(0) != "wal") refuse(journal_fault::damaged);
    }
    run("BEGIN IMMEDIATE; COMMIT");  // takes the lock that stays
    insert_finished_ = statement{connection_, "INSERT INTO finished (synced, records, checksum) VALUES (?1, ?2, ?3)"};
    upsert_partial_ = statement{connection_,
                                "INSERT INTO partial VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (name) DO UPDATE SET url=excluded.url, etag=excluded.etag, "
                                "last_modified=excluded.last_modified, size=excluded.size, part_name=excluded.part_name, inode=excluded.inode, "
                                "written=excluded.written, synced=excluded.synced, checksum=excluded.checksum"};
    delete_partial_ = statement{connection_, "DELETE FROM partial WHERE name=?1"};
}

void journal_store::disconnect(bool checkpoint) noexcept {
    insert_finished_ = {};
    upsert_partial_ = {};
    delete_partial_ = {};
    if (connection_) {
        sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, checkpoint ? 0 : 1, nullptr);
        sqlite3_close(std::exchange(connection_, nullptr));
    }
    if (lock_ >= 0) close_file(std::exchange(lock_, -1));
}

void journal_store::check_content() {
    statement schema{connection_, "SELECT sql FROM sqlite_master ORDER BY rowid"};
    for (const char* table : tables)
        if (!schema.step() || schema.bytes(0) != table) refuse(journal_fault::damaged);
    if (schema.step()) refuse(journal_fault::damaged);
    statement check{connection_, "PRAGMA quick_check(1)"};
    if (!check.step() || check.bytes(0) != "ok") refuse(journal_fault::damaged);
}

std::vector<finished_record> journal_store::read_finished(bool same_boot) {
    std::vector<finished_record> all;
    statement finished{connection_, "SELECT synced, records, checksum FROM finished ORDER BY id"};
    while (finished.step()) {
        const bool synced = finished.number(0) != 0;
        const std::string_view records = finished.bytes(1);
        if (records.size() % record_size != 0 || finished.number(2) != checksum_of(synced, records)) refuse(journal_fault::damaged);
        if (!synced && !same_boot) continue;
        for (std::size_t at = 0; at < records.size(); at += record_size)
            all.push_back({take(records, at), take(records, at + 8), static_cast<std::int64_t>(take(records, at + 16)), synced});
    }
    return last_of_each(all);
}

std::map<std::string, partial_record, std::less<>> journal_store::read_partials(bool same_boot) {
    std::map<std::string, partial_record, std::less<>> all;
    statement partial{connection_, "SELECT name, url, etag, last_modified, size, part_name, inode, written, synced, checksum FROM partial"};
    while (partial.step()) {
        partial_record record;
        record.name = partial.bytes(0);
        record.url = partial.bytes(1);
        record.etag = partial.bytes(2);
        record.last_modified = partial.bytes(3);
        if (!partial.is_null(4)) record.size = static_cast<std::uint64_t>(partial.number(4));
        record.part_name = partial.bytes(5);
        record.inode = static_cast<std::uint64_t>(partial.number(6));
        const auto written = byte_ranges::decoded(partial.bytes(7)), synced = byte_ranges::decoded(partial.bytes(8));
        if (!written || !synced || partial.number(9) != checksum_of(record, partial.bytes(7), partial.bytes(8))) refuse(journal_fault::damaged);
        record.written = same_boot ? *written : *synced;
        record.synced = *synced;
        std::string name = record.name;
        all.emplace(std::move(name), std::move(record));
    }
    return all;
}

void journal_store::make_ready() {
    if (connection_) return;
    try {
        if (!open_existing()) create();
    } catch (...) {
        disconnect(false);
        throw;
    }
}

void journal_store::write(const journal_batch& batch) {
    doing("write journal", [&] {
        make_ready();
        transaction(batch, false);
    });
}

void journal_store::write_synced(const journal_batch& batch, const std::vector<int>& directories) {
    for (const int directory : directories)
        if (const int failed = sync_file_system(directory); failed < 0) throw error(-failed, "sync the files of journal", file_);
    doing("write journal", [&] {
        make_ready();
        transaction(batch, true);
        if (const int code = sqlite3_wal_checkpoint_v2(connection_, nullptr, SQLITE_CHECKPOINT_FULL, nullptr, nullptr); code != SQLITE_OK)
            throw_failure(connection_, code);
        if (name_synced_) return;
        if (const int failed = sync_directory_of(file_); failed < 0) throw error(-failed, operation_, file_);
        name_synced_ = true;
    });
}

void journal_store::transaction(const journal_batch& batch, bool synced) {
    run("BEGIN IMMEDIATE");
    if (stale_) bring_up_to_date();
    write_finished(batch.finished, true);
    write_finished(batch.finished, false);
    for (const auto& [name, record] : batch.partials) {
        if (record)
            write_partial(*record);
        else
            delete_partial_.put(1, name).run();
    }
    if (synced) mark_all_synced();
    run("COMMIT");
    stale_ = false;
}

/// Those with that mark, as blobs.
void journal_store::write_finished(const std::vector<finished_record>& records, bool synced) {
    std::string blob;
    const auto write = [&] {
        if (!blob.empty()) insert_finished_.put(1, std::int64_t{synced}).put_blob(2, blob).put(3, checksum_of(synced, blob)).run();
        blob.clear();
    };
    for (const finished_record& each : records) {
        if (each.synced != synced) continue;
        put(blob, each.key);
        put(blob, each.size);
        put(blob, static_cast<std::uint64_t>(each.changed));
        if (blob.size() >= records_in_a_row * record_size) write();
    }
    write();
}

void journal_store::write_partial(const partial_record& record) {
    const std::string written = record.written.encoded(), synced = record.synced.encoded();
    statement& row = upsert_partial_;
    row.put(1, record.name).put(2, record.url).put(3, record.etag).put(4, record.last_modified);
    if (record.size)
        row.put(5, static_cast<std::int64_t>(*record.size));
    else
        row.put_nothing(5);
    row.put(6, record.part_name).put(7, static_cast<std::int64_t>(record.inode)).put_blob(8, written).put_blob(9, synced);
    row.put(10, checksum_of(record, written, synced)).run();
}

/// What no longer counts since the machine has been started anew goes, and many small batches become one.
void journal_store::bring_up_to_date() {
    bool same_boot = false;
    {
        statement job{connection_, "SELECT boot FROM job"};
        same_boot = job.step() && !boot_.empty() && job.bytes(0) == boot_;
    }
    const journal_contents all{read_finished(same_boot), read_partials(same_boot)};
    run("DELETE FROM finished; DELETE FROM partial");
    statement{connection_, "UPDATE job SET boot=?1"}.put(1, boot_).run();
    write_finished(all.finished, true);
    write_finished(all.finished, false);
    for (const auto& [name, record] : all.partials) write_partial(record);
}

/// Only what was not: a job of a million files calls this now and then.
void journal_store::mark_all_synced() {
    std::vector<std::pair<std::int64_t, std::int64_t>> rows;
    {
        statement unsynced{connection_, "SELECT id, records FROM finished WHERE synced=0"};
        while (unsynced.step()) rows.emplace_back(unsynced.number(0), checksum_of(true, unsynced.bytes(1)));
    }
    statement mark{connection_, "UPDATE finished SET synced=1, checksum=?2 WHERE id=?1"};
    for (const auto& [id, checksum] : rows) mark.put(1, id).put(2, checksum).run();
    for (auto& [name, record] : read_partials(true)) {
        if (record.synced.spans() == record.written.spans()) continue;
        record.synced = record.written;
        write_partial(record);
    }
}

void journal_store::close() {
    if (!connection_) return;
    doing("close journal", [this] {
        if (const int code = sqlite3_wal_checkpoint_v2(connection_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr); code != SQLITE_OK)
            throw_failure(connection_, code);
    });
    disconnect(true);
}

void journal_store::remove() {
    const bool there = connection_ || doing("remove journal", [this] { return open_existing().has_value(); });
    if (!there) return;
    // The -wal first: without it the file is an older state of itself, which is sound.
    const int wal = remove_file(file_ + "-wal");
    const int file = remove_file(file_);
    disconnect(false);
    for (const int failed : {wal, file})
        if (failed < 0) throw error(-failed, "remove journal", file_);
}

}  // namespace leat::detail
