#include "engine/unix_socket.hpp"

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "engine/socket.hpp"
#include "leat/io/error.hpp"

namespace leat::detail {
namespace {

bool is_file(const address& at) noexcept { return at.is_unix() && !at.unix_name().empty() && at.unix_name().front() != '\0'; }

/// The path as system calls want it. Without memory of its own: a server's end must not fail for want of it.
class path_of {
public:
    explicit path_of(const address& at) noexcept {
        const std::string_view name = at.unix_name();
        name.copy(text_, name.size());
    }
    const char* c_str() const noexcept { return text_; }

private:
    char text_[address::most_name + 1] = {};
};

enum class other : unsigned char {
    none,     // nothing stands there, or no socket
    stale,    // nobody listens
    dying,    // whoever called listen() is gone; perhaps a child has the socket, perhaps it is about to be closed
    living,
};

/// What stands at the path. `found` is what was looked at.
other look_at(const address& at, struct stat& found) noexcept {
    if (::lstat(path_of{at}.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return other::none;
    const int probe = open_stream_socket(at);
    if (probe < 0) return other::living;
    const int answer = connect_now(probe, at);
    unix_credentials listener{};
    const bool gone = answer == 0 && credentials_of(probe, listener) == 0 && listener.process > 0 && ::kill(listener.process, 0) != 0 && errno == ESRCH;
    ::close(probe);
    return answer == ECONNREFUSED ? other::stale : gone ? other::dying : other::living;
}

/// Takes the stale file away, if it is still the one that was looked at.
void remove_stale(const address& at, const struct stat& seen) noexcept {
    struct stat now {};
    const path_of path{at};
    if (::lstat(path.c_str(), &now) == 0 && now.st_dev == seen.st_dev && now.st_ino == seen.st_ino) ::unlink(path.c_str());
}

}  // namespace

socket_file::socket_file(const address& at) noexcept {
    struct stat found {};
    if (!is_file(at) || ::lstat(path_of{at}.c_str(), &found) != 0) return;
    at_ = at;
    device_ = found.st_dev;
    inode_ = found.st_ino;
}

void socket_file::remove() noexcept {
    if (at_.empty()) return;
    struct stat found {};
    const path_of path{std::exchange(at_, {})};
    if (::lstat(path.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_) ::unlink(path.c_str());
}

unix_listener listen_on_unix(const address& at, int backlog, unsigned mode, bool patient) {
    unix_listener made{open_stream_socket(at), {}};
    if (made.descriptor < 0) throw error(-made.descriptor, "listen", at.to_string());
    // The file is made with the socket's own mode less the umask: never for a moment more open than it will be.
    if (mode != 0 && is_file(at)) ::fchmod(made.descriptor, mode);
    int failed = bind_to(made.descriptor, at);
    struct stat stale {};
    if (failed == EADDRINUSE && is_file(at)) {
        const other there = look_at(at, stale);
        if (there == other::dying && patient) {
            ::close(made.descriptor);
            return {-EAGAIN, {}};
        }
        if (there == other::stale) {
            remove_stale(at, stale);
            failed = bind_to(made.descriptor, at);
        }
    }
    if (failed == 0) {
        made.file = socket_file{at};
        if (mode != 0 && is_file(at) && ::chmod(path_of{at}.c_str(), mode) != 0) failed = errno;  // what the umask took away
        if (failed == 0 && ::listen(made.descriptor, backlog) != 0) failed = errno;
    }
    if (failed != 0) {
        ::close(made.descriptor);
        throw error(failed, "listen", at.to_string());
    }
    return made;
}

int connect_to_unix(const address& to) noexcept {
    const int fd = open_stream_socket(to);
    if (fd < 0) return fd;
    const int failed = connect_now(fd, to);
    if (failed == 0) return fd;
    ::close(fd);
    return -failed;
}

int make_unix_pair(int (&made)[2]) noexcept { return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, made) == 0 ? 0 : errno; }

int credentials_of(int fd, unix_credentials& found) noexcept {
    int domain = 0;
    socklen_t length = sizeof domain;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) != 0) return errno;
    if (domain != AF_UNIX) return ENOTSUP;
    ucred peer{};
    length = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return errno;
    found = {peer.pid, peer.uid, peer.gid};
    return 0;
}

}  // namespace leat::detail
