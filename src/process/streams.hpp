#pragma once
#include <string>

#include "engine/owned_descriptor.hpp"
#include "leat/io/reader.hpp"
#include "leat/io/writer.hpp"
#include "process/pipe_input.hpp"
#include "process/pipe_output.hpp"

namespace leat::detail {

/// Streams that take a descriptor over. `name` is what their errors are about.
stream_reader reader_over(const usable_descriptor& from, std::string name);
stream_writer writer_over(const usable_descriptor& to, std::string name);

/// A non-blocking end that leat has made itself.
/// The same of a descriptor that only this program has. Let go of when it has been taken over.
stream_reader reader_over(owned_descriptor& from, std::string name);
stream_writer writer_over(owned_descriptor& to, std::string name);

inline usable_descriptor own_end(int fd) noexcept { return {.fd = fd, .how = usable_descriptor::way::polled}; }

}  // namespace leat::detail
