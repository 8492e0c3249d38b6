#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "leat/task/task.hpp"

namespace leat::testing {

/// How an operation ended that may have been cancelled.
enum class ending : std::uint8_t { stands, threw, dropped };

/// One operation in a world of its own.
struct scene {
    virtual ~scene() = default;
    virtual task<> prepare() { co_return; }
    /// The operation. It waits until it is made to end, unless it ends by itself.
    virtual task<> wait() = 0;
    /// Makes it end, now: the bytes are on their way, the item is there. Harmless if called again.
    virtual void trigger() {}
    /// The same where that has to be waited for.
    virtual task<> complete() {
        trigger();
        co_return;
    }
    /// Is it where it can be made to end, once the loop has had some turns? For what a thread or a process has to reach first.
    virtual bool begun() const { return true; }
    /// Another that waits in the same queue, and was there first.
    virtual task<> ahead() { co_return; }
    /// Afterwards: nothing is lost, and the operation can be called again, where its documentation says so.
    virtual task<> check(ending) { co_return; }
};

/// What becomes of an operation that is cancelled at one moment.
enum class outcome : std::uint8_t {
    throws,        // `cancelled`
    stands,        // it completes, and what it gives is kept
    either,        // by how far the kernel or a thread had got
    by_order,      // cancelled first: throws; completed first: stands
    never_waits,   // there is no such moment
    not_queued,    // likewise: nobody is before it, and it reaches the kernel in its own turn
    closed_world,  // likewise: there is no kernel in it
};

struct matrix_row {
    const char* group;
    const char* name;
    std::unique_ptr<scene> (*make)();
    outcome before;      // its scope was cancelled before it starts
    outcome queued;      // behind another that waits, or begun in this very turn
    outcome waiting;     // the loop has nothing else to do
    outcome completing;  // the same turn brings the end
    const char* kept;    // what check() has looked at
    struct {
        bool behind = false;        // `ahead` says something
        bool pool = false;          // runs in the pool, so that it can be queued there
        bool ends_itself = false;   // nobody has to make it end
        bool after_cancel = false;  // ends only when it is made to, also after it was cancelled
        bool blocks = false;        // destroying it waits for that, too
    } is = {};
};
inline void PrintTo(const matrix_row& row, std::ostream* to) { *to << row.name; }


template <class Scene>
std::unique_ptr<scene> make_scene() {
    return std::make_unique<Scene>();
}

/// Waits for the world outside or for another task, and gives up at once.
template <class Scene>
matrix_row waiting_row(const char* group, const char* name, const char* kept) {
    return {group, name, make_scene<Scene>, outcome::throws, outcome::throws, outcome::throws, outcome::by_order, kept};
}
/// The same with a queue before it.
template <class Scene>
matrix_row queued_row(const char* group, const char* name, const char* kept) {
    auto row = waiting_row<Scene>(group, name, kept);
    row.is.behind = true;
    return row;
}
/// A call of the kernel, made by io_uring or by the pool: it ends by itself and soon.
template <class Scene>
matrix_row call_row(const char* group, const char* name, const char* kept) {
    return {group, name, make_scene<Scene>, outcome::throws, outcome::either, outcome::either, outcome::either, kept, {.ends_itself = true}};
}
/// The same, and always made by the pool.
template <class Scene>
matrix_row pool_row(const char* group, const char* name, const char* kept) {
    return {group, name, make_scene<Scene>, outcome::throws, outcome::throws, outcome::either, outcome::either, kept, {.pool = true, .ends_itself = true}};
}
/// Completes at once, so that no cancellation can meet it.
template <class Scene>
matrix_row instant_row(const char* group, const char* name, const char* kept) {
    return {group,          name, make_scene<Scene>,   outcome::stands, outcome::never_waits, outcome::never_waits, outcome::never_waits,
            kept, {.ends_itself = true}};
}

std::vector<matrix_row> task_rows();
std::vector<matrix_row> sync_rows();
std::vector<matrix_row> stream_rows();
std::vector<matrix_row> network_rows();
std::vector<matrix_row> datagram_rows();
std::vector<matrix_row> file_rows();
std::vector<matrix_row> tree_rows();
std::vector<matrix_row> process_rows();
std::vector<matrix_row> http_rows();
std::vector<matrix_row> http_client_rows();

/// All of them, in the order of the page.
std::vector<matrix_row> all_rows();

/// docs/internals/cancel-matrix.md.
std::string page_of(const std::vector<matrix_row>& rows);

}  // namespace leat::testing
