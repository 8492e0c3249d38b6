#include "engine/owned_descriptor.hpp"

#include <unistd.h>

namespace leat::detail {

owned_descriptor::~owned_descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace leat::detail
