#pragma once
#include "leat/io/duration.hpp"
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"
#include "leat/task/task.hpp"
#include "site/site.hpp"

namespace tool {

struct visit_limits {
    leat::duration head = std::chrono::seconds{10};   // from a request's first byte, or the connection's beginning, to its end
    leat::duration idle = std::chrono::seconds{75};   // between two requests
    leat::duration stall = std::chrono::seconds{60};  // for a peer to take a quarter of a megabyte
};

/// One connection of a visitor to a site: answers request after request, however they arrive, until one side has had enough; then closes.
leat::task<> visit(const site& of, visit_limits limits, leat::stream_reader reader, leat::stream_writer writer);

}  // namespace tool
