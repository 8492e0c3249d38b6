#include "download/part_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <random>

#include "download/journal_file.hpp"
#include "engine/directory_calls.hpp"
#include "engine/file_calls.hpp"
#include "engine/open_beneath.hpp"
#include "engine/name_calls.hpp"
#include "engine/part_calls.hpp"
#include "fs/file_call.hpp"
#include "fs/file_core.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t longest_name = 255;
constexpr int most_tries = 100;

/// ".NAME" and what follows it, in the same directory, cut to what a name may be long.
std::string beside(std::string_view name, std::string_view suffix) {
    const std::size_t slash = name.rfind('/');
    const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
    std::string part{name.substr(0, start)};
    part.append(".").append(name.substr(start, longest_name - suffix.size() - 1)).append(suffix);
    return part;
}

/// Two long names that differ only at their ends must not share it: what is cut off is told by its hash.
std::string name_of_its_own(std::string_view name, std::string_view suffix) {
    const std::size_t slash = name.rfind('/');
    const std::string_view last = name.substr(slash == std::string_view::npos ? 0 : slash + 1);
    if (last.size() + 1 + suffix.size() <= longest_name) return beside(name, suffix);
    std::uint64_t hash = 14695981039346656037u;
    for (const char c : last) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return beside(name, "." + std::to_string(hash) + std::string{suffix});
}

std::string findable_name(std::string_view name) { return name_of_its_own(name, ".leat-part"); }

/// Unlike any other of this process, and very likely of any.
std::string unique_name(std::string_view name) {
    static thread_local std::uint32_t next = std::random_device{}();
    constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
    std::string suffix = ".leat-";
    std::uint32_t number = next++ * 2654435761u;  // neighbours look unlike each other
    for (int i = 0; i < 6; ++i, number >>= 5) suffix += digits[number & 31];
    return beside(name, suffix + ".part");
}

/// Is that the file system's answer to all of them, and not to this one at this moment (out of descriptors, or of space)?
bool never_unnamed(int failed) noexcept { return failed == -EOPNOTSUPP || failed == -EISDIR || failed == -ENOENT || failed == -EINVAL; }

/// Owns what it opened, as long as nobody has taken it: whoever waits for the call may be gone when it returns.
struct opened_directory {
    owned_descriptor descriptor;
    int failed = 0;
    bool local = false;
};

/// In a thread; `noted`: where the files are synced.
int make_noted(const std::shared_ptr<made_directories>& noted, const std::string& path) { return noted ? noted->make(path) : make_directories(path); }

opened_directory make_and_open(const std::shared_ptr<made_directories>& noted, const std::string& path) {
    if (const int failed = make_noted(noted, path); failed != 0) return {{}, failed, false};
    const int fd = open_directory_directly(path.c_str());
    if (fd < 0) return {{}, fd, false};
    return {owned_descriptor{fd}, 0, facts_of(fd).local};
}

/// What came of a try to have a part file of a name.
struct part_opened {
    owned_descriptor descriptor;
    int failed = 0;  // -EWOULDBLOCK: another process writes it
    file_stamp stamp;
};

part_opened create_locked(int directory, const std::string& name, bool replaces) noexcept {
    int fd = create_part_at(directory, name.c_str());
    if (fd == -EEXIST && replaces) {
        // What an earlier run has left and nobody remembers, or what somebody else is writing now.
        owned_descriptor old{open_part_at(directory, name.c_str())};
        if (old.get() >= 0 && lock_now(old.get()) == -EWOULDBLOCK) return {{}, -EWOULDBLOCK, {}};
        if (const int failed = remove_at(directory, name.c_str()); failed != 0 && failed != -ENOENT) return {{}, failed, {}};
        fd = create_part_at(directory, name.c_str());
    }
    if (fd < 0) return {{}, fd, {}};
    part_opened made{owned_descriptor{fd}, 0, stamp_of(fd)};
    if (replaces) lock_now(fd);  // a file system without locks has no protection from a second job
    return made;
}

part_opened create_unnamed(int directory, const std::string& in) noexcept {
    const int fd = create_unnamed_at(directory, in.c_str());
    if (fd < 0) return {{}, fd, {}};
    return {owned_descriptor{fd}, 0, {}};
}

part_opened reopen_locked(int directory, const std::string& name) noexcept {
    const int fd = open_part_at(directory, name.c_str());
    if (fd < 0) return {{}, fd, {}};
    part_opened found{owned_descriptor{fd}, 0, stamp_of(fd)};
    if (lock_now(fd) == -EWOULDBLOCK) found.failed = -EWOULDBLOCK;
    return found;
}

