#include "tls/tls_stream.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "task/loop.hpp"
#include "tls/failure.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t direct_size = 64 * 1024;    // one direct receive: four records and more
constexpr std::size_t largest_record = 16 * 1024;  // of plain text
constexpr std::size_t record_overhead = 64;        // at most, of the suites of TLS 1.2 and 1.3 (22 to 37)

void give_back(char* memory, std::size_t capacity) noexcept {
    if (!memory) return;
    if (loop* here = loop::current_or_null())
        here->buffers().give_back(memory, capacity);
    else
        ::operator delete(memory, capacity);
}

}  // namespace

/// OpenSSL's view of the stream: it reads the bytes in hand, and writes to the buffer of what is to be sent.
struct tls_bio {
    static int read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
        auto& stream = *static_cast<tls_stream*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        *got = std::min(size, static_cast<std::size_t>(stream.in_end_ - stream.in_));
        if (*got == 0) {
            BIO_set_retry_read(bio);
            return 0;
        }
        std::memcpy(into, stream.in_, *got);
        stream.in_ += *got;
        stream.held_ += static_cast<std::uint32_t>(*got);
        return 1;
    }
    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* taken) {
        auto& stream = *static_cast<tls_stream*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        try {
            stream.reserve_out(size);
        } catch (...) {
            return 0;  // no memory; OpenSSL takes it for a broken connection
        }
        std::memcpy(stream.out_ + stream.out_size_, from, size);
        stream.out_size_ += static_cast<std::uint32_t>(size);
        *taken = size;
        return 1;
    }
    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO* make(tls_stream& stream) {
        static const BIO_METHOD* const method = [] {
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "leat");
            if (!made) throw std::bad_alloc();
            BIO_meth_set_read_ex(made, read);
            BIO_meth_set_write_ex(made, write);
            BIO_meth_set_ctrl(made, control);
            return made;
        }();
        BIO* bio = BIO_new(method);
        if (!bio) throw std::bad_alloc();
        BIO_set_data(bio, &stream);
        BIO_set_init(bio, 1);
        return bio;
    }
};

struct tls_stream::handshake_state {
    handshake_awaiter* waiting = nullptr;
    std::string first_bytes;  // of what the peer sent, to tell what it is if it is no TLS
    std::string refusal;      // why its certificate is not accepted
};

tls_stream::tls_stream(int fd, const address& peer, ssl_pointer ssl, tls_identity identity, connection_owner* owner)
    : tcp_stream(with_layer{}, fd, peer, owner),
      ssl_(std::move(ssl)),
      identity_(std::move(identity)),
      handshake_(std::make_unique<handshake_state>()) {
    BIO* bio = tls_bio::make(*this);
    SSL_set_bio(ssl_.get(), bio, bio);
    tls_context::observe(ssl_.get(), this);
}

tls_stream::~tls_stream() {
    give_back(out_, out_capacity_);
    give_back(direct_, direct_size);
}

std::string_view tls_stream::alpn() const noexcept {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};  // check-idioms: allow cast, OpenSSL's bytes
}

void tls_stream::new_session(ssl_session_pointer session) noexcept {
    try {
        identity_.context->keep_session(identity_.subject + '/' + identity_.verified, std::move(session));
    } catch (...) {
        // Not kept: the next connection makes a whole handshake.
    }
}

void tls_stream::certificate_refused(const X509* certificate, int problem) noexcept {
    try {
        if (handshake_) handshake_->refusal = certificate_problem(certificate, problem, identity_.verified);
    } catch (...) {
        // Refused without a reason given.
    }
}

// ---- the handshake

handshake_awaiter::~handshake_awaiter() {
    if (suspended() && of_.handshake_) of_.handshake_->waiting = nullptr;
}

bool handshake_awaiter::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) return false;
    of_.begin_handshake(*this);
    return true;
}

void handshake_awaiter::cancel() noexcept {
    if (of_.handshake_) of_.handshake_->waiting = nullptr;
    wake_cancelled();
}

void tls_stream::begin_handshake(handshake_awaiter& waiting) {
    handshake_->waiting = &waiting;
    needs_bytes_ = true;
    step_handshake();
    flush();
    if (handshake_) tcp_stream::want_bytes();
}

void tls_stream::step_handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) {
        established_ = true;
        held_ = 0;
        return end_handshake(nullptr);
    }
    if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return;
    broken_ = true;
    end_handshake(handshake_failure(identity_.subject, handshake_->refusal, handshake_->first_bytes));
}

