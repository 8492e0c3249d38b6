// Compiled as C++23, alone: the standard library offers this from there on.
#include "io/uninitialized.hpp"

namespace leat::detail {

void resize_uninitialized(std::string& text, std::size_t size) {
#ifdef __cpp_lib_string_resize_and_overwrite
    text.resize_and_overwrite(size, [](char*, std::size_t count) { return count; });
#else
    text.resize(size);
#endif
}

}  // namespace leat::detail