/// A file without a name gets its own at once, unless that is taken: only a rename replaces. The name for that is always the same one, so that what a run that
/// was killed between the two calls has left goes with the next.
int name_or_replace(int fd, int directory, const std::string& to) {
    int failed = name_at(fd, directory, to.c_str());
    if (failed != -EEXIST) return failed;
    const std::string next = name_of_its_own(to, ".leat-new");
    for (int tries = 0; failed == -EEXIST && tries < most_tries; ++tries) {
        failed = name_at(fd, directory, next.c_str());
        if (failed == -EEXIST) {
            remove_at(directory, next.c_str());
        } else if (failed == 0) {
            failed = rename_at(directory, next.c_str(), to.c_str());
            if (failed == -ENOENT) failed = -EEXIST;  // another job that replaces the same file has taken it for left behind
            else if (failed != 0) remove_at(directory, next.c_str());
        }
    }
    return failed;
}

int give_name(int fd, int directory, bool unnamed, const std::string& from, const std::string& to) {
    return unnamed ? name_or_replace(fd, directory, to) : rename_at(directory, from.c_str(), to.c_str());
}

struct given_name {
    int failed = 0;
    const char* doing = nullptr;  // what has failed
    bool named = false;           // even if it failed later
};

/// The directory that a file has got its name in.
int sync_parent(int fd, int directory, const std::string& name) {
    if (name.find('/') == std::string::npos) return sync_directory(directory);
    const owned_descriptor parent{open_directory_at(directory, directory_above(name).c_str())};
    return parent.get() < 0 ? sync_file_system(fd) : sync_directory(parent.get());  // it need not be readable
}

given_name sync_and_name(int fd, int directory, bool unnamed, const std::string& from, const std::string& to, const std::shared_ptr<made_directories>& made, bool sync) {
    if (sync) {
        if (const int failed = sync_data(fd); failed != 0) return {failed, "sync"};
        if (const int failed = made ? made->sync() : 0; failed != 0) return {failed, "sync the directories above"};
    }
    if (const int failed = give_name(fd, directory, unnamed, from, to); failed != 0) return {failed, "rename to"};
    return {sync ? sync_parent(fd, directory, to) : 0, "sync the directory of", true};
}

}  // namespace

target_directory::~target_directory() {
    if (fd_ >= 0) close_without_waiting(fd_, local_);
}

task<> target_directory::prepare(path name, bool sync) {
    name_ = std::move(name);
    if (sync) made_ = std::make_shared<made_directories>();
    if (name_.empty()) name_ = path{"."};
    auto opened = co_await to_thread(make_and_open, made_, name_.string());
    if (opened.failed < 0) throw error(-opened.failed, "make directory", name_.string());
    fd_ = opened.descriptor.release();
    local_ = opened.local;
}

part_file::part_file(const target_directory& in, std::string_view name) : in_(in), name_(name), direct_(in.local() && !name.starts_with('/')) {}

part_file::~part_file() { discard(); }

void part_file::discard() noexcept {
    if (fd_ >= 0) close_without_waiting(std::exchange(fd_, -1), direct_);
    if (std::exchange(exists_, false) && !std::exchange(unnamed_, false)) remove_at(in_.descriptor(), part_.c_str());
}

std::uint64_t part_file::inode() const noexcept { return inode_ != 0 || fd_ < 0 ? inode_ : stamp_of(fd_).inode; }  // few are asked for it

void part_file::appear() noexcept {
    if (!naming_ && unnamed_ && fd_ >= 0 && name_at(fd_, in_.descriptor(), part_.c_str()) == 0) unnamed_ = false;
}

path part_file::full() const { return in_.name() / name_; }

void part_file::fail(const char* operation, int result) const { throw error(-result, operation, full().string()); }

task<> part_file::make_parents() const {
    const std::string parents{full().parent()};
    const int failed = co_await to_thread(make_noted, in_.made(), parents);
    if (failed != 0) throw error(-failed, "make directory", parents);
}

