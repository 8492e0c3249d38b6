#include "net/tcp_stream.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <new>
#include <utility>

#include "engine/socket.hpp"
#include "io/error_from.hpp"
#include "leat/log/log.hpp"
#include "task/loop.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t bulk_room = 128 * 1024;      // one direct receive
constexpr std::size_t shared_buffer = 4096;        // a standing receive that filled this has more behind it
constexpr std::uint8_t full_before_direct = 4;     // so many full ones in a row are bulk
constexpr std::size_t small_receive = 2048;        // a direct receive of less is no bulk
constexpr auto flush_stall = std::chrono::seconds{30};  // a closing connection whose peer takes nothing for so long is cut

}  // namespace

/// What a connection needs only while it closes. There is nobody to tell that there is no memory for it, so a few are kept for that.
struct tcp_stream::closing final : resident, timer {
    explicit closing(tcp_stream& s) noexcept : stream(s) {}
    static void* operator new(std::size_t size);
    static void operator delete(void* memory) noexcept;
    void abort() noexcept override { stream.abort(); }
    void expired() noexcept override {
        linger_over = true;
        stream.step_close();
    }
    tcp_stream& stream;
    bool linger_over = false;
    bool aborted = false;
};

namespace {

constexpr std::size_t spare_size = 128;
struct spare_place {
    alignas(std::max_align_t) char memory[spare_size];
    bool taken = false;
};
thread_local std::array<spare_place, 16> spare_places;

}  // namespace

void* tcp_stream::closing::operator new(std::size_t size) {
    static_assert(sizeof(closing) <= spare_size);
    try {
        return ::operator new(size);
    } catch (const std::bad_alloc&) {
        for (spare_place& place : spare_places)
            if (!std::exchange(place.taken, true)) return place.memory;
        throw;
    }
}

void tcp_stream::closing::operator delete(void* memory) noexcept {
    for (spare_place& place : spare_places) {
        if (memory != place.memory) continue;
        place.taken = false;
        return;
    }
    ::operator delete(memory);
}

tcp_stream::tcp_stream(int fd, const address& peer, connection_owner* owner) noexcept : peer_(peer), owner_(owner) {
    receive_from(fd);
    send_to(fd);
}

tcp_stream::~tcp_stream() { give_back_sent(); }

void tcp_stream::give_back_sent() noexcept {
    if (source_data()) loop::current_or_null()->buffers().give_back(source_data() - sending_done_, sending_capacity());
    source(nullptr, 0);
    sending_size_ = sending_done_ = 0;
}

int tcp_stream::take_fd() noexcept {
    const int fd = this->fd();
    receive_from(-1);
    send_to(-1);
    return fd;
}

address tcp_stream::local() const noexcept { return fd() < 0 ? address{} : local_of(fd()); }

std::string tcp_stream::subject() const {
    const address peer = peer_.peer();
    // A client of a unix socket has no name of its own, as a rule: then its server's tells more.
    if (peer.is_unix() && peer.unix_name().empty()) {
        if (const address here = local(); here.is_unix() && !here.unix_name().empty()) return "client of " + here.to_string();
    }
    return peer.to_string();
}

// ---- receiving

void tcp_stream::want_bytes() {
    if (ends_when_idle_ && input.empty()) return input_ended(nullptr);
    if (!receiving()) return arm();
    if (!has_target()) input.release_if_empty();  // an idle connection owns no buffer
}

void tcp_stream::end_when_idle() noexcept {
    ends_when_idle_ = true;
    if (reading && input.empty()) input_ended(nullptr);
}

void tcp_stream::arm() {
    if (fd() < 0) return;
    if (direct_ && !discarding_) {
        if (layer_) {
            const std::span<char> into = layer_->direct_room();
            target(into.data(), into.size());
        } else {
            char* into = input.room(bulk_room / 2, bulk_room, reading == nullptr);
            target(into, input.room_size());
        }
    } else {
        if (reading) input.release_if_empty();
        target(nullptr, 0);
    }
    loop::current().submit(static_cast<receive_operation&>(*this));
}

void tcp_stream::give_bytes(const char* data, std::size_t size) noexcept {
    try {
        if (layer_) return layer_->take_bytes(data, size);
        char* into = input.room(size, size, reading == nullptr);
        std::memcpy(into, data, size);
        input.commit(size);
        bytes_arrived();
    } catch (...) {
        receive_ended(std::current_exception());
    }
}

void tcp_stream::receive_ended(std::exception_ptr why) noexcept {
    if (layer_) return layer_->receive_ended(std::move(why));
    input_ended(std::move(why));
}

