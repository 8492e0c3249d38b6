#include "tls/tls_layer.hpp"
#include "io/error_from.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "task/loop.hpp"
#include "leat/tls/error.hpp"
#include "tls/failure.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t direct_size = 64 * 1024;    // one direct receive: four records and more
constexpr std::size_t largest_record = 16 * 1024;  // of plain text
constexpr std::size_t record_overhead = 64;        // at most, of the suites of TLS 1.2 and 1.3 (22 to 37)
constexpr std::uint32_t most_held = largest_record + 4096;  // of an incomplete record, its overhead included
constexpr std::uint32_t most_answers = 64 * 1024;  // to a peer that asks for new keys: about 2500 of them

void give_back(char* memory, std::size_t capacity) noexcept {
    if (!memory) return;
    if (loop* here = loop::current_or_null())
        here->buffers().give_back(memory, capacity);
    else
        ::operator delete(memory, capacity);
}

}  // namespace

/// OpenSSL's view of the connection: it reads the bytes in hand, and writes to the buffer of what is to be sent.
struct tls_bio {
    static int read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
        auto& layer = *static_cast<tls_layer*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        *got = std::min(size, static_cast<std::size_t>(layer.in_end_ - layer.in_));
        if (*got == 0) {
            BIO_set_retry_read(bio);
            return 0;
        }
        std::memcpy(into, layer.in_, *got);
        layer.in_ += *got;
        layer.held_ = std::min(most_held, layer.held_ + static_cast<std::uint32_t>(*got));
        return 1;
    }
    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* taken) {
        auto& layer = *static_cast<tls_layer*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        try {
            layer.reserve_out(size);
        } catch (...) {
            return 0;  // no memory; OpenSSL takes it for a broken connection
        }
        std::memcpy(layer.out_ + layer.out_size_, from, size);
        layer.out_size_ += static_cast<std::uint32_t>(size);
        *taken = size;
        return 1;
    }
    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO* make(tls_layer& layer) {
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
        BIO_set_data(bio, &layer);
        BIO_set_init(bio, 1);
        return bio;
    }
};

struct tls_layer::handshake_state {
    handshake_awaiter* waiting = nullptr;
    std::string first_bytes;  // of what the peer sent, to tell what it is if it is no TLS
    std::string refusal;      // why its certificate is not accepted
};

tls_layer::tls_layer(tcp_stream& of, ssl_pointer ssl, tls_identity identity)
    : stream_(of), ssl_(std::move(ssl)), identity_(std::move(identity)), handshake_(std::make_unique<handshake_state>()) {
    BIO* bio = tls_bio::make(*this);
    SSL_set_bio(ssl_.get(), bio, bio);
    tls_context::observe(ssl_.get(), this);
}

tls_layer::~tls_layer() {
    give_back(out_, out_capacity_);
    give_back(direct_, direct_size);
}

std::string_view tls_layer::alpn() const noexcept {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};  // check-idioms: allow cast, OpenSSL's bytes
}

void tls_layer::new_session(ssl_session_pointer session) noexcept {
    try {
        identity_.context->keep_session(identity_.subject + '/' + identity_.verified, std::move(session));
    } catch (...) {
        // Not kept: the next connection makes a whole handshake.
    }
}

void tls_layer::certificate_refused(const X509* certificate, int problem) noexcept {
    try {
        if (handshake_) handshake_->refusal = certificate_problem(certificate, problem, identity_.verified, SSL_is_server(ssl_.get()) == 1);
    } catch (...) {
        // Refused without a reason given.
    }
}

// ---- the handshake

handshake_awaiter::~handshake_awaiter() {
    if (suspended()) of_.abandon_handshake();
}

bool handshake_awaiter::start(promise_base& frame, std::source_location at) {
    if (!suspend(frame, at)) {
        of_.abandon_handshake();
        return false;
    }
    of_.begin_handshake(*this);
    return true;
}

void handshake_awaiter::cancel() noexcept {
    of_.abandon_handshake();
    wake_cancelled();
}

void tls_layer::begin_handshake(handshake_awaiter& waiting) {
    handshake_->waiting = &waiting;
    stream_.needs_bytes_ = true;
    if (!stream_.input.empty()) {
        // What was received before the layer was there.
        const std::string early{stream_.input.take(stream_.input.size())};
        feed(early.data(), early.size());
    } else {
        step_handshake();
    }
    flush();
    if (!handshake_) return;
    if (stream_.input_at_end) return receive_ended(stream_.input_error);
    if (!stream_.receiving()) stream_.arm();
}

void tls_layer::step_handshake() {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) {
        established_ = true;
        held_ = 0;
        return end_handshake(nullptr);
    }
    if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return;
    broken_ = has_last_words_ = true;
    end_handshake(handshake_failure(identity_.subject, handshake_->refusal, handshake_->first_bytes));
}

