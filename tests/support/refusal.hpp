#pragma once
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <string_view>

namespace leat::testing {

inline int errno_named(std::string_view name) {
    return name == "EPERM" ? EPERM : name == "ENOSYS" ? ENOSYS : name == "ENOMEM" ? ENOMEM : 0;
}

/// From now on the io_uring system calls of this process and of what it executes fail with an errno value; which: "setup", "enter", "register" or
/// "all". A seccomp filter in plain BPF. False where seccomp itself is refused.
inline bool refuse_uring(int with, std::string_view which) {
    // A call that is not to be refused is compared with a number that no system call has.
    constexpr unsigned none = 0xffffffff;
    const bool all = which == "all";
    const unsigned setup = all || which == "setup" ? SYS_io_uring_setup : none;
    const unsigned enter = all || which == "enter" ? SYS_io_uring_enter : none;
    const unsigned registers = all || which == "register" ? SYS_io_uring_register : none;
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, setup, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, enter, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, registers, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(with)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog filter{sizeof rules / sizeof rules[0], rules};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace leat::testing
