#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/content_decoder.hpp"

namespace leat::detail {

/// The most that one next() gives.
inline constexpr std::size_t longest_content_piece = 64 * 1024;

/// RFC 1952, several members one behind the other included; zeros may follow, as from a tape.
std::unique_ptr<content_decoder> make_gzip_decoder();
/// RFC 1950, or RFC 1951 without a frame, which some servers mean by the same name.
std::unique_ptr<content_decoder> make_deflate_decoder();
/// RFC 7932. Its window has at most 16 MiB.
std::unique_ptr<content_decoder> make_brotli_decoder();
/// RFC 8878, several frames included, with a window of at most 8 MiB (RFC 9659).
std::unique_ptr<content_decoder> make_zstd_decoder();

/// Throws http::protocol_error that names the coding.
[[noreturn]] void throw_damaged(std::string_view coding, std::string_view why);
/// Throws http::truncated_error that names the coding. `given`: bytes of content so far.
[[noreturn]] void throw_cut_short(std::string_view coding, std::uint64_t given);

}  // namespace leat::detail
