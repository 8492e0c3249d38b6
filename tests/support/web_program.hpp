#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/free_port.hpp"
#include "support/temporary.hpp"

namespace leat::testing {

/// A server that is a program of its own and cannot be asked which port it has chosen: it gets a free one. Ended by its destructor.
class web_program {
public:
    /// In the words, "{port}" stands for the port.
    explicit web_program(const std::vector<std::string>& command) {
        for (int attempt = 0; attempt < 5; ++attempt)
            if (start(command)) return;
        throw std::runtime_error("cannot start " + command[0]);
    }
    ~web_program() { stop(); }
    web_program(const web_program&) = delete;

    /// nginx, of one process, that serves the folder. `listen`: what it listens for ("ssl http2"); `more`: for its server block.
    static std::vector<std::string> nginx(const std::string& folder, const std::string& listen, const std::string& more) {
        const std::string configuration = folder + "/nginx.conf.in";
        std::ofstream(configuration) << "worker_processes 1; daemon off; master_process off; error_log " << folder << "/error.log; pid " << folder << "/pid;\n"
                                     << "events { worker_connections 512; }\nhttp { access_log off; default_type application/octet-stream;\n"
                                     << "client_body_temp_path " << folder << "/t1; proxy_temp_path " << folder << "/t2; fastcgi_temp_path " << folder << "/t3; uwsgi_temp_path " << folder
                                     << "/t4; scgi_temp_path " << folder << "/t5;\nserver { listen 127.0.0.1:{port} " << listen << "; root " << folder << ";\n"
                                     << more << "\n} }\n";
        return {"sh", "-c", "sed s/{port}/$1/ " + configuration + " > " + folder + "/nginx.conf && exec nginx -p " + folder + " -e " + folder + "/error.log -c " + folder + "/nginx.conf", "sh",
                "{port}"};
    }

    std::uint16_t port() const noexcept { return port_; }

private:
    bool start(const std::vector<std::string>& command) {
        port_ = free_port();
        std::vector<std::string> filled = command;
        for (std::string& word : filled)
            if (word == "{port}") word = std::to_string(port_);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            const int nowhere = ::open("/dev/null", O_RDWR);
            for (int fd : {0, 1, 2}) ::dup2(nowhere, fd);
            std::vector<char*> words;
            for (std::string& word : filled) words.push_back(word.data());
            words.push_back(nullptr);
            ::setenv("PATH", (std::string{::getenv("PATH") ? ::getenv("PATH") : ""} + ":/usr/sbin:/usr/bin:/bin").c_str(), 1);
            ::execvp(words[0], words.data());
            ::_exit(127);
        }
        if (pid_ > 0 && runs_until_it_listens()) return true;
        stop();
        return false;
    }

    /// The kernel tells: the program is stopped at each call of its own until listen() has succeeded, and then let go.
    bool runs_until_it_listens() {
        int status = 0;
        if (::waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) return ended();
        ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC);
        for (int signal = 0;;) {
            if (::ptrace(PTRACE_SYSCALL, pid_, nullptr, signal) != 0 || ::waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) return ended();
            const bool at_a_call = WSTOPSIG(status) == (SIGTRAP | 0x80);
            const bool after_exec = status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
            signal = at_a_call || after_exec ? 0 : WSTOPSIG(status);
            if (at_a_call && has_listened()) return ::ptrace(PTRACE_DETACH, pid_, nullptr, nullptr) == 0;
        }
    }
    /// At the end of a call that made it listen?
    bool has_listened() {
        __ptrace_syscall_info call{};
        if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof call, &call) <= 0) return false;
        if (call.op == PTRACE_SYSCALL_INFO_ENTRY) call_ = call.entry.nr;
        return call.op == PTRACE_SYSCALL_INFO_EXIT && call_ == SYS_listen && call.exit.rval == 0;
    }
    bool ended() {
        pid_ = -1;
        return false;
    }
    void stop() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

    pid_t pid_ = -1;
    std::uint64_t call_ = 0;  // the one that it is in
    std::uint16_t port_ = 0;
};

}  // namespace leat::testing
