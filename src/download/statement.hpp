#pragma once
#include <cstdint>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace leat::detail {

/// A call of SQLite's that failed; never leaves the journal's store.
struct sqlite_failure {
    int code;        // extended
    int error_code;  // errno, where the system was what failed
};
[[noreturn]] void throw_failure(sqlite3* connection, int code);

/// A prepared statement of SQLite's. What is put has to live until it has been stepped to its end.
class statement {
public:
    statement() = default;
    statement(sqlite3* connection, std::string_view sql);
    statement(statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    statement& operator=(statement&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~statement();

    statement& put(int at, std::int64_t value);
    statement& put(int at, std::string_view text);
    statement& put_blob(int at, std::string_view bytes);
    statement& put_nothing(int at);
    /// Is there a row?
    bool step();
    /// Steps to the end; then it can be given other values and run again.
    void run();
    bool is_null(int column) const noexcept;
    std::int64_t number(int column) const noexcept;
    /// Text or a blob. Valid until the next step.
    std::string_view bytes(int column) const noexcept;

private:
    void check(int code) const;
    sqlite3_stmt* handle_ = nullptr;
};

}  // namespace leat::detail
