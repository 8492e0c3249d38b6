#pragma once
#include <cstddef>
#include <string>

namespace leat::detail {

/// A string of this size whose new characters are about to be written by a system call: clearing them first would cost as much as
/// reading a small file.
void resize_uninitialized(std::string& text, std::size_t size);

}  // namespace leat::detail
