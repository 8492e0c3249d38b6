#pragma once
#include <cstring>
#include <new>
#include <utility>

#include "leat/net/address.hpp"

namespace leat::detail {

/// Who is at the other end of a connection, in 24 bytes, since each idle connection has one: an IP address as it is; a unix socket's name, and
/// the two addresses of a connection through a proxy, on the heap.
class peer_name {
    struct names {
        address peer;
        address proxy;
    };

public:
    explicit peer_name(const address& peer, const address& proxy = {}) noexcept
        : scope_(peer.scope()), port_(peer.port()), kind_(peer.kind()) {
        if (kind_ != address::family::unix_socket && proxy.empty()) {
            std::memcpy(storage_, peer.raw().data(), sizeof storage_);
            return;
        }
        // Without memory for a name there is none; the connection is not worse for it.
        auto* kept = new (std::nothrow) names{peer, proxy};
        elsewhere_ = kept != nullptr;
        kind_ = address::family::none;
        std::memcpy(storage_, &kept, sizeof kept);
    }
    peer_name(peer_name&& other) noexcept : scope_(other.scope_), port_(other.port_), kind_(other.kind_), elsewhere_(std::exchange(other.elsewhere_, false)) {
        std::memcpy(storage_, other.storage_, sizeof storage_);
    }
    peer_name& operator=(peer_name&& other) noexcept {
        std::swap(scope_, other.scope_);
        std::swap(port_, other.port_);
        std::swap(kind_, other.kind_);
        std::swap(elsewhere_, other.elsewhere_);
        std::swap(storage_, other.storage_);
        return *this;
    }
    ~peer_name() {
        if (elsewhere_) delete kept();
    }

    address peer() const noexcept {
        if (elsewhere_) return kept()->peer;
        if (kind_ == address::family::none) return {};
        std::array<std::uint8_t, 16> bytes;
        std::memcpy(bytes.data(), storage_, sizeof storage_);
        return {kind_, bytes, port_, scope_};
    }
    address proxy() const noexcept { return elsewhere_ ? kept()->proxy : address{}; }

private:
    names* kept() const noexcept {
        names* found;
        std::memcpy(&found, storage_, sizeof found);
        return found;
    }
    unsigned char storage_[16] = {};
    std::uint32_t scope_ = 0;
    std::uint16_t port_ = 0;
    address::family kind_;
    bool elsewhere_ = false;
};

static_assert(sizeof(peer_name) <= 24);

}  // namespace leat::detail
