#pragma once
#include <cstdint>
#include <string_view>

namespace leat {

/// Where a child's standard input, output or error goes. Trivial, so that it may stand in an option struct.
class stdio {
public:
    /// Which of them it is.
    enum class kind : std::uint8_t { inherit, pipe, null, to_output, descriptor, read_file, write_file, append_file };

    /// What this program has there (Python's None).
    static const stdio inherit;
    /// A stream of the process object (subprocess.PIPE).
    static const stdio pipe;
    /// /dev/null (subprocess.DEVNULL).
    static const stdio null;
    /// For standard error: where standard output goes (subprocess.STDOUT).
    static const stdio to_output;

    /// An open descriptor, which stays the caller's and must be open until the await returns.
    static constexpr stdio descriptor(int fd) noexcept { return {kind::descriptor, fd, {}}; }
    /// A file, as the shell's <, > and >> open it.
    static constexpr stdio from_file(std::string_view path) noexcept { return {kind::read_file, -1, path}; }
    /// The same for writing: created or cut to nothing.
    static constexpr stdio to_file(std::string_view path) noexcept { return {kind::write_file, -1, path}; }
    /// The same for appending.
    static constexpr stdio append_to_file(std::string_view path) noexcept { return {kind::append_file, -1, path}; }

    /// Which kind it is.
    constexpr kind what() const noexcept { return what_; }
    /// The descriptor; -1 for other kinds.
    constexpr int fd() const noexcept { return fd_; }
    /// The file's name; empty for other kinds.
    constexpr std::string_view path() const noexcept { return path_; }

private:
    constexpr stdio(kind what, int fd, std::string_view path) noexcept : what_(what), fd_(fd), path_(path) {}
    kind what_;
    int fd_;
    std::string_view path_;
};

inline constexpr stdio stdio::inherit{kind::inherit, -1, {}};
inline constexpr stdio stdio::pipe{kind::pipe, -1, {}};
inline constexpr stdio stdio::null{kind::null, -1, {}};
inline constexpr stdio stdio::to_output{kind::to_output, -1, {}};

}  // namespace leat
