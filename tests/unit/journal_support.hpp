#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <random>

#include "download/journal.hpp"
#include "leat/leat.hpp"
#include "support/run.hpp"
#include "support/temporary.hpp"

namespace leat::detail {

inline void PrintTo(const finished_record& record, std::ostream* out) { *out << record.key << ' ' << record.size << ' ' << record.changed << ' ' << record.synced; }

using testing::content_of;
using testing::in_loop;
using testing::put;
using testing::temporary_directory;
using testing::thrown_by;

inline partial_record some_partial(std::string name, std::uint64_t written = 100, std::uint64_t synced = 40) {
    partial_record record;
    record.name = std::move(name);
    record.url = "http://example.org/" + record.name;
    record.etag = "\"abc\"";
    record.last_modified = "Sun, 22 Nov 2026 17:00:00 GMT";
    record.size = 1000;
    record.part_name = "." + record.name + ".leat-abcdef.part";
    record.inode = 4711;
    if (written > 0) record.written.add({0, written});
    record.written.add({500, 600});
    if (synced > 0) record.synced.add({0, synced});
    return record;
}

inline bool same(const partial_record& a, const partial_record& b) {
    return a.name == b.name && a.url == b.url && a.etag == b.etag && a.last_modified == b.last_modified && a.size == b.size && a.part_name == b.part_name &&
           a.inode == b.inode && a.written.spans() == b.written.spans() && a.synced.spans() == b.synced.spans();
}

/// What a task that opens a journal throws.
inline std::string refusal_of(const std::string& file) {
    return thrown_by([&] { in_loop(journal::open(file)); });
}

inline task<> write_two(std::string file, std::string boot = {}) {
    auto notes = co_await journal::open(file, boot);
    notes->note_finished({1, 10, 100});
    notes->note_partial(some_partial("a"));
    co_await notes->commit();
}

/// Runs that in a process of its own and gives its exit status.
template <class Callable>
int in_child(Callable work) {
    const pid_t child = ::fork();
    if (child == 0) {
        int status = 99;
        try {
            status = work();
        } catch (const std::exception& e) {
            std::fprintf(stderr, "%s\n", e.what());
        }
        ::_exit(status);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace leat::detail
