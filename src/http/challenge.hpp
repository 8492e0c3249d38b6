#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leat::detail {

/// One way in which a server or a proxy offers to be told who asks.
struct auth_challenge {
    std::string scheme;   // lower case
    std::string token68;  // some schemes have this instead of parameters
    std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case, values without quotes

    std::optional<std::string_view> get(std::string_view name) const noexcept;
};

/// Appends the challenges of one WWW-Authenticate or Proxy-Authenticate field, of which there may be several with commas between them. At what makes
/// no sense it stops; what came before stands. At most 32.
void parse_challenges(std::string_view field, std::vector<auth_challenge>& into);

}  // namespace leat::detail
