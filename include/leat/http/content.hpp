#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "leat/io/path.hpp"
#include "leat/task/task.hpp"

namespace leat {
class stream_reader;
}

namespace leat::http {

/// The body of a request, read piece by piece as it is sent, so that it need not fit into memory. Make one with the functions below, or derive from it.
///
/// One request at a time reads it. It is sent with a Content-Length where size() knows it, chunked otherwise (by DATA frames over HTTP/2).
class content {
public:
    virtual ~content() = default;
    /// The bytes it will give; nothing: unknown.
    virtual std::optional<std::uint64_t> size() const = 0;
    /// The next piece, valid until the next call; nullopt at the end.
    /// Completes when: a piece is there. Errors: as the source has them. Cancellation: as the source.
    virtual task<std::optional<std::string_view>> read() = 0;
    /// Goes back to the beginning, for a redirect, a challenge or a retry. False: it cannot, and the request fails where it would have to.
    virtual bool rewind() = 0;
    /// The Content-Type that it is sent with unless the request has one; empty: none.
    virtual std::string_view type() const { return {}; }
};

}  // namespace leat::http