void tcp_stream::received(completion done) noexcept {
    if (done.result > 0) {
        const auto size = static_cast<std::size_t>(done.result);
        loop::current_or_null()->counters().received_bytes.add(size);
        if (discarding_) {
            // Only read so that the peer sees no reset.
        } else if (has_target()) {
            if (size < small_receive && input.empty()) {
                if (full_receives_ > 0 && --full_receives_ == 0) direct_ = false;
            } else {
                full_receives_ = full_before_direct;
            }
            if (layer_) {
                give_bytes(target_data(), size);
            } else {
                input.commit(size);
                bytes_arrived();
            }
        } else {
            if (size < shared_buffer)
                full_receives_ = 0;
            else if (full_receives_ < full_before_direct)
                ++full_receives_;
            if (full_receives_ >= full_before_direct) direct_ = true;
            give_bytes(done.data, size);
        }
    } else if (done.result == 0) {
        peer_ended_ = true;
        receive_ended(broken_ ? output_error() : nullptr);
    } else if (done.result != -ECANCELED && done.result != -EINTR && done.result != -EAGAIN) {
        peer_ended_ = true;
        receive_ended(error_from([&] { return error(-done.result, "read", subject()); }));
    }
    after_receive(done.more);
}

/// Goes on, stops or changes its way of receiving.
void tcp_stream::after_receive(bool more) noexcept {
    if (closing_) return step_close();
    if (more) {
        const bool enough = !reading && input.size() > limit;
        if (enough || direct_) loop::current_or_null()->cancel(static_cast<receive_operation&>(*this));
        return;
    }
    if ((reading || needs_bytes_) && !input_at_end) {
        try {
            arm();
        } catch (...) {
            receive_ended(std::current_exception());
        }
    }
}

// ---- sending

void tcp_stream::flush() noexcept {
    if (layer_) return layer_->flush();
    if (sending_size_ != 0 || size_ == 0 || fd() < 0 || output_failed()) {
        update_fast_end();
        return;
    }
    send_buffer(std::exchange(memory_, nullptr), capacity_, size_);
    set_buffer(nullptr, 0);
}

void tcp_stream::send_buffer(char* memory, std::uint32_t capacity, std::uint32_t size) noexcept {
    if (parting_) {
        send_at_once(fd(), memory, size);
        return loop::current_or_null()->buffers().give_back(memory, capacity);
    }
    sending_class_ = static_cast<std::uint8_t>(std::countr_zero(capacity));
    sending_size_ = size;
    source(memory, size);
    loop::current_or_null()->submit(static_cast<send_operation&>(*this));
}

void tcp_stream::sent(completion done) noexcept {
    if (done.result < 0) {
        give_back_sent();
        size_ = 0;
        if (end_said_) {
            peer_ended_ = true;  // everything written had been sent; that nobody hears the layer's farewell is no failure
        } else if (done.result != -ECANCELED || !closing_) {
            fail_output(error_from([&] { return error(-done.result, "write", subject()); }));
            // A connection that the peer has ended is told about by the receive as well. One that the kernel could not send on (ENOBUFS,
            // ENOMEM) would go on as if nothing were, and who reads would wait for the answer to what was never sent.
            if (done.result != -EPIPE && done.result != -ECONNRESET) stop_receiving();
        }
    } else {
        const auto taken = static_cast<std::uint32_t>(done.result);
        loop::current_or_null()->counters().sent_bytes.add(taken);
        if (closing_) closing_->disarm();
        // A send that was cancelled because the connection is cut may have got some of it out, too: that is the end of it all the same.
        const bool cut = closing_ && (closing_->aborted || output_failed());
        if (sending_done_ + taken < sending_size_ && !cut) {
            sending_done_ += taken;
            source(source_data() + taken, sending_size_ - sending_done_);
            pump();
            loop::current_or_null()->submit(static_cast<send_operation&>(*this));
            if (closing_) closing_->arm(flush_stall);  // it moves: the time without progress begins anew
            return;
        }
        give_back_sent();
    }
    pump();
    if (wants_room_ && owner_ && buffered() <= low_water) {
        wants_room_ = false;
        owner_->output_has_room();
    }
    if (size_ != 0 || (layer_ && buffered() != 0)) {
        if (!output_failed()) return flush();
        size_ = 0;
    }
    settle_output();
}

void tcp_stream::stop_receiving() noexcept {
    if (closing_ || fd() < 0) return;
    broken_ = true;
    shut_down_receiving(fd());
}

/// Everything has been sent: what was waiting for that?
void tcp_stream::settle_output() noexcept {
    if (ending_output_ && !shut_down_ && buffered() == 0) send_end();
    if (watcher) watcher->look();
    if (closing_) step_close();
}

