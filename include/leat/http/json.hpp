#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "leat/http/response.hpp"
#include "leat/io/bytes.hpp"
#include "leat/task/task.hpp"

/// JSON over HTTP, with nlohmann's library. Not part of leat.hpp; whoever uses it includes <nlohmann/json.hpp> as well.
namespace leat::http {

/// Reads what is left of the body as JSON, whatever its Content-Type says. A status of 400 and above is no error here: see response::raise_for_status.
/// Completes when: the body has ended and is understood, in a thread of the pool if it is large. @return the value. Errors: as for response::text; protocol_error,
/// with the URL and the place, if it is not JSON, has a byte behind it, or is nested deeper than `deepest_json`. Limits: 16 MiB by default.
/// Cancellation: what was read is lost. The response must outlive the task. Threads: the loop's own. Allocates: the text and the value. Source: aiohttp ClientResponse.json; RFC 8259.
task<nlohmann::json> read_json(response& from, bytes limit = {16 * 1024 * 1024});

/// How deep the arrays and objects that `read_json` takes may lie in one another: what goes through the value later may be recursive.
inline constexpr std::size_t deepest_json = 256;

/// A value as text without blanks: a request's body of the type `json_type`. Throws std::invalid_argument for strings that are not UTF-8. Allocates the text.
/// `co_await http.request("POST", url, {.body = leat::http::json_text(value), .content_type = leat::http::json_type})`
std::string json_text(const nlohmann::json& value);
/// The Content-Type of JSON (RFC 8259).
inline constexpr std::string_view json_type = "application/json";

}  // namespace leat::http
