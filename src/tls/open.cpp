#include "tls/open.hpp"

#include <utility>

#include "leat/io/error.hpp"
#include "leat/task/timeout.hpp"
#include "net/open.hpp"
#include "tls/secure.hpp"
#include "tls/tls_layer.hpp"

namespace leat::detail {
namespace {

/// Owns a stream that nobody else holds yet.
class held_stream {
public:
    explicit held_stream(tcp_stream* stream) noexcept : stream_(stream) {}
    held_stream(held_stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)), orderly_(other.orderly_) {}
    held_stream& operator=(held_stream&&) = delete;
    /// Only while it holds none.
    void take(held_stream&& other) noexcept { stream_ = other.release(); }
    ~held_stream() {
        if (!stream_) return;
        if (!orderly_) stream_->abort();
        stream_->reader_dropped();
        stream_->writer_dropped();
    }
    tcp_stream* get() const noexcept { return stream_; }
    tcp_stream* release() noexcept { return std::exchange(stream_, nullptr); }
    /// If it is dropped, what there is to send (an alert) is sent first.
    void drop_in_order() noexcept { orderly_ = true; }

private:
    tcp_stream* stream_;
    bool orderly_ = false;
};

task<held_stream> connect_held(endpoint to, connect_options options) {
    tcp_stream* opened = co_await open_tcp(std::move(to), options);
    co_return held_stream{opened};
}

task<tcp_stream*> open_with(endpoint to, tls_client_settings settings) {
    auto context = co_await shared_tls_context(settings.trust());
    co_return co_await open_tls(std::move(to), std::move(settings), std::move(context));
}

}  // namespace

task<tcp_stream*> open_tls(endpoint to, const tls_client_settings& settings) { return open_with(std::move(to), settings); }

task<tcp_stream*> open_tls(endpoint to, tls_client_settings settings, std::shared_ptr<tls_context> context) {
    const std::string name = to.to_string();
    std::string host = settings.server_name.empty() ? to.host() : settings.server_name;
    held_stream stream{nullptr};
    if (settings.connecting.timeout > duration::zero()) {
        auto connected = co_await (timeout(settings.connecting.timeout, connect_held(std::move(to), settings.connecting)) | as_result);
        if (!connected) {
            try {
                std::rethrow_exception(connected.error().exception());
            } catch (const timeout_error& e) {
                throw timeout_error("connect " + name + ": " + e.what());
            }
        }
        stream.take(std::move(*connected));
    } else {
        stream.take(co_await connect_held(std::move(to), settings.connecting));
    }
    auto secured = co_await (secure_client(*stream.get(), std::move(context), std::move(settings), name, std::move(host)) | as_result);
    if (!secured) {
        const tls_layer* layer = tls_layer::of(*stream.get());
        if (layer && layer->has_last_words()) stream.drop_in_order();  // so that the peer hears why
        std::rethrow_exception(secured.error().exception());
    }
    co_return stream.release();
}

std::string_view negotiated_protocol(const tcp_stream& stream) noexcept {
    const tls_layer* layer = tls_layer::of(stream);
    return layer ? layer->alpn() : std::string_view{};
}

}  // namespace leat::detail
