#include <cerrno>

#include "engine/copy_calls.hpp"
#include "fs/path_call.hpp"
#include "leat/fs/copy.hpp"
#include "leat/io/copy.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat {
namespace {

constexpr std::size_t piece_at_once = 16 * 1024 * 1024;

/// Ends with its task: a copy that is not whole goes, however that came.
class unfinished_copy {
public:
    explicit unfinished_copy(const std::string& to) : to_(to) {}
    unfinished_copy(const unfinished_copy&) = delete;
    unfinished_copy& operator=(const unfinished_copy&) = delete;
    ~unfinished_copy() {
        if (!done) copier.give_up(to_.c_str());
    }
    detail::file_copier copier;
    bool done = false;

private:
    const std::string& to_;
};

int begin_call(detail::file_copier* copier, const std::string& from, const std::string& to, detail::copy_wishes wishes) noexcept {
    return copier->begin(from.c_str(), to.c_str(), wishes);
}
int step_call(detail::file_copier* copier) noexcept { return copier->step(piece_at_once); }
int finish_call(detail::file_copier* copier) noexcept { return copier->finish(); }

}  // namespace

task<std::uint64_t> copy_file(path from, path to, copy_options options) {
    detail::check_name("copy_file", from);
    detail::check_name("copy_file", to);
    unfinished_copy copy{to.string()};
    const detail::copy_wishes wishes{.overwrite = options.overwrite,
                                     .permissions = options.preserve_permissions,
                                     .times = options.preserve_times,
                                     .blocks = options.reflink == reflink::never    ? detail::sharing::never
                                               : options.reflink == reflink::always ? detail::sharing::always
                                                                                    : detail::sharing::automatic};
    int result = co_await to_thread(begin_call, &copy.copier, from.string(), to.string(), wishes);
    while (result >= 0) {
        result = co_await to_thread(step_call, &copy.copier);
        if (result == 0) break;
    }
    if (result >= 0) result = co_await to_thread(finish_call, &copy.copier);
    if (result < 0) throw error(-result, "copy_file", from.string() + " to " + to.string());
    copy.done = true;
    co_return static_cast<std::uint64_t>(copy.copier.size());
}

task<std::uint64_t> send_file(stream_writer& to, file& from, std::uint64_t offset, std::uint64_t count) {
    co_await from.seek(static_cast<std::int64_t>(offset));
    co_return co_await copy(from, to, count);
}

}  // namespace leat
