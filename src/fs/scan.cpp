#include "fs/scan.hpp"

#include <cerrno>
#include <utility>

#include "engine/open_beneath.hpp"
#include "engine/owned_descriptor.hpp"
#include "fs/path_call.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat {
namespace detail {
namespace {

constexpr std::size_t names_at_once = 1024;

int open_call(directory_stream* stream, const std::string& name) noexcept { return stream->open(name.c_str()); }
int read_call(directory_stream* stream, std::vector<scanned_name>* into) noexcept { return stream->next(*into, names_at_once); }

}  // namespace

task<piece> scan::fill() {
    while (names.empty() && !at_end_) {
        const int result = co_await to_thread(read_call, &stream_, &names);
        if (result <= 0) {
            at_end_ = true;
            stream_.close();
        }
        if (result < 0) throw error(-result, operation_, name_.string());
    }
    co_return names.empty() ? piece::end : piece::some;
}

task<scan> begin_scan(const char* operation, leat::path name) {
    check_name(operation, name);
    scan made{operation, std::move(name)};
    const int failed = co_await to_thread(open_call, &made.stream_, made.name_.string());
    if (failed < 0) throw error(-failed, operation, made.name_.string());
    co_return made;
}

file_kind kind_from(name_kind kind) noexcept {
    switch (kind) {
        case name_kind::regular: return file_kind::regular;
        case name_kind::directory: return file_kind::directory;
        case name_kind::link: return file_kind::symbolic_link;
        case name_kind::other: break;
    }
    return file_kind::other;
}

}  // namespace detail

// ---- one directory

struct directory_scan::state {
    explicit state(detail::scan begun) : names(std::move(begun)) {}
    detail::scan names;
    std::size_t taken = 0;
};

directory_scan::directory_scan() noexcept = default;
directory_scan::directory_scan(directory_scan&&) noexcept = default;
directory_scan& directory_scan::operator=(directory_scan&&) noexcept = default;
directory_scan::~directory_scan() = default;

task<std::optional<listed_entry>> directory_scan::next() {
    if (!state_) co_return std::nullopt;
    auto& all = state_->names.names;
    if (state_->taken == all.size()) {
        all.clear();
        state_->taken = 0;
        const auto got = co_await state_->names.fill();
        if (got == detail::piece::end) co_return std::nullopt;
    }
    auto& each = all[state_->taken++];
    listed_entry entry{std::move(each.name), detail::kind_from(each.kind)};
    co_return entry;
}

task<directory_scan> scan_directory(path name) {
    directory_scan made;
    auto begun = co_await detail::begin_scan("scan_directory", std::move(name));
    made.state_ = std::make_unique<directory_scan::state>(std::move(begun));
    co_return made;
}

// ---- a tree

struct directory_walk::state {
    struct waiting {
        std::string relative;
        std::size_t depth;  // of what is in it
    };
    /// Opens the last directory that waits and reads its first names: 1, 0 or -errno, as a stream does.
    int enter() noexcept {
        here = std::move(pending.back());
        pending.pop_back();
        const waiting& next = here;
        int fd = -1;
        if (next.relative.empty()) {
            root = detail::owned_descriptor{detail::open_root(name.c_str())};
            if (root.get() < 0) return root.release();
            fd = stream.open(name.c_str());
            if (fd < 0) return fd;
        } else {
            fd = detail::open_directory_beneath(root.get(), next.relative.c_str());
            if (fd < 0) return fd;
            if (const int failed = stream.adopt(fd); failed != 0) return failed;
        }
        return read();
    }
    int read() noexcept {
        const int result = stream.next(names, names_at_once);
        if (result <= 0) stream.close();
        return result;
    }
    static constexpr std::size_t names_at_once = 1024;

    path name;
    walk_options options;
    detail::owned_descriptor root;
    detail::directory_stream stream;
    std::vector<detail::scanned_name> names;
    std::size_t taken = 0;
    std::vector<waiting> pending;
    waiting here;             // what is being read
    bool may_skip = false;    // the last name told is the last one pending
};

namespace {

template <class State>
int enter_call(State* state) noexcept {
    return state->enter();
}
template <class State>
int more_call(State* state) noexcept {
    return state->read();
}

}  // namespace

directory_walk::directory_walk(path name, walk_options options) : state_(std::make_unique<state>()) {
    state_->name = std::move(name);
    state_->options = options;
    state_->pending.push_back({{}, 1});
}
directory_walk::directory_walk(directory_walk&&) noexcept = default;
directory_walk& directory_walk::operator=(directory_walk&&) noexcept = default;
directory_walk::~directory_walk() = default;

task<std::optional<walk_entry>> directory_walk::next() {
    state& now = *state_;
    detail::check_name("walk", now.name);
    now.may_skip = false;
    while (now.taken == now.names.size()) {
        now.names.clear();
        now.taken = 0;
        int result = 0;
        if (now.stream.is_open()) {
            result = co_await to_thread(more_call<state>, &now);
        } else if (now.pending.empty()) {
            co_return std::nullopt;
        } else {
            // Taken off the list once it has been read: a wait that is cancelled before it begins loses nothing.
            result = co_await to_thread(enter_call<state>, &now);
        }
        if (result == -ENOENT && !now.here.relative.empty()) result = 0;  // gone meanwhile
        if (result < 0) throw error(-result, "walk", now.here.relative.empty() ? now.name.string() : (now.name / now.here.relative).string());
    }
    const auto& each = now.names[now.taken++];
    std::string relative = now.here.relative.empty() ? each.name : now.here.relative + "/" + each.name;
    walk_entry entry{now.name / relative, detail::kind_from(each.kind), now.here.depth};
    if (entry.kind == file_kind::directory && now.here.depth < now.options.depth) {
        if (now.pending.size() >= now.options.pending) throw limit_error("walk", now.name.string(), now.options.pending);
        now.pending.push_back({std::move(relative), now.here.depth + 1});
        now.may_skip = true;
    }
    co_return entry;
}

void directory_walk::skip() noexcept {
    if (std::exchange(state_->may_skip, false)) state_->pending.pop_back();
}

directory_walk walk(path name, walk_options options) { return {std::move(name), options}; }

}  // namespace leat
