#pragma once
#include <string_view>
#include <vector>

#include "leat/net/address.hpp"

namespace leat::detail {

/// Addresses and networks: "10.0.0.0/8, ::1, unix". Throws std::invalid_argument for what is none. An IPv4 address in IPv6 dress
/// (::ffff:10.0.0.1) counts as what it is.
class network_list {
public:
    network_list() = default;
    explicit network_list(std::string_view text);
    bool empty() const noexcept { return networks_.empty() && !unix_; }
    bool contains(const address& one) const noexcept;

private:
    struct network {
        std::array<std::uint8_t, 16> bytes;  // as IPv6
        unsigned bits;
    };
    std::vector<network> networks_;
    bool unix_ = false;
};

}  // namespace leat::detail
