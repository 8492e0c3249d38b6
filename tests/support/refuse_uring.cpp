// Runs a program in which io_uring's system calls fail, as a container's seccomp profile makes them:
//     refuse_uring EPERM|ENOSYS|ENOMEM setup|enter|register|all PROGRAM [ARGUMENT...]
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "support/refusal.hpp"

int main(int argc, char** argv) {
    const int with = argc > 3 ? leat::testing::errno_named(argv[1]) : 0;
    if (with == 0) {
        std::fprintf(stderr, "usage: refuse_uring EPERM|ENOSYS|ENOMEM setup|enter|register|all PROGRAM [ARGUMENT...]\n");
        return 64;
    }
    if (!leat::testing::refuse_uring(with, argv[2])) {
        std::perror("refuse_uring: seccomp");
        return 77;
    }
    ::execvp(argv[3], argv + 3);
    std::perror(argv[3]);
    return 127;
}
