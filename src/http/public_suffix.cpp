#include "http/public_suffix.hpp"

#include <libpsl.h>

namespace leat::detail {

bool is_public_suffix(std::string name) noexcept {
    // "co.uk." is the same place, of which libpsl knows nothing.
    while (name.ends_with('.')) name.pop_back();
    const psl_ctx_t* list = psl_builtin();
    // Without a list a name of one label is all that can be told.
    if (!list) return name.find('.') == std::string::npos;
    return psl_is_public_suffix(list, name.c_str()) == 1;
}

}  // namespace leat::detail
