#include "leat/fs/replace.hpp"

#include <cerrno>
#include <utility>

#include "engine/name_calls.hpp"
#include "fs/file_core.hpp"
#include "fs/path_call.hpp"
#include "leat/io/error.hpp"
#include "leat/task/shield.hpp"
#include "leat/task/to_thread.hpp"

namespace leat {

struct replacement::state {
    state(detail::replacing&& begun, leat::path full) : now(std::move(begun)), name(std::move(full)) {}
    detail::replacing now;
    leat::path name;
};

namespace {

struct placed {
    int renamed;  // 0, or -errno
    int synced;
};

/// In one call, so that a cancellation cannot come between the new name and what makes it last.
placed place_call(int directory, int file, const std::string& temporary, const std::string& name) noexcept {
    const int renamed = detail::take_place(directory, file, temporary, name);
    return {renamed, renamed < 0 ? 0 : detail::sync_directory(directory)};
}

}  // namespace

replacement::replacement() = default;
replacement::replacement(replacement&&) noexcept = default;
replacement& replacement::operator=(replacement&&) noexcept = default;
replacement::~replacement() = default;

task<replacement> open_replacement(path name) {
    detail::check_name("replace", name);
    auto begun = co_await to_thread(detail::begin_replacing, name.string());
    if (begun.error != 0) throw error(begun.error, "replace", name.string());
    replacement made;
    made.state_ = std::make_unique<replacement::state>(std::move(begun), std::move(name));
    auto& now = made.state_->now;
    auto* core = new detail::file_core(now.file.get(), made.state_->name, {.direct = now.local, .seeks = true, .appends = false});
    now.file.release();
    static_cast<file&>(made) = file{*core};
    co_return made;
}

task<> replacement::commit() {
    if (!state_ || !is_open()) throw error(EBADF, "replace", state_ ? state_->name.string() : "(no file)");
    auto& now = state_->now;
    co_await sync();
    const placed done = co_await to_thread(place_call, now.directory.get(), core()->descriptor(), now.temporary.get(), now.name);
    if (done.renamed < 0) throw error(-done.renamed, "replace", state_->name.string());
    now.temporary.take();
    if (done.synced < 0) throw error(-done.synced, "sync directory of", state_->name.string());
    co_await shield(close());  // it is done: a cancellation comes too late
}

task<> replace_file(path name, std::string_view content) {
    auto next = co_await open_replacement(std::move(name));
    co_await next.write(content);
    co_await next.commit();
}

}  // namespace leat
