#include "download/statement.hpp"

#include <sqlite3.h>

namespace leat::detail {

void throw_failure(sqlite3* connection, int code) {
    throw sqlite_failure{connection ? sqlite3_extended_errcode(connection) : code, connection ? sqlite3_system_errno(connection) : 0};
}

statement::statement(sqlite3* connection, std::string_view sql) {
    const int code = sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
    if (code != SQLITE_OK) throw_failure(connection, code);
}

statement::~statement() { sqlite3_finalize(handle_); }

void statement::check(int code) const {
    if (code != SQLITE_OK) throw_failure(sqlite3_db_handle(handle_), code);
}

statement& statement::put(int at, std::int64_t value) {
    check(sqlite3_bind_int64(handle_, at, value));
    return *this;
}

// A null pointer would be NULL, also for text of no length.
statement& statement::put(int at, std::string_view text) {
    check(sqlite3_bind_text64(handle_, at, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
    return *this;
}

statement& statement::put_blob(int at, std::string_view bytes) {
    check(sqlite3_bind_blob64(handle_, at, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC));
    return *this;
}

statement& statement::put_nothing(int at) {
    check(sqlite3_bind_null(handle_, at));
    return *this;
}

bool statement::step() {
    const int code = sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) {
        sqlite3* const connection = sqlite3_db_handle(handle_);
        const sqlite_failure failed{sqlite3_extended_errcode(connection), sqlite3_system_errno(connection)};
        sqlite3_reset(handle_);
        throw failed;
    }
    sqlite3_reset(handle_);
    return false;
}

void statement::run() {
    while (step()) {
    }
    sqlite3_clear_bindings(handle_);
}

bool statement::is_null(int column) const noexcept { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

std::int64_t statement::number(int column) const noexcept { return sqlite3_column_int64(handle_, column); }

std::string_view statement::bytes(int column) const noexcept {
    const void* const data = sqlite3_column_blob(handle_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
    return data ? std::string_view{static_cast<const char*>(data), size} : std::string_view{};
}

}  // namespace leat::detail
