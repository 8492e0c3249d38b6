#pragma once

#include <string>
#include <string_view>

namespace leat {

/// The text as it may be shown on a terminal or written to a log: each control character (C0, DEL, C1), each byte that
/// is not valid UTF-8, and each character that reorders or breaks lines (bidirectional overrides, U+2028, U+2029)
/// becomes U+FFFD.
///
/// File names, URLs, header fields and status lines come from strangers: printed raw they could move the cursor, set
/// the window's title or make "gpj.exe" read as "exe.jpg".
std::string printable(std::string_view text);

/// The same, cut to about `limit` bytes at a character's boundary, with "…" where something was left out.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace leat
