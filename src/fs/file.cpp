#include "leat/fs/file.hpp"

#include <cerrno>
#include <stdexcept>

#include "engine/file_calls.hpp"
#include "engine/owned_descriptor.hpp"
#include "fs/file_call.hpp"
#include "fs/file_core.hpp"
#include "io/uninitialized.hpp"
#include "leat/task/timeout.hpp"
#include "leat/task/to_thread.hpp"

namespace leat {
namespace {

constexpr std::size_t piece_at_once = 256 * 1024;

/// Until nothing is in flight.
task<> settle(detail::file_core& core) {
    while (!core.settled()) {
        // Asked again after a while: a thread of the pool may have been told just before its call began to block.
        auto waited = co_await (timeout(std::chrono::milliseconds{20}, core.flushed.wait()) | as_result);
        (void)waited;
    }
}

task<> flush_core(detail::file_core& core) {
    if (!core.settled()) co_await settle(core);
    if (auto failed = core.output_error()) std::rethrow_exception(failed);
}

int truncate_call(int fd, std::uint64_t size) { return detail::truncate_directly(fd, static_cast<std::int64_t>(size)); }

}  // namespace

void file::drop() noexcept {
    if (core_) static_cast<detail::file_core*>(std::exchange(core_, nullptr))->dropped();
}

detail::file_core* file::core() const noexcept { return static_cast<detail::file_core*>(core_); }

detail::file_core& file::opened(const char* operation) const {
    if (!core_) throw error(EBADF, operation, "(no file)");
    if (!core()->open()) throw error(EBADF, operation, core()->path().string());
    return *core();
}

/// The end of a file is not for ever: it may have grown.
void file::readable() {
    auto& core = opened("read");
    if (!core.input_error && !core.reading) core.input_at_end = false;
}

task<std::string> file::read_all(bytes limit) {
    std::string all;
    while (auto piece = co_await read()) {
        if (all.size() + piece->size() > limit.count) throw limit_error("read_all", path().string(), limit.count);
        all.append(*piece);
    }
    co_return all;
}

task<> file::flush() { return flush_core(opened("flush")); }

task<> file::sync() {
    auto& core = opened("sync");
    co_await flush_core(core);
    if (int result = co_await detail::sync_call(core.descriptor()); result < 0) throw error(-result, "sync", core.path().string());
}

task<std::uint64_t> file::seek(std::int64_t offset, from whence) {
    auto& core = opened("seek");
    co_await flush_core(core);
    if (!core.known().seeks) throw error(ESPIPE, "seek", core.path().string());
    std::int64_t base = 0;
    if (whence == from::current) base = core.position();
    if (whence == from::end) base = detail::size_of(core.descriptor());
    std::int64_t target = 0;
    if (__builtin_add_overflow(base, offset, &target) || target < 0) throw error(EINVAL, "seek", core.path().string());
    core.move_to(target);
    co_return static_cast<std::uint64_t>(target);
}

std::uint64_t file::tell() const { return static_cast<std::uint64_t>(opened("tell").position()); }

task<> file::truncate(std::uint64_t size) {
    auto& core = opened("truncate");
    co_await flush_core(core);
    core.rewind_reader();
    const int fd = core.descriptor();
    int result = 0;
    if (core.known().direct)
        result = truncate_call(fd, size);
    else
        result = co_await to_thread(truncate_call, fd, size);
    if (result < 0) throw error(-result, "truncate", core.path().string());
}
task<> file::truncate() {
    const std::uint64_t here = tell();
    co_await truncate(here);
}

task<std::uint64_t> file::size() {
    auto& core = opened("size");
    co_await flush_core(core);
    const std::int64_t size = detail::size_of(core.descriptor());
    if (size < 0) throw error(static_cast<int>(-size), "size", core.path().string());
    co_return static_cast<std::uint64_t>(size);
}

task<std::string> file::read_at(std::uint64_t offset, std::size_t count) {
    auto& core = opened("read_at");
    co_await flush_core(core);
    std::string all;
    while (all.size() < count) {
        const std::size_t done = all.size();
        const auto at = static_cast<std::int64_t>(offset + done);
        const std::size_t wanted = std::min(count - done, piece_at_once);
        if (core.known().direct) {
            detail::resize_uninitialized(all, done + wanted);
            const long n = detail::read_cached(core.descriptor(), all.data() + done, wanted, at);
            all.resize(done + (n > 0 ? static_cast<std::size_t>(n) : 0));
            if (n > 0) continue;
            if (n == 0) break;
        }
        std::string piece;
        const int n = co_await detail::read_call(core.descriptor(), piece, wanted, at);
        if (n < 0) throw error(-n, "read_at", core.path().string());
        if (n == 0) break;
        all.append(piece);
    }
    co_return all;
}

task<> file::write_at(std::uint64_t offset, std::string_view data) {
    auto& core = opened("write_at");
    while (!data.empty()) {
        const std::string_view piece = data.substr(0, piece_at_once);
        const auto at = static_cast<std::int64_t>(offset);
        long n = 0;
        if (core.known().direct) {
            n = detail::write_directly(core.descriptor(), piece.data(), piece.size(), at);
        } else {
            std::string copy{piece};
            n = co_await detail::write_call(core.descriptor(), std::move(copy), at);
        }
        if (n < 0) throw error(static_cast<int>(-n), "write_at", core.path().string());
        data.remove_prefix(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
}

task<> file::close() {
    if (!is_open()) co_return;
    auto& core = *this->core();
    auto flushed = co_await (flush_core(core) | as_result);
    core.refuse();
    if (!core.settled()) co_await settle(core);  // a read may be in flight
    core.fail_read();
    core.input_at_end = true;
    detail::owned_descriptor fd{core.take_descriptor()};
    int result = 0;
    if (core.known().direct)
        result = detail::close_directly(fd.release());
    else
        result = co_await detail::close_call(std::move(fd));
    flushed.value();
    if (result < 0 && result != -EINTR) throw error(-result, "close", core.path().string());
}

bool file::is_open() const noexcept { return core_ && core()->open(); }
const leat::path& file::path() const { return core()->path(); }

// ---- opening

task<file> open(path name, std::string_view mode) {
    const int flags = detail::open_flags(mode);
    if (flags < 0) throw std::invalid_argument("open " + name.string() + ": mode '" + std::string{mode} + "' is none of r, w, a, x with + or b");
    const std::string_view directory = name.parent();
    const bool familiar = detail::is_known_local(directory);
    int fd = -EAGAIN;
    if (familiar) {
        // A regular file, or none yet, is opened directly; all else might block.
        const auto facts = detail::facts_of(name.c_str());
        if (facts.error != 0 || (facts.regular && facts.local)) fd = detail::open_directly(name.c_str(), flags, 0666);
    }
    if (fd == -EAGAIN || fd == -ENXIO) fd = co_await detail::open_call(name.string(), flags, 0666);
    if (fd < 0) throw error(-fd, "open", name.string());
    detail::owned_descriptor opened{fd};
    const auto facts = detail::facts_of(fd);
    const bool direct = facts.regular && facts.local;
    if (direct && !familiar) detail::remember_local(directory);
    const bool appends = detail::appends(flags);
    auto* core = new detail::file_core(fd, std::move(name), {.direct = direct, .seeks = direct || detail::can_seek(fd), .appends = appends});
    opened.release();
    if (appends) core->move_to(facts.regular ? facts.size : 0);
    co_return file{*core};
}

namespace {

/// The content of a cached regular file by four system calls; false where anything is out of the ordinary.
bool read_now(const path& name, std::string& content, std::size_t limit) {
    if (!detail::is_known_local(name.parent())) return false;
    const int fd = detail::open_directly(name.c_str(), detail::open_flags("r"), 0);
    if (fd < 0) return false;
    const auto facts = detail::facts_of(fd);
    bool whole = facts.regular && facts.local && facts.size > 0 && static_cast<std::size_t>(facts.size) <= std::min(limit, piece_at_once);
    if (whole) {
        detail::resize_uninitialized(content, static_cast<std::size_t>(facts.size));
        whole = detail::read_cached(fd, content.data(), content.size(), 0) == facts.size;
    }
    detail::close_directly(fd);
    return whole;
}

}  // namespace

task<std::string> read_file(path name, bytes limit) {
    std::string content;
    if (read_now(name, content, limit.count)) co_return content;
    auto in = co_await open(std::move(name), "r");
    content = co_await in.read_all(limit);
    co_await in.close();
    co_return content;
}

task<> write_file(path name, std::string_view content) {
    auto out = co_await open(std::move(name), "w");
    co_await out.write(content);
    co_await out.close();
}

}  // namespace leat
