// Input is only read, but without this zlib's interface would not say so.
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include "http/decoders/decoders.hpp"

namespace leat::detail {
namespace {

constexpr int largest_window = 15;  // 32 KiB, the most that the format has
constexpr int gzip_frame = 16;

/// What gzip and deflate share: a stream of zlib's, and pieces that are decoded into one buffer.
class inflating : public content_decoder {
public:
    inflating(std::string_view name, int window) : name_(name), out_(std::make_unique_for_overwrite<Bytef[]>(longest_content_piece)) {
        if (inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc{};
    }
    inflating(const inflating&) = delete;
    inflating& operator=(const inflating&) = delete;
    ~inflating() override { inflateEnd(&stream_); }

    void feed(std::string_view coded) final { input_ = coded; }
    void finish() final {
        if (inside_) throw_cut_short(name_, given_);
    }

protected:
    /// Decodes from `coded`, and takes off what it used. Empty: nothing more comes of it, or the stream has ended.
    std::string_view inflate_some(std::string_view& coded) {
        const auto offered = static_cast<uInt>(std::min<std::size_t>(coded.size(), std::numeric_limits<uInt>::max()));
        stream_.next_in = reinterpret_cast<const Bytef*>(coded.data());  // check-idioms: allow cast, zlib's bytes are unsigned
        stream_.avail_in = offered;
        stream_.next_out = out_.get();
        stream_.avail_out = static_cast<uInt>(longest_content_piece);
        const int said = ::inflate(&stream_, Z_NO_FLUSH);
        coded.remove_prefix(offered - stream_.avail_in);
        const std::size_t made = longest_content_piece - stream_.avail_out;
        given_ += made;
        if (said == Z_STREAM_END) inside_ = false;
        // What came out before the damage is given first: zlib repeats the error.
        if (made == 0) look_at(said);
        return {reinterpret_cast<const char*>(out_.get()), made};  // check-idioms: allow cast, zlib's bytes are unsigned
    }
    void restart() { inflateReset(&stream_); }
    void restart(int window) { inflateReset2(&stream_, window); }

    std::string_view name_;
    std::string_view input_;
    bool inside_ = false;  // a stream that has begun and not ended

private:
    void look_at(int said) const {
        switch (said) {
            case Z_OK:
            case Z_STREAM_END:
            case Z_BUF_ERROR: return;  // it needs more input
            case Z_MEM_ERROR: throw std::bad_alloc{};
            case Z_NEED_DICT: throw_damaged(name_, "it needs a dictionary");
            default: throw_damaged(name_, stream_.msg ? stream_.msg : "it is damaged");
        }
    }

    z_stream stream_{};
    std::unique_ptr<Bytef[]> out_;
    std::uint64_t given_ = 0;
};

class gzip_decoder final : public inflating {
public:
    gzip_decoder() : inflating("gzip", largest_window + gzip_frame) {}

    std::string_view next() override {
        for (;;) {
            if (!inside_ && !begin_member()) return {};
            const auto made = inflate_some(input_);
            if (!made.empty()) return made;
            if (inside_ && input_.empty()) return {};
        }
    }

private:
    bool begin_member() {
        if (some_ended_) {
            const auto zeros = std::min(input_.find_first_not_of('\0'), input_.size());
            padded_ = padded_ || zeros != 0;
            input_.remove_prefix(zeros);
        }
        if (input_.empty()) return false;
        if (padded_ || (some_ended_ && input_.front() != '\x1f')) throw_damaged(name_, "something follows its end");
        if (some_ended_) restart();
        some_ended_ = true;  // by the time that this is looked at again
        inside_ = true;
        return true;
    }

    bool some_ended_ = false;
    bool padded_ = false;
};

class deflate_decoder final : public inflating {
public:
    deflate_decoder() : inflating("deflate", largest_window) {}

    std::string_view next() override {
        if (!known_ && !look()) return {};
        for (;;) {
            if (!inside_) {
                if (!start_.empty() || !input_.empty()) throw_damaged(name_, "something follows its end");
                return {};
            }
            std::string_view& from = start_.empty() ? input_ : start_;
            const auto made = inflate_some(from);
            if (!made.empty()) return made;
            if (inside_ && start_.empty() && input_.empty()) return {};
        }
    }

private:
    /// Which of the two is it? The first two bytes tell: no encoder begins a bare stream with what is a zlib header, since its first block
    /// would be an uncompressed one with something in the bits that are left empty.
    bool look() {
        while (have_ < begin_.size() && !input_.empty()) {
            inside_ = true;
            begin_[have_++] = input_.front();
            input_.remove_prefix(1);
        }
        if (have_ < begin_.size()) return false;
        const unsigned first = static_cast<unsigned char>(begin_[0]), second = static_cast<unsigned char>(begin_[1]);
        const bool framed = (first & 15) == 8 && (first >> 4) <= 7 && (first * 256 + second) % 31 == 0;
        if (!framed) restart(-largest_window);
        start_ = {begin_.data(), begin_.size()};
        return known_ = true;
    }

    std::array<char, 2> begin_{};
    std::size_t have_ = 0;
    std::string_view start_;
    bool known_ = false;
};

}  // namespace

std::unique_ptr<content_decoder> make_gzip_decoder() { return std::make_unique<gzip_decoder>(); }
std::unique_ptr<content_decoder> make_deflate_decoder() { return std::make_unique<deflate_decoder>(); }

}  // namespace leat::detail
