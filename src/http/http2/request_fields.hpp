#pragma once
#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/request_writer.hpp"

namespace leat::detail {

/// A request's head as nghttp2 takes it: pseudo fields first, names in lower case, and nothing that is meant for an HTTP/1.1 connection alone.
/// The same fields that write_request_head() writes. Kept for the next one, so that it costs no allocation.
class http2_request_fields {
public:
    /// Valid until the next call, and as long as what `head` points at.
    const std::vector<nghttp2_nv>& from(const http::request_head& head, std::string_view scheme);

private:
    void add(std::string_view name, std::string_view value);
    void add_lowered(std::string_view name, std::string_view value);
    void add_all(const http::headers& fields, const http::request_head& head, bool added);

    std::vector<nghttp2_nv> fields_;
    std::string names_;
    std::string number_;
    std::string host_;
};

}  // namespace leat::detail
