#pragma once
#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>

namespace leat::detail {

/// What nghttp2 calls, with the session as the user's data. Made once; no exception passes through them.
const nghttp2_session_callbacks* http2_session_callbacks();
/// Asks a stream for the next piece of its request's body.
std::ptrdiff_t http2_read_body(nghttp2_session* frames, std::int32_t id, std::uint8_t* into, std::size_t most, std::uint32_t* flags, nghttp2_data_source* source, void* user);

}  // namespace leat::detail
