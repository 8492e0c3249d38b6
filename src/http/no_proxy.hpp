#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/network_list.hpp"

namespace leat::detail {

/// Hosts that are spoken to without a proxy: "example.org, .example.net, 10.0.0.0/8, [::1]:8080, host:8080" or "*". A name stands for those below it,
/// too. What makes no sense matches nothing.
class no_proxy_list {
public:
    no_proxy_list() = default;
    explicit no_proxy_list(std::string_view text);
    bool contains(std::string_view host, std::uint16_t port) const;

private:
    struct entry {
        std::string name;        // lower case, without a dot in front; empty: the network
        network_list network;
        std::uint16_t port = 0;  // 0: each
    };
    std::vector<entry> entries_;
    bool all_ = false;
};

}  // namespace leat::detail