void tls_stream::end_handshake(std::exception_ptr failed) noexcept {
    needs_bytes_ = false;
    const auto ended = std::move(handshake_);
    if (!ended->waiting) return;
    ended->waiting->error_ = std::move(failed);
    ended->waiting->wake();
}

// ---- receiving

std::span<char> tls_stream::direct_room() {
    if (!direct_) direct_ = loop::current().buffers().take(direct_size);
    return {direct_, direct_size};
}

void tls_stream::take_bytes(const char* data, std::size_t size) {
    if (!broken_ && !input_at_end) {
        in_ = data;
        in_end_ = data + size;
        if (handshake_) {
            std::string& first = handshake_->first_bytes;
            if (first.size() < 5) first.append(data, std::min<std::size_t>(size, 5 - first.size()));
            step_handshake();
        }
        if (established_ && in_ != in_end_) decrypt();
        in_ = in_end_ = nullptr;
        if (out_size_ != 0) flush();
    }
    // A receive that is armed again takes one from the pool, so that one that is not owns none.
    if (data == direct_) give_back(std::exchange(direct_, nullptr), direct_size);
}

/// Takes every whole record of what is in hand; of an incomplete one OpenSSL keeps the beginning.
void tls_stream::decrypt() {
    ERR_clear_error();
    // Plain text is never longer than the records that carry it.
    const std::size_t most = held_ + static_cast<std::size_t>(in_end_ - in_);
    char* into = input.room(most, most, reading == nullptr);
    std::size_t had = input.size();
    int failed = SSL_ERROR_NONE;
    while (in_ != in_end_) {
        std::size_t got = 0;
        if (const int done = SSL_read_ex(ssl_.get(), into, input.room_size(), &got); done != 1) {
            failed = SSL_get_error(ssl_.get(), done);
            break;
        }
        held_ = 0;
        input.commit(got);
        into += got;
    }
    if (input.size() != had) bytes_arrived();
    if (failed == SSL_ERROR_NONE || failed == SSL_ERROR_WANT_READ) return;
    if (failed == SSL_ERROR_ZERO_RETURN) return input_ended(nullptr);
    broken_ = true;
    input_ended(stream_failure(identity_.subject, "read"));
}

void tls_stream::receive_ended(std::exception_ptr why) noexcept {
    const bool shaking_hands = handshake_ != nullptr;
    if (!shaking_hands && input_at_end) return;
    try {
        if (shaking_hands)
            why = handshake_broken_off(identity_.subject, why);
        else if (!why && !identity_.allow_truncation)
            why = stream_truncated(identity_.subject);
    } catch (...) {  // no memory for the words
        why = std::current_exception();
    }
    if (!shaking_hands) return input_ended(std::move(why));
    broken_ = true;
    end_handshake(std::move(why));
}

// ---- sending

void tls_stream::reserve_out(std::size_t size) {
    if (out_size_ + size <= out_capacity_) return;
    buffer_pool& pool = loop::current().buffers();
    const std::size_t larger = buffer_pool::rounded(out_size_ + size);
    char* memory = pool.take(larger);
    if (out_size_ != 0) std::memcpy(memory, out_, out_size_);
    if (out_) pool.give_back(out_, out_capacity_);
    out_ = memory;
    out_capacity_ = static_cast<std::uint32_t>(larger);
}

void tls_stream::flush() noexcept {
    if (!sending() && !closed() && !output_failed()) {
        if (size_ != 0 && established_) {
            try {
                encrypt();
            } catch (...) {
                fail_output(std::current_exception());
                stop_receiving();
            }
        }
        if (out_size_ != 0) {
            const std::uint32_t size = std::exchange(out_size_, 0);
            send_buffer(std::exchange(out_, nullptr), std::exchange(out_capacity_, 0), size);
        }
    }
    update_fast_end();
}

/// Makes records of everything that was written.
void tls_stream::encrypt() {
    reserve_out(size_ + (size_ / largest_record + 1) * record_overhead);
    ERR_clear_error();
    std::size_t written = 0;
    const int done = SSL_write_ex(ssl_.get(), memory_, size_, &written);
    give_back(std::exchange(memory_, nullptr), capacity_);
    set_buffer(nullptr, 0);
    if (done == 1) return;
    broken_ = true;
    fail_output(stream_failure(identity_.subject, "write"));
    stop_receiving();
}

void tls_stream::before_end(bool in_order) noexcept {
    if (!in_order || !established_ || broken_) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    flush();
}

}  // namespace leat::detail
