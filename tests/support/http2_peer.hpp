#pragma once
#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "leat/net/server.hpp"
#include "leat/task/sleep.hpp"

namespace leat::testing {

/// One frame of HTTP/2 as it came.
struct http2_frame {
    enum kind : std::uint8_t { data = 0, headers = 1, priority = 2, reset = 3, settings = 4, push = 5, ping = 6, goaway = 7, window = 8, continuation = 9 };
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;
    std::string payload;
    std::map<std::string, std::string> fields = {};  // of headers

    std::uint32_t number(std::size_t at = 0) const {
        std::uint32_t value = 0;
        for (std::size_t i = at; i < at + 4 && i < payload.size(); ++i) value = value << 8 | static_cast<unsigned char>(payload[i]);
        return value;
    }
};

constexpr std::uint8_t end_stream = 1;
constexpr std::uint8_t end_headers = 4;
constexpr std::uint8_t is_ack = 1;

inline std::string four(std::uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8), static_cast<char>(value)};
}

/// A field of a head, never compressed.
inline std::string field(std::string_view name, std::string_view value) {
    const auto length = [](std::size_t size) {
        std::string out;
        if (size < 127) return out += static_cast<char>(size);
        out += '\x7f';
        for (size -= 127; size >= 128; size >>= 7) out += static_cast<char>((size & 127) | 128);
        return out += static_cast<char>(size);
    };
    return std::string(1, '\0') + length(name.size()) + std::string{name} + length(value.size()) + std::string{value};
}

/// The server's end of one HTTP/2 connection, frame by frame, however wrong that is.
class http2_peer {
public:
    http2_peer(stream_reader in, stream_writer out, std::size_t number) : connection(number), reader_(std::move(in)), writer_(std::move(out)) {
        nghttp2_hd_inflater* made = nullptr;
        nghttp2_hd_inflate_new(&made);
        inflater_.reset(made);
        writer_.set_linger(std::chrono::milliseconds{50});
    }

    /// The client's preface, and the server's SETTINGS, with more of them if wanted.
    task<> begin(std::string settings = {}) {
        auto preface = co_await reader_.read_exactly(24);
        greeted = preface == "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        co_await send(http2_frame::settings, 0, 0, std::move(settings));
    }
    /// The next frame, whatever it is; nothing at the end.
    task<std::optional<http2_frame>> next() {
        auto head = co_await (reader_.read_exactly(9) | as_result);
        if (!head) {
            end = head.error().message();
            co_return std::nullopt;
        }
        const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>((*head)[i])); };
        http2_frame frame;
        const std::size_t size = at(0) << 16 | at(1) << 8 | at(2);
        frame.type = static_cast<std::uint8_t>(at(3));
        frame.flags = static_cast<std::uint8_t>(at(4));
        frame.stream = (at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8)) & 0x7fffffff;
        if (size != 0) {
            auto rest = co_await (reader_.read_exactly(size) | as_result);
            if (!rest) co_return std::nullopt;
            frame.payload = *rest;
        }
        if (frame.type == http2_frame::settings && !(frame.flags & is_ack)) co_await send(http2_frame::settings, is_ack, 0, {});
        if (frame.type == http2_frame::window && frame.stream == 0) window += frame.number();
        if (frame.type == http2_frame::headers) frame.fields = inflate(frame);
        co_return frame;
    }
    /// The next frame of that type.
    task<std::optional<http2_frame>> next(std::uint8_t type) {
        for (;;) {
            auto frame = co_await next();
            if (!frame || frame->type == type) co_return frame;
        }
    }
    task<> send(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string payload) {
        std::string all{static_cast<char>(payload.size() >> 16), static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size()), static_cast<char>(type), static_cast<char>(flags)};
        all += four(stream) + payload;
        auto written = co_await (writer_.write(all) | as_result);
        (void)written;
    }
    /// A head with this status and these fields, as field() makes them.
    task<> head(std::uint32_t stream, int status, std::string fields = {}, bool last = false) {
        std::string block = field(":status", std::to_string(status)) + fields;
        const int flags = last ? end_headers | end_stream : end_headers;
        co_await send(http2_frame::headers, static_cast<std::uint8_t>(flags), stream, std::move(block));
    }
    task<> data(std::uint32_t stream, std::string bytes, bool last = false) {
        const std::uint8_t flags = last ? end_stream : 0;
        co_await send(http2_frame::data, flags, stream, std::move(bytes));
    }
    task<> answer(std::uint32_t stream, std::string body) {
        co_await head(stream, 200);
        co_await data(stream, std::move(body), true);
    }
    task<> goaway(std::uint32_t last, std::uint32_t code, std::string words = {}) { co_await send(http2_frame::goaway, 0, 0, four(last) + four(code) + words); }
    task<> raw(std::string bytes) { co_await writer_.write(bytes); }
    task<> close() {
        auto closed = co_await (writer_.close() | as_result);
        (void)closed;
    }

    const std::size_t connection;  // the first is 0
    bool greeted = false;
    std::string end;                // what the read said that found the end
    std::int64_t window = 65535;    // bytes of bodies that may be sent over the whole connection, less what the test counts off

private:
    std::map<std::string, std::string> inflate(const http2_frame& frame) {
        std::map<std::string, std::string> all;
        const auto* at = reinterpret_cast<const std::uint8_t*>(frame.payload.data());
        std::size_t left = frame.payload.size();
        if (frame.flags & 0x20) at += 5, left -= 5;
        for (;;) {
            nghttp2_nv found;
            int flags = 0;
            const auto used = nghttp2_hd_inflate_hd2(inflater_.get(), &found, &flags, at, left, 1);
            if (used < 0) break;
            at += used;
            left -= static_cast<std::size_t>(used);
            if (flags & NGHTTP2_HD_INFLATE_EMIT) all.emplace(std::string(reinterpret_cast<char*>(found.name), found.namelen), std::string(reinterpret_cast<char*>(found.value), found.valuelen));
            if (flags & NGHTTP2_HD_INFLATE_FINAL) {
                nghttp2_hd_inflate_end_headers(inflater_.get());
                break;
            }
        }
        return all;
    }

    struct inflater_deleter {
        void operator()(nghttp2_hd_inflater* inflater) const noexcept { nghttp2_hd_inflate_del(inflater); }
    };
    stream_reader reader_;
    stream_writer writer_;
    std::unique_ptr<nghttp2_hd_inflater, inflater_deleter> inflater_;
};

/// A server of clear-text HTTP/2 that does what a test tells it on each connection.
class http2_server {
public:
    explicit http2_server(std::function<task<>(http2_peer&)> script) : script_(std::move(script)) {}

    task<> start() {
        auto handler = [this](stream_reader reader, stream_writer writer) { return serve(std::move(reader), std::move(writer)); };
        server_.emplace(co_await start_server(handler, {"127.0.0.1", 0}));
    }
    std::string url(std::string_view target) const { return "http://127.0.0.1:" + std::to_string(server_->address().port()) + std::string{target}; }

    std::size_t connections = 0;
    std::size_t open = 0;

private:
    task<> serve(stream_reader reader, stream_writer writer) {
        http2_peer peer{std::move(reader), std::move(writer), connections++};
        struct leaving {
            ~leaving() { --count; }
            std::size_t& count;
        } at_the_end{++open};
        auto done = co_await (script_(peer) | as_result);
        (void)done;
    }

    std::function<task<>(http2_peer&)> script_;
    std::optional<server> server_;
};

}  // namespace leat::testing
