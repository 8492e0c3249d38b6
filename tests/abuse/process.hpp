#pragma once
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace leat::testing {

// The sanitizers' own memory is no measure.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool measured = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool measured = false;
#else
inline constexpr bool measured = true;
#endif
#else
inline constexpr bool measured = true;
#endif

/// Bytes of memory that a process really has (VmRSS, or with "RssAnon" without its code); this one's without a number.
inline std::size_t memory_of(int process = 0, const char* what = "RssAnon:") {
    const std::string path = "/proc/" + (process ? std::to_string(process) : std::string{"self"}) + "/status";
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (!file) return 0;
    char line[256];
    std::size_t kilobytes = 0;
    while (std::fgets(line, sizeof line, file)) {
        const std::string text = line;
        if (text.starts_with(what)) kilobytes = std::stoul(text.substr(std::string{what}.size()));
    }
    std::fclose(file);
    return kilobytes * 1024;
}

/// Sends what fits without waiting; how much that was.
inline std::size_t send_what_fits(int fd, const std::string& block, std::size_t most) {
    std::size_t sent = 0;
    while (sent < most) {
        const auto n = ::send(fd, block.data(), block.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
    }
    return sent;
}

}  // namespace leat::testing
