#include "http/content_decoder.hpp"

namespace leat::detail {

std::unique_ptr<content_decoder> content_decoder::for_codings(std::string_view) { return nullptr; }

std::string_view accepted_codings() noexcept { return "identity"; }

}  // namespace leat::detail
