#include "download/part_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <random>

#include "engine/directory_calls.hpp"
#include "engine/file_calls.hpp"
#include "engine/open_beneath.hpp"
#include "fs/file_call.hpp"
#include "fs/file_core.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t longest_name = 255;
constexpr int most_tries = 100;

/// ".NAME.leat-XXXXXX.part" in the same directory: unlike any other of this process, and very likely of any.
std::string part_name(std::string_view name) {
    static thread_local std::uint32_t next = std::random_device{}();
    constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
    const std::size_t slash = name.rfind('/');
    const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
    std::string suffix = ".leat-";
    std::uint32_t number = next++ * 2654435761u;  // neighbours look unlike each other
    for (int i = 0; i < 6; ++i, number >>= 5) suffix += digits[number & 31];
    suffix += ".part";
    std::string part{name.substr(0, start)};
    part.append(".").append(name.substr(start, longest_name - suffix.size() - 1)).append(suffix);
    return part;
}

/// Owns what it opened, as long as nobody has taken it: whoever waits for the call may be gone when it returns.
struct opened_directory {
    owned_descriptor descriptor;
    int failed = 0;
    bool local = false;
};

opened_directory make_and_open(const std::string& path) noexcept {
    if (const int failed = make_directories(path); failed != 0) return {{}, failed, false};
    const int fd = open_directory_directly(path.c_str());
    if (fd < 0) return {{}, fd, false};
    return {owned_descriptor{fd}, 0, facts_of(fd).local};
}

int rename_call(int directory, const std::string& from, const std::string& to) noexcept { return rename_at(directory, from.c_str(), to.c_str()); }
int create_call(int directory, const std::string& name) noexcept { return create_new_at(directory, name.c_str()); }

}  // namespace

target_directory::~target_directory() {
    if (fd_ >= 0) close_without_waiting(fd_, local_);
}

task<> target_directory::prepare(path name) {
    name_ = std::move(name);
    if (name_.empty()) name_ = path{"."};
    auto opened = co_await to_thread(make_and_open, name_.string());
    if (opened.failed < 0) throw error(-opened.failed, "make directory", name_.string());
    fd_ = opened.descriptor.release();
    local_ = opened.local;
}

part_file::part_file(const target_directory& in, std::string_view name) : in_(in), name_(name), direct_(in.local() && !name.starts_with('/')) {}

part_file::~part_file() {
    if (fd_ >= 0) close_without_waiting(fd_, direct_);
    if (exists_) remove_at(in_.descriptor(), part_.c_str());
}

path part_file::full() const { return in_.name() / name_; }

void part_file::fail(const char* operation, int result) const { throw error(-result, operation, full().string()); }

task<> part_file::create() {
    bool made_parents = false;
    for (int tries = 0; fd_ < 0; ++tries) {
        part_ = part_name(name_);
        int result = 0;
        if (direct_)
            result = create_new_at(in_.descriptor(), part_.c_str());
        else
            result = co_await to_thread(create_call, in_.descriptor(), part_);
        if (result >= 0) {
            fd_ = result;
            exists_ = true;
        } else if (result == -ENOENT && !made_parents) {
            made_parents = true;
            const std::string parents{full().parent()};
            const int made = co_await to_thread(make_directories, parents);
            if (made != 0) throw error(-made, "make directory", parents);
        } else if (result != -EEXIST || tries >= most_tries) {
            fail("create", result);
        }
    }
    if (!direct_) direct_ = facts_of(fd_).local;
}

bool part_file::save_at_once(std::string_view content) {
    if (!direct_ || !in_.unnamed_files) return false;
    fd_ = create_unnamed_at(in_.descriptor());
    if (fd_ < 0) {
        in_.unnamed_files = false;
        return false;
    }
    write_all(content);
    int failed = name_at(fd_, in_.descriptor(), name_.c_str());
    if (failed == -EEXIST) {  // only a rename replaces
        part_ = part_name(name_);
        failed = name_at(fd_, in_.descriptor(), part_.c_str());
        if (failed == 0) {
            exists_ = true;
            if ((failed = rename_at(in_.descriptor(), part_.c_str(), name_.c_str())) != 0) fail("rename to", failed);
            exists_ = false;
        }
    }
    if (failed != 0) {  // a directory of its name is missing, perhaps
        close_directly(std::exchange(fd_, -1));
        return false;
    }
    close_now();
    return true;
}

void part_file::write_all(std::string_view content) {
    while (!content.empty()) {
        const long n = write_directly(fd_, content.data(), content.size(), -1);
        if (n < 0) fail("write", static_cast<int>(n));
        content.remove_prefix(static_cast<std::size_t>(n));
    }
}

void part_file::close_now() {
    if (const int failed = close_directly(std::exchange(fd_, -1)); failed != 0 && failed != -EINTR) fail("close", failed);
}

task<> part_file::finish_with(std::string_view content) {
    if (!direct_) {
        file to = take_file();
        co_await to.write(content);
        co_await to.close();
        co_return co_await finish();
    }
    write_all(content);
    close_now();
    if (const int failed = rename_at(in_.descriptor(), part_.c_str(), name_.c_str()); failed != 0) fail("rename to", failed);
    exists_ = false;
}

file part_file::take_file() {
    auto* core = new file_core(fd_, full(), {.direct = direct_, .seeks = direct_, .appends = false});
    fd_ = -1;
    return file{*core};
}

task<> part_file::finish() {
    int result = 0;
    if (direct_)
        result = rename_at(in_.descriptor(), part_.c_str(), name_.c_str());
    else
        result = co_await to_thread(rename_call, in_.descriptor(), part_, name_);
    if (result != 0) fail("rename to", result);
    exists_ = false;
}

}  // namespace leat::detail