task<> part_file::create(part_naming naming) {
    bool made_parents = false;
    findable_ = naming == part_naming::findable;
    if (!findable_ && in_.unnamed_files) {
        const std::size_t slash = name_.rfind('/');
        const bool here = slash == std::string::npos;
        const std::string parents = here ? "." : name_.substr(0, std::max<std::size_t>(slash, 1));
        int failed = 0;
        for (; fd_ < 0; made_parents = true) {
            part_opened made;
            if (direct_)
                made = create_unnamed(in_.descriptor(), parents);
            else
                made = co_await to_thread(create_unnamed, in_.descriptor(), parents);
            fd_ = made.descriptor.release();
            failed = made.failed;
            if (failed != -ENOENT || made_parents) break;
            co_await make_parents();
        }
        if (fd_ >= 0) {
            part_ = unique_name(name_);
            exists_ = unnamed_ = true;
            if (!direct_) direct_ = facts_of(fd_).local;
            co_return;
        }
        if (here && never_unnamed(failed)) in_.unnamed_files = false;
    }
    for (int tries = 0; fd_ < 0; ++tries) {
        part_ = findable_ ? findable_name(name_) : unique_name(name_);
        part_opened made;
        if (direct_)
            made = create_locked(in_.descriptor(), part_, findable_);
        else
            made = co_await to_thread(create_locked, in_.descriptor(), part_, findable_);
        if (made.failed == 0) {
            fd_ = made.descriptor.release();
            inode_ = made.stamp.inode;
            exists_ = true;
        } else if (made.failed == -ENOENT && !made_parents) {
            made_parents = true;
            co_await make_parents();
        } else if (findable_) {
            findable_ = false;  // it is another's, or something else that cannot be replaced
        } else if (made.failed != -EEXIST || tries >= most_tries) {
            fail("create", made.failed);
        }
    }
    if (!direct_) direct_ = facts_of(fd_).local;
}

task<bool> part_file::reopen(std::string part_name, std::uint64_t inode, std::uint64_t size) {
    part_opened found;
    if (direct_)
        found = reopen_locked(in_.descriptor(), part_name);
    else
        found = co_await to_thread(reopen_locked, in_.descriptor(), part_name);
    if (found.failed != 0 || found.stamp.error != 0 || !found.stamp.regular || found.stamp.inode != inode) co_return false;
    fd_ = found.descriptor.release();
    inode_ = inode;
    part_ = std::move(part_name);
    findable_ = true;
    exists_ = true;
    if (!direct_) direct_ = facts_of(fd_).local;
    co_return found.stamp.size >= size;
}

bool part_file::save_at_once(std::string_view content) {
    if (!direct_ || !in_.unnamed_files) return false;
    fd_ = create_unnamed_at(in_.descriptor());
    if (fd_ < 0) {
        if (never_unnamed(fd_)) in_.unnamed_files = false;
        return false;
    }
    write_all(content);
    const int failed = name_or_replace(fd_, in_.descriptor(), name_);
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

file part_file::writer(std::uint64_t offset) const {
    owned_descriptor fd{duplicate(fd_)};
    if (fd.get() < 0) fail("open", fd.get());
    auto* core = new file_core(fd.get(), full(), {.direct = direct_, .seeks = true, .appends = false});
    fd.release();
    core->move_to(static_cast<std::int64_t>(offset));
    return file{*core};
}

task<> part_file::keep_room(std::uint64_t from, std::uint64_t end) {
    const int failed = co_await to_thread(detail::keep_room, fd_, from, end);
    if (failed != 0) throw error(-failed, "keep room for " + std::to_string(end - from) + " bytes of", full().string());
}

task<> part_file::finish(bool sync) {
    given_name given;
    struct naming {
        explicit naming(bool& b) : busy(b) { busy = true; }
        ~naming() { busy = false; }
        bool& busy;
    } meanwhile{naming_};  // the journal's names are not given to it
    for (bool made_parents = false;; made_parents = true) {
        if (direct_ && !sync)
            given = sync_and_name(fd_, in_.descriptor(), unnamed_, part_, name_, nullptr, false);
        else
            given = co_await to_thread(sync_and_name, fd_, in_.descriptor(), unnamed_, part_, name_, in_.made(), sync);
        if (given.named || given.failed != -ENOENT || made_parents || name_.find('/') == std::string::npos) break;
        co_await make_parents();  // a name that was found later may be in a directory that is not there
    }
    if (given.named) exists_ = unnamed_ = false;
    if (given.failed != 0) fail(given.doing, given.failed);
    const int fd = std::exchange(fd_, -1);
    if (direct_)
        close_directly(fd);
    else
        close_without_waiting(fd, false);
}

}  // namespace leat::detail