void tls_layer::end_handshake(std::exception_ptr failed) noexcept {
    stream_.needs_bytes_ = false;
    const auto ended = std::move(handshake_);
    if (failed) {
        // Nothing that was meant to be secret goes out; the alert still does.
        give_back(std::exchange(stream_.memory_, nullptr), stream_.capacity_);
        stream_.set_buffer(nullptr, 0);
        if (stream_.waiting_.empty())
            stream_.refuse_output();
        else
            stream_.fail_output(failed);
        if (!stream_.input_at_end) stream_.input_ended(failed);
    }
    if (!ended->waiting) return;
    ended->waiting->error_ = std::move(failed);
    ended->waiting->wake();
}

/// Nobody waits any longer, so that nobody knows what was agreed on.
void tls_layer::abandon_handshake() noexcept {
    if (!handshake_) return;
    handshake_->waiting = nullptr;
    broken_ = true;
    out_size_ = 0;
    end_handshake(error_from([&] { return tls::handshake_error("tls " + identity_.subject + ": the handshake was cancelled"); }));
}

// ---- receiving

std::span<char> tls_layer::direct_room() {
    if (!direct_) direct_ = loop::current().buffers().take(direct_size);
    return {direct_, direct_size};
}

void tls_layer::take_bytes(const char* data, std::size_t size) {
    if (!below_) return take_records(data, size);
    std::string carried;
    std::exception_ptr why;
    const bool goes_on = below_->open(data, size, carried, why);
    if (data == direct_) give_back(std::exchange(direct_, nullptr), direct_size);
    if (data == below_->direct_) give_back(std::exchange(below_->direct_, nullptr), direct_size);
    if (!carried.empty()) take_records(carried.data(), carried.size());
    if (below_->out_size_ != 0) flush();
    if (below_->out_size_ > most_answers && !broken_) refuse_more_answers();
    if (!goes_on) receive_ended(std::move(why));
}

bool tls_layer::open(const char* data, std::size_t size, std::string& into, std::exception_ptr& why) {
    if (broken_) return false;
    ERR_clear_error();
    in_ = data;
    in_end_ = data + size;
    int failed = SSL_ERROR_NONE;
    while (in_ != in_end_) {
        const std::size_t had = into.size();
        into.resize(had + largest_record);  // a whole record each time, so that none waits in the SSL
        std::size_t got = 0;
        const int done = SSL_read_ex(ssl_.get(), into.data() + had, largest_record, &got);
        into.resize(had + (done == 1 ? got : 0));
        if (done != 1) {
            failed = SSL_get_error(ssl_.get(), done);
            break;
        }
    }
    in_ = in_end_ = nullptr;
    held_ = 0;
    if (failed == SSL_ERROR_NONE || failed == SSL_ERROR_WANT_READ) return true;
    broken_ = true;
    if (failed != SSL_ERROR_ZERO_RETURN) why = stream_failure(identity_.subject, "read");
    return false;
}

bool tls_layer::seal(const char* data, std::size_t size) {
    reserve_out(size + (size / largest_record + 1) * record_overhead);
    ERR_clear_error();
    std::size_t written = 0;
    if (SSL_write_ex(ssl_.get(), data, size, &written) == 1) return true;
    broken_ = true;
    stream_.fail_output(stream_failure(identity_.subject, "write"));
    stream_.stop_receiving();
    return false;
}

void tls_layer::take_records(const char* data, std::size_t size) {
    const bool was_established = established_;
    if (!broken_ && !stream_.input_at_end) {
        if (data != direct_ && stream_.has_target()) {
            // A receive that was armed before the layer was there: it has put its bytes where those that they carry will be.
            const std::string copy{data, size};
            feed(copy.data(), copy.size());
        } else {
            feed(data, size);
        }
        // What was written during the handshake has waited for its end.
        if (out_size_ != 0 || (!was_established && stream_.size_ != 0)) flush();
        // What the application wrote is encrypted only when the kernel takes it: these are answers, and they wait.
        if (established_ && out_size_ > most_answers && !broken_) refuse_more_answers();
    }
    // A receive that is armed again takes one from the pool, so that one that is not owns none.
    if (data == direct_) give_back(std::exchange(direct_, nullptr), direct_size);
}

/// A peer may ask for new keys as often as it likes, but then it has to read that it gets them.
void tls_layer::refuse_more_answers() {
    broken_ = true;
    const auto why = std::make_exception_ptr(tls::error("tls " + identity_.subject + ": the peer asks for new keys again and again and does not read the answers"));
    stream_.fail_output(why);
    stream_.stop_receiving();
    if (!stream_.input_at_end) stream_.input_ended(why);
}

