#include "download/made_directories.hpp"

#include <algorithm>
#include <cerrno>

#include "download/journal_file.hpp"
#include "engine/directory_calls.hpp"
#include "engine/name_calls.hpp"
#include "engine/owned_descriptor.hpp"

namespace leat::detail {
namespace {

int sync_name_of(const std::string& made, const std::string& in) {
    if (const owned_descriptor above{open_directory_directly(in.c_str())}; above.get() >= 0) return sync_directory(above.get());
    // One that may be written to and not be read. What was made in it is ours.
    const owned_descriptor own{open_directory_directly(made.c_str())};
    if (own.get() == -ENOENT) return 0;  // somebody has removed it meanwhile
    return own.get() < 0 ? own.get() : sync_file_system(own.get());
}

}  // namespace

int made_directories::make(const std::string& path) {
    const std::lock_guard hold{mutex_};
    return make_directories_telling(path, unsynced_);
}

int made_directories::sync() {
    const std::lock_guard hold{mutex_};
    while (!unsynced_.empty()) {
        const std::string in = directory_above(unsynced_.back());
        if (const int failed = sync_name_of(unsynced_.back(), in); failed != 0) return failed;
        unsynced_.erase(std::remove_if(unsynced_.begin(), unsynced_.end(), [&](const std::string& each) { return directory_above(each) == in; }), unsynced_.end());
    }
    return 0;
}

}  // namespace leat::detail
