#include "http/private_file.hpp"

#include "engine/name_calls.hpp"
#include "fs/file_core.hpp"
#include "leat/fs/replace.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {

task<> write_private_file(path name, std::string content) {
    const std::string shown = name.string();
    auto next = co_await open_replacement(std::move(name));
    // Before anything is in it: it may have got the permissions of what was there.
    const int failed = co_await to_thread(restrict_file, next.core()->descriptor(), 0600u);
    if (failed < 0) throw error(-failed, "replace", shown);
    co_await next.write(content);
    co_await next.commit();
}

}  // namespace leat::detail
