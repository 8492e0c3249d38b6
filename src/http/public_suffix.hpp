#pragma once
#include <string>

namespace leat::detail {

/// Is it a name below which strangers own names: "com", "co.uk", "github.io"? By the list that libpsl was built with.
bool is_public_suffix(std::string name) noexcept;

}  // namespace leat::detail