void tls_layer::feed(const char* data, std::size_t size) {
    in_ = data;
    in_end_ = data + size;
    if (handshake_) {
        std::string& first = handshake_->first_bytes;
        if (first.size() < 5) first.append(data, std::min<std::size_t>(size, 5 - first.size()));
        step_handshake();
    }
    if (established_ && in_ != in_end_) decrypt();
    in_ = in_end_ = nullptr;
}

/// Takes every whole record of what is in hand; of an incomplete one OpenSSL keeps the beginning.
void tls_layer::decrypt() {
    ERR_clear_error();
    // Plain text is never longer than the records that carry it. (Records without any, of which there may be many, leave `held_` as it is.)
    const std::size_t most = held_ + static_cast<std::size_t>(in_end_ - in_);
    char* into = stream_.input.room(most, most, stream_.reading == nullptr);
    const std::size_t had = stream_.input.size();
    int failed = SSL_ERROR_NONE;
    while (in_ != in_end_) {
        std::size_t got = 0;
        if (const int done = SSL_read_ex(ssl_.get(), into, stream_.input.room_size(), &got); done != 1) {
            failed = SSL_get_error(ssl_.get(), done);
            break;
        }
        held_ = 0;
        stream_.input.commit(got);
        into += got;
    }
    if (stream_.input.size() != had) stream_.bytes_arrived();
    if (failed == SSL_ERROR_NONE || failed == SSL_ERROR_WANT_READ) return;
    if (failed == SSL_ERROR_ZERO_RETURN) return stream_.input_ended(nullptr);
    broken_ = true;
    stream_.input_ended(stream_failure(identity_.subject, "read"));
}

void tls_layer::receive_ended(std::exception_ptr why) noexcept {
    const bool shaking_hands = handshake_ != nullptr;
    if (!shaking_hands && stream_.input_at_end) return;
    try {
        if (shaking_hands)
            why = handshake_broken_off(identity_.subject, why);
        else if (!why && !identity_.allow_truncation)
            why = stream_truncated(identity_.subject);
    } catch (...) {  // no memory for the words
        why = std::current_exception();
    }
    if (!shaking_hands) return stream_.input_ended(std::move(why));
    broken_ = true;
    end_handshake(std::move(why));
}

// ---- sending

void tls_layer::reserve_out(std::size_t size) {
    if (out_size_ + size <= out_capacity_) return;
    buffer_pool& pool = loop::current().buffers();
    const std::size_t larger = buffer_pool::rounded(out_size_ + size);
    char* memory = pool.take(larger);
    if (out_size_ != 0) std::memcpy(memory, out_, out_size_);
    if (out_) pool.give_back(out_, out_capacity_);
    out_ = memory;
    out_capacity_ = static_cast<std::uint32_t>(larger);
}

void tls_layer::flush() noexcept {
    if (!stream_.sending() && !stream_.closed() && !stream_.output_failed()) {
        make_records();
        tls_layer& last = below_ ? *below_ : *this;
        if (last.out_size_ != 0 && !stream_.output_failed()) {
            const std::uint32_t sized = std::exchange(last.out_size_, 0);
            stream_.send_buffer(std::exchange(last.out_, nullptr), std::exchange(last.out_capacity_, 0), sized);
        }
    }
    stream_.update_fast_end();
}

/// Makes records of everything that was written, and of these those of the layer below.
void tls_layer::make_records() noexcept {
    try {
        if (stream_.size_ != 0 && established_) encrypt();
        if (!below_ || out_size_ == 0) return;
        below_->seal(out_, std::exchange(out_size_, 0));
    } catch (...) {
        stream_.fail_output(std::current_exception());
        stream_.stop_receiving();
    }
    if (below_) give_back(std::exchange(out_, nullptr), std::exchange(out_capacity_, 0));
}

void tls_layer::encrypt() {
    reserve_out(stream_.size_ + (stream_.size_ / largest_record + 1) * record_overhead);
    ERR_clear_error();
    std::size_t written = 0;
    const int done = SSL_write_ex(ssl_.get(), stream_.memory_, stream_.size_, &written);
    give_back(std::exchange(stream_.memory_, nullptr), stream_.capacity_);
    stream_.set_buffer(nullptr, 0);
    if (done == 1) return;
    broken_ = true;
    stream_.fail_output(stream_failure(identity_.subject, "write"));
    stream_.stop_receiving();
}

void tls_layer::before_end(bool in_order) noexcept {
    if (!in_order || !established_ || broken_) return;
    make_records();
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    if (below_ && !below_->broken_) {
        make_records();
        SSL_shutdown(below_->ssl_.get());
    }
    ERR_clear_error();
    flush();
}

}  // namespace leat::detail
