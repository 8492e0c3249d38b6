#pragma once
#include <cstdint>
#include <string_view>

#include "download/file_work.hpp"
#include "leat/task/task.hpp"

namespace leat::detail {

/// Hashes a part file behind its writers, in a thread, as far as its bytes are there in order, until less than `enough` is left. Throws leat::error.
task<> hash_behind(file_data& data, std::uint64_t enough);
/// Hashes the rest and compares. Throws download_failure (checksum), or leat::error.
task<> verify_file(file_data& data);
/// The last step alone, for bytes that were hashed as they came.
void verify_hashed(digest_check& check);
/// The same for content that is at hand.
void verify_content(std::string_view content, const expected_digest& expected);

}  // namespace leat::detail
