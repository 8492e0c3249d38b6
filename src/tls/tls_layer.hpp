#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "net/tcp_stream.hpp"
#include "tls/context.hpp"
#include "tls/openssl.hpp"

namespace leat::detail {

class handshake_awaiter;

/// What makes a stream's SSL that stream's: kept for its life.
struct tls_identity {
    std::shared_ptr<tls_context> context;
    std::string subject;       // "example.org:443": for errors, and the host whose sessions may be resumed
    std::string verified;      // the name or address that the certificate has to be for; of a server empty
    bool allow_truncation = false;
};

/// Encrypts a TCP connection by OpenSSL. What the kernel delivers goes through take_bytes() into the SSL and, decrypted, straight into the
/// stream's `input`; what was written is encrypted as a whole when it is flushed, and sent at once. OpenSSL itself never touches the socket: its
/// BIO reads from the bytes in hand and writes to a buffer of the loop's pool.
class tls_layer final : public stream_layer, private tls_context::observer {
public:
    /// `ssl` is set up for its part, as a client or a server. To be given to the stream by add_layer().
    tls_layer(tcp_stream& of, ssl_pointer ssl, tls_identity identity);
    ~tls_layer() override;

    /// The stream's, if it has one.
    static tls_layer* of(const tcp_stream& stream) noexcept { return static_cast<tls_layer*>(stream.layer()); }

    /// What it sends is encrypted once more by this one, which is established, and what comes is first decrypted by it: TLS inside of the TLS to a proxy.
    void stand_on(std::unique_ptr<tls_layer> below) noexcept { below_ = std::move(below); }

    /// Bytes that the stream has received already are taken for the handshake's.
    /// Completes when: the handshake is done. Errors: tls::handshake_error and its kin; the stream is then of no more use, but what there is to tell the
    /// peer (an alert) is sent when it is dropped or closed. Cancellation: at once; the stream is of no more use.
    handshake_awaiter handshake() noexcept;
    bool established() const noexcept { return established_; }
    /// The handshake has failed, and an alert that tells the peer may wait to be sent.
    bool has_last_words() const noexcept { return has_last_words_; }
    /// The protocol agreed on by ALPN; empty if there is none.
    std::string_view alpn() const noexcept;
    SSL* ssl() const noexcept { return ssl_.get(); }

    std::string subject() const override { return identity_.subject; }
    std::size_t unsent() const noexcept override { return out_size_ + (below_ ? below_->out_size_ : 0); }
    void flush() noexcept override;
    void take_bytes(const char* data, std::size_t size) override;
    std::span<char> direct_room() override;
    void receive_ended(std::exception_ptr why) noexcept override;
    void before_end(bool in_order) noexcept override;

private:
    friend class handshake_awaiter;
    friend struct tls_bio;
    struct handshake_state;

    void new_session(ssl_session_pointer session) noexcept override;
    void certificate_refused(const X509* certificate, int problem) noexcept override;

    void begin_handshake(handshake_awaiter& waiting);
    void step_handshake();
    void end_handshake(std::exception_ptr failed) noexcept;
    void abandon_handshake() noexcept;
    void feed(const char* data, std::size_t size);
    void refuse_more_answers();
    void take_records(const char* data, std::size_t size);
    /// For the layer above: decrypts what came. False: it has ended, or is damaged (then with the reason).
    bool open(const char* data, std::size_t size, std::string& into, std::exception_ptr& why);
    /// For the layer above: encrypts what is to be sent. False: it cannot.
    bool seal(const char* data, std::size_t size);
    void decrypt();
    void encrypt();
    void make_records() noexcept;
    void reserve_out(std::size_t size);

    tcp_stream& stream_;
    std::unique_ptr<tls_layer> below_;
    ssl_pointer ssl_;
    tls_identity identity_;
    std::unique_ptr<handshake_state> handshake_;  // until it has ended
    const char* in_ = nullptr;                    // what the BIO reads: bytes that came and were not yet taken
    const char* in_end_ = nullptr;
    char* out_ = nullptr;                         // what the BIO wrote, and the kernel has not yet been given
    std::uint32_t out_size_ = 0;
    std::uint32_t out_capacity_ = 0;
    std::uint32_t held_ = 0;                      // at most so many bytes of an incomplete record are in the SSL
    char* direct_ = nullptr;                      // where a direct receive puts its bytes
    bool established_ = false;
    bool broken_ = false;
    bool has_last_words_ = false;
};

/// An awaited handshake.
class handshake_awaiter final : waiter {
public:
    explicit handshake_awaiter(tls_layer& of) noexcept : of_(of) {}
    ~handshake_awaiter();

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        return start(frame.promise(), at);
    }
    void await_resume() {
        if (was_cancelled()) throw cancelled{};
        if (error_) std::rethrow_exception(error_);
    }
    result<void> finish() {
        if (was_cancelled()) throw cancelled{};
        if (error_) return failure{error_};
        return {};
    }

private:
    friend class tls_layer;
    bool start(promise_base& frame, std::source_location at);
    void cancel() noexcept override;
    const char* describe() const noexcept override { return "tls handshake"; }

    tls_layer& of_;
    std::exception_ptr error_;
};

inline handshake_awaiter tls_layer::handshake() noexcept { return handshake_awaiter{*this}; }

}  // namespace leat::detail
