#include "http/public_suffix.hpp"

#include <libpsl.h>

namespace leat::detail {

bool is_public_suffix(const std::string& name) noexcept {
    const psl_ctx_t* list = psl_builtin();
    // Without a list a name of one label is all that can be told.
    if (!list) return name.find('.') == std::string::npos;
    return psl_is_public_suffix(list, name.c_str()) == 1;
}

}  // namespace leat::detail
