#pragma once
#include <string>

#include "engine/descriptor.hpp"
#include "engine/operation/pipe.hpp"
#include "leat/io/detail/transport.hpp"
#include "leat/task/detail/timer.hpp"
#include "task/loop.hpp"

namespace leat::detail {

/// The read end of a pipe, or whatever standard input is. Reads when a read waits, and not before: what nobody asks for stays in the pipe.
class pipe_input final : public transport, private pipe_operation, private resident, private timer {
public:
    /// Takes the descriptor over.
    pipe_input(const usable_descriptor& from, std::string name);

    void want_bytes() override;
    bool fill_now() override;
    std::string subject() const override { return name_; }
    void reader_dropped() noexcept override;
    bool closed() const noexcept override { return descriptor() < 0; }

    // There is no writing half.
    std::string output_subject() const override { return name_; }
    std::size_t bytes_in_flight() const noexcept override { return 0; }
    void writer_dropped() noexcept override {}
    void end_output() noexcept override {}
    bool output_ended() const noexcept override { return true; }
    void begin_close() noexcept override {}
    address peer() const noexcept override { return {}; }
    address local() const noexcept override { return {}; }
    void flush() noexcept override {}

private:
    ~pipe_input() = default;
    void urge() noexcept override {}
    void complete(completion done) noexcept override;
    int find_target() noexcept override;
    void arm_read();
    void take(int result) noexcept;
    void finish() noexcept;
    void abort() noexcept override;
    void expired() noexcept override { abort(); }

    usable_descriptor::way way_;
    bool is_shared_;
    bool is_pty_master_;
    bool much_ = false;   // the last read filled its buffer: there is more
    bool dropped_ = false;
    std::string name_;
};

}  // namespace leat::detail
