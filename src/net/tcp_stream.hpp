#pragma once
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "engine/operation/receive.hpp"
#include "engine/operation/send.hpp"
#include "leat/io/detail/transport.hpp"
#include "net/peer_name.hpp"
#include "net/stream_layer.hpp"
#include "task/small_pool.hpp"

namespace leat::detail {

/// Is told when a connection it gave away has closed: a server, which counts them.
class connection_owner {
public:
    virtual void connection_closed() noexcept = 0;
    /// Nearly everything that was written has been sent; only after tell_of_room().
    virtual void output_has_room() noexcept {}

protected:
    ~connection_owner() = default;
};

/// A connection over TCP or a unix socket. Receives in one of two ways: standing, into the engine's shared buffers, while little comes; straight into its
/// own buffer, a receive at a time, when much does. Never two receives at once.
class tcp_stream final : public transport, private receive_operation, private send_operation {
public:
    tcp_stream(int fd, const address& peer, connection_owner* owner = nullptr) noexcept;
    static void* operator new(std::size_t size) { return small_pool::allocate(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { small_pool::release(memory, size); }

    void want_bytes() override;
    std::string subject() const override;
    std::string output_subject() const override { return subject(); }
    std::size_t bytes_in_flight() const noexcept override { return sending_size_ - sending_done_ + (layer_ ? layer_->unsent() : 0); }
    void reader_dropped() noexcept override;
    void writer_dropped() noexcept override;
    void end_output() noexcept override;
    bool output_ended() const noexcept override { return shut_down_; }
    void begin_close() noexcept override;
    bool closed() const noexcept override { return fd() < 0; }
    address peer() const noexcept override { return peer_.peer(); }
    address local() const noexcept override;
    address proxy() const noexcept override { return peer_.proxy(); }
    /// The peer is somebody else than the one who connected: a proxy said so.
    /// Throws std::bad_alloc: a handler that takes the proxy, or nobody, for the client would do what is not meant for them.
    void set_proxied(const address& peer) {
        peer_name named{peer, peer_.peer()};
        if (named.peer().empty()) throw std::bad_alloc();
        peer_ = std::move(named);
    }
    void flush() noexcept override;

    void forget_owner() noexcept { owner_ = nullptr; }
    void owned_by(connection_owner& owner) noexcept { owner_ = &owner; }
    /// Its owner has more to write, and waits until there is room; asked anew each time.
    void tell_of_room() noexcept { wants_room_ = true; }
    /// Ends it without ceremony: what was not sent is dropped.
    void abort() noexcept;
    /// The same for a connection whose end is of no interest to anyone; takes the place of both drops, and nothing is logged.
    void discard() noexcept;
    /// The same, but what was written and the layer's farewell are sent before, if the kernel takes them at once: the end of a connection that lies idle.
    void part() noexcept;
    /// From now on a read that would have to wait for the peer's next word sees the end of the stream: a server drains.
    void end_when_idle() noexcept;
    /// Much is expected: receive straight into the own buffer from the start, or no longer.
    void expect_bulk(bool much) noexcept { direct_ = much; }
    /// The descriptor, for a splice, while no receive is in flight and nothing is buffered; not of a layered stream.
    int descriptor() const noexcept { return fd(); }
    /// The protocol of its own (TLS) between the socket's bytes and the stream's; null if there is none.
    stream_layer* layer() const noexcept { return layer_.get(); }
    bool layered() const noexcept { return layer_ != nullptr; }
    /// From now on what comes and goes passes through it. While nothing that was written waits to be sent.
    void add_layer(std::unique_ptr<stream_layer> layer) noexcept {
        layer_ = std::move(layer);
        direct_ = false;
    }
    /// Its layer, for one that is to stand on it; another has to be added at once.
    std::unique_ptr<stream_layer> take_layer() noexcept { return std::move(layer_); }
    bool receiving() const noexcept { return receive_operation::in_flight(); }

private:
    friend class tls_layer;
    struct closing;
    ~tcp_stream();
    /// Hands a buffer from the loop's pool to the kernel, while none is in flight.
    void send_buffer(char* memory, std::uint32_t capacity, std::uint32_t size) noexcept;
    bool sending() const noexcept { return sending_size_ != 0; }
    /// What was in the kernel's hands goes back to the pool.
    void give_back_sent() noexcept;
    /// Sending failed on this side, and the peer does not know: who reads is told of it once what has arrived is read.
    void stop_receiving() noexcept;

    int fd() const noexcept { return receive_operation::descriptor(); }
    /// Both operations forget it.
    int take_fd() noexcept;
    std::size_t sending_capacity() const noexcept { return std::size_t{1} << sending_class_; }
    void received(completion done) noexcept override;
    void sent(completion done) noexcept override;
    void urge() noexcept override { flush(); }
    void arm();
    void give_bytes(const char* data, std::size_t size) noexcept;
    void receive_ended(std::exception_ptr why) noexcept;
    void after_receive(bool more) noexcept;
    void settle_output() noexcept;
    void end_handshake() noexcept;
    void send_end() noexcept;
    void step_close() noexcept;
    void finish_close() noexcept;
    void maybe_end() noexcept;

    /// While this holds, bytes are received though no read waits: a handshake.
    bool needs_bytes_ : 1 = false;
    // In this order an idle connection is small.
    std::uint8_t full_receives_ : 4 = 0;
    std::uint8_t sending_class_ : 5 = 0;  // the buffer's capacity, a power of two
    bool direct_ : 1 = false;
    bool reader_held_ : 1 = true;
    bool writer_held_ : 1 = true;
    bool ending_output_ : 1 = false;
    bool shut_down_ : 1 = false;
    bool discarding_ : 1 = false;
    bool ends_when_idle_ : 1 = false;
    bool ends_in_order_ : 1 = false;  // the end was asked for, the writer was not merely dropped
    bool discarded_ : 1 = false;
    bool end_said_ : 1 = false;    // the layer has had its last word
    bool broken_ : 1 = false;      // a send failed on this side: the end that is read is no end of the peer's
    bool peer_ended_ : 1 = false;  // nothing more will come, so nothing needs to be drained
    bool wants_room_ : 1 = false;
    bool parting_ : 1 = false;     // what is sent goes out at once or not at all
    std::uint32_t sending_size_ = 0;
    std::uint32_t sending_done_ = 0;  // the operation's source begins behind these
    peer_name peer_;
    connection_owner* owner_;
    std::unique_ptr<closing> closing_;
    std::unique_ptr<stream_layer> layer_;
};

}  // namespace leat::detail
