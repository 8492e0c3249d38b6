#pragma once
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace leat {

/// A system call that failed, with what was being done and to whom: "connect 127.0.0.1:81: Connection refused (errno 111)".
class error : public std::system_error {
public:
    /// What failed, what was being done, and to whom: the text is "OPERATION SUBJECT: …".
    error(std::error_code code, std::string_view operation, std::string_view subject);
    /// From an errno value.
    error(int errno_value, std::string_view operation, std::string_view subject);

    /// The whole text, without the repetition that std::system_error would append.
    const char* what() const noexcept override { return text_.c_str(); }
    /// What was being done: "read", "connect", "open".
    const std::string& operation() const noexcept { return operation_; }
    /// The peer or the path it was done to.
    const std::string& subject() const noexcept { return subject_; }

private:
    std::string operation_;
    std::string subject_;
    std::string text_;
};

/// Thrown at a suspending await inside a cancelled scope. Deliberately not a std::exception: `catch (const
/// std::exception&)` cannot swallow it. Let it pass; cleanup that must await runs under `leat::shield`.
struct cancelled {};

/// The time given to `leat::timeout` ran out, or one of a library call's own time-outs did.
class timeout_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A line or record was longer than the reader's limit. Nothing is lost: what has arrived stays in the reader, so the
/// caller may read on with a larger limit, or take the piece with `read()`.
class limit_error : public std::runtime_error {
public:
    /// Of an operation on a peer or a path, with the limit in bytes.
    limit_error(std::string_view operation, std::string_view subject, std::size_t limit);
    /// The limit that was exceeded, in bytes.
    std::size_t limit() const noexcept { return limit_; }

private:
    std::size_t limit_;
};

/// The stream ended before what was asked for was complete (asyncio's IncompleteReadError). The bytes that did arrive
/// stay in the reader: `read()` returns them.
class incomplete_read : public std::runtime_error {
public:
    /// Of an operation on a peer or a path, with what was asked for and what is there, in bytes.
    incomplete_read(std::string_view operation, std::string_view subject, std::size_t expected, std::size_t received);
    /// How many bytes were asked for; 0 where a separator was awaited.
    std::size_t expected() const noexcept { return expected_; }
    /// How many bytes are there.
    std::size_t received() const noexcept { return received_; }

private:
    std::size_t expected_;
    std::size_t received_;
};

/// Several children of one scope failed; each error is kept (Python's ExceptionGroup). A sole error is rethrown as itself.
class error_group : public std::exception {
public:
    /// Of several errors, in the order in which they were thrown.
    explicit error_group(std::vector<std::exception_ptr> errors);
    /// How many there are, and the text of each.
    const char* what() const noexcept override { return text_.c_str(); }
    /// All of them, in the order in which they were thrown.
    const std::vector<std::exception_ptr>& errors() const noexcept { return errors_; }

private:
    std::vector<std::exception_ptr> errors_;
    std::string text_;
};

/// The text of any exception: what() for a std::exception, "cancelled", or "unknown exception".
std::string describe(const std::exception_ptr& error);

}  // namespace leat
