// Compiled as C++23, alone: the standard library offers this from there on.
#include "io/uninitialized.hpp"

namespace leat::detail {

void resize_uninitialized(std::string& text, std::size_t size) {
#ifdef __cpp_lib_string_resize_and_overwrite
    // Not the count that it hands over: g++ 12's is what was allocated, which may be more.
    text.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
#else
    text.resize(size);
#endif
}

}  // namespace leat::detail
