#pragma once
#include <cstddef>
#include <exception>
#include <span>
#include <string>

namespace leat::detail {

/// A protocol of its own (TLS) between a socket's bytes and those of the stream. A tcp_stream owns it, from its opening or from the middle
/// of its life (STARTTLS), and calls it for what comes from the kernel and goes to it.
class stream_layer {
public:
    virtual ~stream_layer() = default;
    /// Bytes from the kernel; what they carry goes to the stream's `input`.
    virtual void take_bytes(const char* data, std::size_t size) = 0;
    /// Memory for one direct receive; what comes is given to take_bytes().
    virtual std::span<char> direct_room() = 0;
    /// The kernel has nothing more: the end of the socket's bytes (null), or an error.
    virtual void receive_ended(std::exception_ptr why) noexcept = 0;
    /// Hands to the kernel what was written.
    virtual void flush() noexcept = 0;
    /// What it has made of the written bytes, and the kernel has not been given.
    virtual std::size_t unsent() const noexcept = 0;
    /// Everything written has been sent, or is to be sent now, and the end is about to be. `in_order`: it was asked for, the writer was not merely dropped.
    /// May send more.
    virtual void before_end(bool in_order) noexcept = 0;
    /// What errors are about: "example.org:443".
    virtual std::string subject() const = 0;
};

}  // namespace leat::detail
