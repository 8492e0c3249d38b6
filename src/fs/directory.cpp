#include "leat/fs/directory.hpp"

#include <cerrno>
#include <utility>

#include "engine/file_calls.hpp"
#include "engine/open_beneath.hpp"
#include "engine/owned_descriptor.hpp"
#include "fs/file_core.hpp"
#include "leat/task/to_thread.hpp"

namespace leat {

struct directory::handle {
    detail::owned_descriptor descriptor;
    bool local = false;  // calls on it may be made directly
};

namespace {

file_status status_from(const detail::entry_facts& facts) {
    const auto kind = facts.kind == detail::entry_kind::regular     ? file_kind::regular
                      : facts.kind == detail::entry_kind::directory ? file_kind::directory
                                                                    : file_kind::other;
    return {.kind = kind, .size = facts.size, .modified = duration{facts.modified_ns}};
}

path below(const path& directory, const std::string& relative) { return relative.empty() ? directory : directory / relative; }

detail::opened_beneath open_in_thread(int root, const std::string& relative) {
    return detail::open_beneath(root, relative.c_str(), detail::resolution::full);
}

detail::owned_descriptor open_root_in_thread(const std::string& name) { return detail::owned_descriptor{detail::open_root(name.c_str())}; }

}  // namespace

directory::directory() noexcept = default;
directory::directory(directory&&) noexcept = default;
directory& directory::operator=(directory&&) noexcept = default;
directory::~directory() = default;

task<found_file> directory::open(std::string relative) const {
    const int root = handle_->descriptor.get();
    // The system call would read only as far as a NUL byte.
    if (relative.find('\0') != std::string::npos) throw error(EINVAL, "open", path_.string());
    detail::opened_beneath opened;
    opened.facts.error = EAGAIN;
    if (handle_->local) opened = detail::open_beneath(root, relative.c_str(), detail::resolution::cached);
    const int failed = opened.facts.error;
    if (failed == EAGAIN || failed == EXDEV) opened = co_await to_thread(open_in_thread, root, relative);
    if (opened.facts.error != 0) throw error(opened.facts.error, "open", below(path_, relative).string());
    found_file found{.status = status_from(opened.facts), .content = {}};
    if (found.status.kind == file_kind::regular) {
        const bool direct = detail::facts_of(opened.descriptor.get()).local;
        detail::file_core::facts known{.direct = direct, .seeks = true, .appends = false};
        found.content = file{*new detail::file_core(opened.descriptor.get(), below(path_, relative), known)};
        opened.descriptor.release();
    }
    co_return found;
}

task<directory_listing> directory::list(std::string relative, std::size_t most) const {
    if (relative.find('\0') != std::string::npos) throw error(EINVAL, "list", path_.string());
    detail::entry_list raw = co_await to_thread(detail::list_beneath, handle_->descriptor.get(), relative, most);
    if (raw.error != 0) throw error(raw.error, "list", below(path_, relative).string());
    directory_listing listing;
    listing.complete = raw.complete;
    listing.entries.reserve(raw.entries.size());
    for (auto& each : raw.entries) listing.entries.push_back({std::move(each.name), status_from(each.facts)});
    co_return listing;
}

task<directory> open_directory(path name) {
    detail::owned_descriptor opened = co_await to_thread(open_root_in_thread, name.string());
    if (opened.get() < 0) throw error(-opened.release(), "open", name.string());
    directory made;
    const bool local = detail::facts_of(opened.get()).local;
    made.path_ = std::move(name);
    made.handle_ = std::make_unique<directory::handle>();
    made.handle_->descriptor = std::move(opened);
    made.handle_->local = local;
    co_return made;
}

}  // namespace leat
