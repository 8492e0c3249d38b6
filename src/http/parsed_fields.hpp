#pragma once
#include <string_view>

#include "leat/http/headers.hpp"

namespace leat::http {

/// The friend of http::headers: what a parser has checked already need not be looked at twice.
struct parsed_fields {
    static void append(headers& to, std::string_view name, std::string_view value) { to.append(name, value); }
};

}  // namespace leat::http
