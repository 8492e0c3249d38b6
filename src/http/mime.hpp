#pragma once

#include <string_view>

namespace leat::http {

/// The content type for a file name by its extension, without regard to case; "application/octet-stream" for those
/// that are not known. Texts come with charset=utf-8.
std::string_view mime_type(std::string_view file_name) noexcept;

}  // namespace leat::http
