#pragma once
#include <cstdint>
#include <utility>

#include "leat/net/address.hpp"

namespace leat::detail {

/// A socket file that is ours: the directory entry goes with it, unless somebody else has put another file there.
class socket_file {
public:
    socket_file() = default;
    /// What stands at the path now.
    explicit socket_file(const address& at) noexcept;
    socket_file(socket_file&& other) noexcept : at_(std::exchange(other.at_, {})), device_(other.device_), inode_(other.inode_) {}
    socket_file& operator=(socket_file&& other) noexcept {
        if (this != &other) {
            remove();
            at_ = std::exchange(other.at_, {});
            device_ = other.device_;
            inode_ = other.inode_;
        }
        return *this;
    }
    ~socket_file() { remove(); }
    /// Direct calls: an unlink of an entry in memory, once in a server's life.
    void remove() noexcept;

private:
    address at_;
    std::uint64_t device_ = 0;
    std::uint64_t inode_ = 0;
};

/// A unix socket that listens.
struct unix_listener {
    int descriptor = -1;
    socket_file file;  // of none if the name is abstract
};
/// `mode` 0: as the umask says. Throws leat::error; a file without a listener is replaced. A descriptor of -EAGAIN: the process that listened is
/// gone, but the kernel has not yet closed its socket (that of an io_uring is closed some milliseconds later); `patient` asks for that answer.
unix_listener listen_on_unix(const address& at, int backlog, unsigned mode, bool patient);

/// A datagram socket with this name. Throws leat::error; a file of a socket that is gone is replaced.
unix_listener bind_unix_datagrams(const address& at);

/// A connected socket, or -errno. -EAGAIN: the server's queue is full, and nothing tells when it no longer is.
int connect_to_unix(const address& to) noexcept;
/// Two sockets connected with each other. 0, or an errno value.
int make_unix_pair(int (&made)[2]) noexcept;

struct unix_credentials {
    int process;
    unsigned user;
    unsigned group;
};
/// 0, or an errno value.
int credentials_of(int fd, unix_credentials& found) noexcept;

}  // namespace leat::detail
