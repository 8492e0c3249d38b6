#include "leat/fs/temporary.hpp"

#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

#include "engine/name_calls.hpp"
#include "engine/tree_calls.hpp"
#include "fs/file_core.hpp"
#include "fs/path_call.hpp"
#include "leat/fs/operations.hpp"
#include "leat/io/error.hpp"
#include "leat/log/log.hpp"
#include "leat/task/to_thread.hpp"
#include "task/loop.hpp"

namespace leat {
namespace {

constexpr std::size_t names_at_once = 256;

std::string directory_from(std::string_view asked) {
    if (!asked.empty()) return std::string{asked};
    const char* environment = std::getenv("TMPDIR");
    return environment && *environment ? environment : "/tmp";
}

/// A directory whose owner is gone, removed in a thread, piece by piece.
class tree_removal final : detail::operation, detail::resident {
public:
    explicit tree_removal(const std::string& name) : operation(waits_for::thread), remover_(name) {}
    void begin() {
        detail::loop::current().adopt(*this);
        detail::loop::current().submit(*this);
    }

private:
    void prepare(io_uring_sqe&) noexcept override {}
    detail::completion attempt(detail::scratch_buffer) noexcept override { return {.result = remover_.step(names_at_once)}; }
    void complete(detail::completion done) noexcept override {
        if (done.result > 0 && !aborted_) return detail::loop::current().submit(*this);
        const int failed = done.result > 0 ? ECANCELED : -done.result;
        if (failed != 0 && failed != ENOENT) log::warn("{}", error(failed, "removing a temporary directory", remover_.where()).what());
        delete this;
    }
    void abort() noexcept override {
        aborted_ = true;
        detail::loop::current().cancel(*this);
    }

    detail::tree_remover remover_;
    bool aborted_ = false;
};

int name_call(int file, const std::string& to) noexcept { return detail::name_unnamed(file, to); }
int rename_call(const std::string& from, const std::string& to) noexcept { return detail::rename_directly(from.c_str(), to.c_str()); }

}  // namespace

// ---- files

temporary_file::temporary_file(temporary_file&& other) noexcept
    : file(std::move(other)), name_(std::exchange(other.name_, {})), local_(other.local_) {}

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
    if (this == &other) return *this;
    discard();
    file::operator=(std::move(other));
    name_ = std::exchange(other.name_, {});
    local_ = other.local_;
    return *this;
}

temporary_file::~temporary_file() { discard(); }

void temporary_file::discard() noexcept {
    if (!name_.empty()) detail::remove_without_waiting(name_.string(), local_);
    name_ = {};
}

task<> temporary_file::persist(leat::path to) {
    detail::check_name("persist", to);
    co_await flush();
    int result = 0;
    if (name_.empty())
        result = co_await to_thread(name_call, core()->descriptor(), to.string());
    else
        result = co_await to_thread(rename_call, name_.string(), to.string());
    if (result < 0) throw error(-result, "persist", to.string());
    name_ = {};
}

task<temporary_file> make_temporary_file(std::string directory, std::string prefix, std::string suffix, bool named) {
    for (const auto* text : {&directory, &prefix, &suffix}) detail::check_name("open_temporary_file", *text);
    if (prefix.find('/') != std::string::npos || suffix.find('/') != std::string::npos) throw error(EINVAL, "open_temporary_file", prefix + "*" + suffix);
    auto made = co_await to_thread(detail::make_temporary, directory, prefix, suffix, named);
    if (made.error != 0) throw error(made.error, "open_temporary_file", directory);
    temporary_file opened;
    opened.local_ = made.local;
    path shown{made.name.get()};
    if (shown.empty()) shown = path{directory} / "(temporary file)";
    auto* core = new detail::file_core(made.file.get(), std::move(shown), {.direct = made.local, .seeks = true, .appends = false});
    made.file.release();
    static_cast<file&>(opened) = file{*core};
    opened.name_ = path{made.name.take()};
    co_return opened;
}

task<temporary_file> open_temporary_file(temporary_options options) {
    return make_temporary_file(directory_from(options.directory), std::string{options.prefix}, std::string{options.suffix}, options.named);
}

// ---- directories

temporary_directory::temporary_directory(temporary_directory&& other) noexcept : path_(other.release()) {}

temporary_directory& temporary_directory::operator=(temporary_directory&& other) noexcept {
    if (this == &other) return *this;
    discard();
    path_ = other.release();
    return *this;
}

temporary_directory::~temporary_directory() { discard(); }

leat::path temporary_directory::release() noexcept { return std::exchange(path_, {}); }

void temporary_directory::discard() noexcept {
    if (path_.empty()) return;
    const leat::path name = release();
    try {
        if (detail::loop::current_or_null()) return (new tree_removal(name.string()))->begin();
        detail::tree_remover remover{name.string()};
        int result = 1;
        while (result > 0) result = remover.step(names_at_once);
        if (result < 0 && result != -ENOENT) log::warn("{}", error(-result, "removing a temporary directory", remover.where()).what());
    } catch (const std::bad_alloc&) {  // it stays
    }
}

task<> temporary_directory::close() {
    if (path_.empty()) co_return;
    co_await remove_tree(path_);
    path_ = {};
}

task<temporary_directory> make_temporary_directory(std::string directory, std::string prefix, std::string suffix) {
    for (const auto* text : {&directory, &prefix, &suffix}) detail::check_name("make_temporary_directory", *text);
    if (prefix.find('/') != std::string::npos || suffix.find('/') != std::string::npos) throw error(EINVAL, "make_temporary_directory", prefix + "*" + suffix);
    auto made = co_await to_thread(detail::make_temporary_folder, directory, prefix, suffix);
    if (made.error != 0) throw error(made.error, "make_temporary_directory", directory);
    temporary_directory opened;
    opened.path_ = path{made.name.take()};
    co_return opened;
}

task<temporary_directory> make_temporary_directory(temporary_options options) {
    return make_temporary_directory(directory_from(options.directory), std::string{options.prefix}, std::string{options.suffix});
}

}  // namespace leat
