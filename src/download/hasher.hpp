#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "leat/http/headers.hpp"

namespace leat::detail {

/// A checksum that a file has to have.
struct expected_digest {
    std::string algorithm;  // as OpenSSL calls it: "sha256"
    std::string value;      // raw bytes
    /// "sha256:1f…"
    std::string to_string() const;
    /// "sha256:HEX", "sha-256=HEX" and the like, in any case; a bare hex string by its length. Throws std::invalid_argument that names the text.
    static expected_digest parse(std::string_view text);
    /// The strongest digest of a Repr-Digest field that is known here; nothing if there is none, or it is malformed (RFC 9530).
    static std::optional<expected_digest> of_field(std::string_view repr_digest);
};

/// Hashes bytes in order (OpenSSL).
class hasher {
public:
    explicit hasher(const std::string& algorithm);
    hasher(hasher&&) noexcept;
    hasher& operator=(hasher&&) noexcept;
    ~hasher();
    void add(std::string_view bytes) noexcept;
    std::uint64_t count() const noexcept { return count_; }
    /// The raw digest. Once.
    std::string finish();

private:
    void* context_;
    std::uint64_t count_ = 0;
};

}  // namespace leat::detail
