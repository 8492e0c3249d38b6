#pragma once
#include <string>

#include "engine/descriptor.hpp"
#include "engine/operation/pipe.hpp"
#include "leat/io/detail/transport.hpp"
#include "leat/task/detail/timer.hpp"
#include "task/loop.hpp"

namespace leat::detail {

/// The write end of a pipe, or whatever standard output is. What was written goes out at once where the pipe has room; the rest waits until it has.
class pipe_output final : public transport, private pipe_operation, private resident, private timer {
public:
    /// Takes the descriptor over.
    pipe_output(const usable_descriptor& to, std::string name);

    std::string output_subject() const override { return name_; }
    std::size_t bytes_in_flight() const noexcept override { return sending_size_ - sending_done_; }
    void flush() noexcept override;
    void writer_dropped() noexcept override;
    /// Only closing tells the reader.
    void end_output() noexcept override { begin_close(); }
    bool output_ended() const noexcept override { return closed(); }
    void begin_close() noexcept override;
    bool closed() const noexcept override { return descriptor() < 0; }
    /// Before the drop: what was not sent is of no interest any more.
    void discard() noexcept;

    // There is no reading half.
    void want_bytes() override {}
    std::string subject() const override { return name_; }
    void reader_dropped() noexcept override {}
    address peer() const noexcept override { return {}; }
    address local() const noexcept override { return {}; }

private:
    ~pipe_output();
    void urge() noexcept override { flush(); }
    void complete(completion done) noexcept override;
    void go_on() noexcept;
    void take_piece() noexcept;
    bool send_piece() noexcept;
    void end_piece() noexcept;
    void send_failed(int errno_value) noexcept;
    void settle() noexcept;
    void finish_close() noexcept;
    void abort() noexcept override;
    void expired() noexcept override;

    usable_descriptor::way way_;
    bool is_shared_;
    bool held_ = true;
    bool closing_ = false;
    bool aborted_ = false;
    bool discarded_ = false;
    std::size_t sent_in_a_row_ = 0;
    char* sending_ = nullptr;
    std::size_t sending_capacity_ = 0;
    std::size_t sending_size_ = 0;
    std::size_t sending_done_ = 0;
    std::string name_;
};

}  // namespace leat::detail
