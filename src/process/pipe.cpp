#include "leat/process/pipe.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include "engine/descriptor.hpp"
#include "engine/owned_descriptor.hpp"
#include "fs/file_call.hpp"
#include "leat/io/error.hpp"
#include "leat/process/standard.hpp"
#include "process/streams.hpp"

namespace leat {
namespace detail {

stream_reader reader_over(const usable_descriptor& from, std::string name) {
    owned_descriptor until_taken{from.fd};
    stream_reader reader{*new pipe_input(from, std::move(name))};
    until_taken.release();
    return reader;
}

stream_writer writer_over(const usable_descriptor& to, std::string name) {
    owned_descriptor until_taken{to.fd};
    stream_writer writer{*new pipe_output(to, std::move(name))};
    until_taken.release();
    return writer;
}

stream_reader reader_over(owned_descriptor& from, std::string name) { return reader_over(own_end(from.release()), std::move(name)); }
stream_writer writer_over(owned_descriptor& to, std::string name) { return writer_over(own_end(to.release()), std::move(name)); }

namespace {

usable_descriptor copy_of(int descriptor, bool writes, const std::string& name) {
    loop::current();  // outside of one, this says so
    const usable_descriptor usable = usable_copy(descriptor, writes);
    if (usable.fd < 0) throw error(-usable.fd, "open", name);
    return usable;
}

usable_descriptor standard(int descriptor, bool writes, const std::string& name) {
    if (!is_inherited(descriptor)) throw error(EBADF, "open", name);
    return copy_of(descriptor, writes, name);
}

std::string name_of(int descriptor) { return "descriptor " + std::to_string(descriptor); }

/// Of a FIFO that has been opened, or the reason why not.
owned_descriptor checked_fifo(int opened, const path& name) {
    if (opened < 0) throw error(-opened, "open", name.string());
    owned_descriptor fifo{opened};
    if (int failed = keep_from_blocking(opened); failed < 0) throw error(-failed, "open", name.string());
    return fifo;
}

}  // namespace
}  // namespace detail

pipe_ends open_pipe() {
    detail::loop::current();
    const detail::pipe_pair made = detail::make_pipe(true, true);
    if (made.read_end < 0) throw error(-made.read_end, "open", "pipe");
    detail::owned_descriptor write_end{made.write_end};
    pipe_ends ends;
    ends.reader = detail::reader_over(detail::own_end(made.read_end), "pipe");
    ends.writer = detail::writer_over(detail::own_end(write_end.release()), "pipe");
    return ends;
}

stream_reader open_reader(int descriptor) {
    const std::string name = detail::name_of(descriptor);
    return detail::reader_over(detail::copy_of(descriptor, false, name), name);
}

stream_writer open_writer(int descriptor) {
    const std::string name = detail::name_of(descriptor);
    return detail::writer_over(detail::copy_of(descriptor, true, name), name);
}

task<stream_reader> open_fifo_reader(path name) {
    const int opened = co_await detail::open_call(name.string(), detail::flags_to_open_fifo(false), 0);
    auto fifo = detail::checked_fifo(opened, name);
    co_return detail::reader_over(fifo, name.string());
}

task<stream_writer> open_fifo_writer(path name) {
    const int opened = co_await detail::open_call(name.string(), detail::flags_to_open_fifo(true), 0);
    auto fifo = detail::checked_fifo(opened, name);
    co_return detail::writer_over(fifo, name.string());
}

stream_reader standard_input() { return detail::reader_over(detail::standard(0, false, "standard input"), "standard input"); }
stream_writer standard_output() { return detail::writer_over(detail::standard(1, true, "standard output"), "standard output"); }
stream_writer standard_error() { return detail::writer_over(detail::standard(2, true, "standard error"), "standard error"); }

}  // namespace leat
