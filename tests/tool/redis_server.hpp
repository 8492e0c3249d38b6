#pragma once
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/temporary.hpp"

namespace leat::testing {

/// A redis-server of the test's own, in a directory of its own, on a unix socket; it keeps nothing on disk.
class redis_server {
public:
    explicit redis_server(std::vector<std::string> more = {}) : more_(std::move(more)) { start(); }
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;
    ~redis_server() { stop(); }

    static bool installed() { return ::access("/usr/bin/redis-server", X_OK) == 0; }

    /// Starts it again, empty.
    void start() {
        std::vector<std::string> words{"redis-server", "--port", "0", "--unixsocket", socket(), "--save", "", "--appendonly", "no", "--dir", place_.string()};
        words.insert(words.end(), more_.begin(), more_.end());
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        int out[2];
        if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        const int failed = ::posix_spawn(&pid_, "/usr/bin/redis-server", &actions, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(out[1]);
        std::string said;
        char piece[4096];
        // It says when it is ready; what it says later it says to nobody.
        while (!failed && said.find("eady to accept connections") == std::string::npos) {
            const ssize_t n = ::read(out[0], piece, sizeof piece);
            if (n <= 0) break;
            said.append(piece, static_cast<std::size_t>(n));
        }
        ::close(out[0]);
        if (said.find("eady to accept connections") == std::string::npos) throw std::runtime_error("redis-server does not start: " + said);
    }
    void stop() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

    std::string socket() const { return place_ / "redis.sock"; }
    std::string url() const { return "unix://" + socket(); }

private:
    temporary_directory place_;
    std::vector<std::string> more_;
    pid_t pid_ = 0;
};

}  // namespace leat::testing
