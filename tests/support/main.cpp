// main() of every GoogleTest program here: a test that leaves a descriptor open has failed.
//
// Not the test's, and closed here before the comparison: the log's file (log::setup), the pipes that a thread keeps for splices, the ports that are
// kept free (support/free_port.hpp). What closes by
// itself within a second has not been left: the pool's threads and the log's may be in the middle of something when a test ends.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>

#include "engine/splice.hpp"
#include "leat/log/log.hpp"
#include "support/free_port.hpp"

namespace {

/// The open descriptors and what they are: a file's path, "socket:[123]", "anon_inode:[eventpoll]".
std::map<int, std::string> open_descriptors() {
    std::map<int, std::string> all;
    DIR* folder = ::opendir("/proc/self/fd");
    if (!folder) return all;
    while (const dirent* entry = ::readdir(folder)) {
        const int descriptor = std::atoi(entry->d_name);
        if (entry->d_name[0] == '.' || descriptor == ::dirfd(folder)) continue;
        char target[512];
        const ssize_t size = ::readlinkat(::dirfd(folder), entry->d_name, target, sizeof target);
        if (size >= 0) all.emplace(descriptor, std::string(target, static_cast<std::size_t>(size)));
    }
    ::closedir(folder);
    return all;
}

class descriptor_check : public testing::EmptyTestEventListener {
    void OnTestStart(const testing::TestInfo&) override {
        leat::detail::splice_pipe::close_kept();
        // Twice alike: what another thread opens for a moment is not there to stay.
        for (before_ = open_descriptors();; wait_a_moment()) {
            auto again = open_descriptors();
            if (again == before_) break;
            before_ = std::move(again);
        }
    }
    void OnTestEnd(const testing::TestInfo&) override {
        leat::detail::splice_pipe::close_kept();
        leat::testing::release_ports();
        std::string left = left_since();
        if (left.find(" -> /") != std::string::npos) close_the_logs_file();
        for (int i = 0; i < 100 && !left.empty(); ++i) {
            wait_a_moment();
            left = left_since();
        }
        if (!left.empty()) ADD_FAILURE() << "descriptors:" << left;
    }
    /// The log's thread keeps its file until there is something to be written elsewhere.
    static void close_the_logs_file() {
        ::unsetenv("LEAT_LOG_FILE");
        leat::log::setup({.level = leat::log::level::info, .console = false});
        leat::log::info("to nowhere");
        leat::log::flush(std::chrono::seconds{1});
        leat::log::setup();
    }
    static void wait_a_moment() {
        const timespec moment{.tv_sec = 0, .tv_nsec = 10'000'000};
        ::nanosleep(&moment, nullptr);  // check-idioms: allow sleep, nothing tells when a thread that is no part of the test closes something
    }
    std::string left_since() const {
        const auto after = open_descriptors();
        std::string left;
        for (const auto& [descriptor, target] : after) {
            const auto known = before_.find(descriptor);
            if (known == before_.end()) left += "\n  the test left " + std::to_string(descriptor) + " -> " + target;
        }
        for (const auto& [descriptor, target] : before_) {
            const auto known = after.find(descriptor);
            if (known == after.end() || known->second != target)
                left += "\n  the test closed what was not its own: " + std::to_string(descriptor) + " -> " + target;
        }
        return left;
    }
    std::map<int, std::string> before_;
};

}  // namespace

int main(int count, char** words) {
    ::tzset();  // or the log's thread reads the time zone's file with its first message, just when a test counts its descriptors
    testing::InitGoogleMock(&count, words);
    testing::UnitTest::GetInstance()->listeners().Append(new descriptor_check);
    return RUN_ALL_TESTS();
}