/// Ends the sending side; a layered stream first says so in its own protocol, and sent() comes back here.
void tcp_stream::send_end() noexcept {
    if (layer_ && !end_said_) {
        end_said_ = true;
        if (!output_failed()) layer_->before_end(ends_in_order_);
        if (buffered() != 0) return;
    }
    shut_down_ = true;
    if (fd() >= 0 && !output_failed() && !(closing_ && peer_ended_)) shut_down_sending(fd());
}

void tcp_stream::end_output() noexcept {
    if (ending_output_) return;
    ending_output_ = true;
    ends_in_order_ = writer_held_;
    refuse_output();
    flush();
    settle_output();
}

// ---- closing

/// Whoever waits for a layer's handshake would hear no more of it.
void tcp_stream::end_handshake() noexcept {
    if (needs_bytes_) layer_->receive_ended(error_from([&] { return error(ECONNABORTED, "close", subject()); }));
}

void tcp_stream::begin_close() noexcept {
    if (closing_ || fd() < 0) return;
    closing_ = std::make_unique<closing>(*this);
    loop::current_or_null()->adopt(*closing_);
    if (!ending_output_) ends_in_order_ = writer_held_;
    ending_output_ = true;
    discarding_ = true;
    end_handshake();
    refuse_output();
    flush();
    step_close();
}

void tcp_stream::abort() noexcept {
    if (fd() < 0) return;
    if (!closing_) {
        closing_ = std::make_unique<closing>(*this);
        loop::current_or_null()->adopt(*closing_);
        refuse_output();
        end_handshake();
    }
    if (!closing_->aborted && buffered() != 0 && !output_failed())
        fail_output(error_from([&] { return error(ECONNABORTED, "close with " + std::to_string(buffered()) + " bytes unsent", subject()); }));
    closing_->aborted = closing_->linger_over = true;
    size_ = 0;
    step_close();
}

void tcp_stream::discard() noexcept {
    discarded_ = true;
    abort();
    reader_held_ = writer_held_ = false;
    maybe_end();
}

void tcp_stream::part() noexcept {
    // Behind a send in flight it would come in the middle of a record.
    if (!sending() && fd() >= 0 && !closing_ && !peer_ended_ && !output_failed()) {
        parting_ = true;
        if (layer_) {
            end_said_ = true;
            layer_->before_end(true);
        } else {
            flush();
        }
    }
    discard();
}

void tcp_stream::step_close() noexcept {
    loop& here = *loop::current_or_null();
    const bool cut = closing_->aborted || output_failed();
    if (!cut) {
        if (buffered() != 0) {  // sent() comes back here
            if (closing_->linger_over) return abort();
            if (!closing_->armed()) closing_->arm(flush_stall);
            return;
        }
        if (!shut_down_) {
            closing_->disarm();
            send_end();
            if (!shut_down_) return;
        }
        if (!peer_ended_ && !closing_->linger_over) {
            if (!closing_->armed()) closing_->arm(std::chrono::milliseconds(linger_ms));
            if (!receiving()) arm();
            return;
        }
    }
    // Nothing more to say or to hear: no operation may outlive the descriptor.
    if (receiving()) return here.cancel(static_cast<receive_operation&>(*this));
    if (send_operation::in_flight()) {
        // io_uring may have given it to a thread that blocks, and that goes on after a cancellation if some of it was sent: this ends it.
        shut_down_sending(fd());
        return here.cancel(static_cast<send_operation&>(*this));
    }
    finish_close();
}

void tcp_stream::finish_close() noexcept {
    loop& here = *loop::current_or_null();
    here.close(take_fd());
    here.release(*closing_);
    closing_.reset();
    if (!input_at_end) input_ended(nullptr);
    if (watcher)
        watcher->look();
    else if (output_failed() && !writer_held_ && !discarded_)
        log::warn("closing a dropped connection: {}", describe(output_error()));
    if (owner_) std::exchange(owner_, nullptr)->connection_closed();
    maybe_end();
}

void tcp_stream::maybe_end() noexcept {
    if (fd() < 0 && !reader_held_ && !writer_held_) delete this;
}

void tcp_stream::reader_dropped() noexcept {
    reader_held_ = false;
    if (writer_held_) return;
    if (fd() < 0) return maybe_end();
    begin_close();
}

void tcp_stream::writer_dropped() noexcept {
    writer_held_ = false;
    if (fd() < 0) return maybe_end();
    if (reader_held_)
        end_output();  // the reader may go on to the end
    else
        begin_close();
}

}  // namespace leat::detail
