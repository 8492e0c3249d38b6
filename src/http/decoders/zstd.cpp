#include <zstd.h>
#include <zstd_errors.h>

#include <new>

#include "http/decoders/decoders.hpp"

namespace leat::detail {
namespace {

constexpr int largest_window_log = 23;  // 8 MiB, which is all that RFC 9659 asks of a recipient

/// Could a frame begin with this byte? Those of RFC 8878 and skippable ones do; the library knows older formats too, which are not for the net.
bool begins_frame(char byte) noexcept {
    const auto value = static_cast<unsigned char>(byte);
    return value == 0x28 || (value & 0xF0) == 0x50;
}

class zstd_decoder final : public content_decoder {
public:
    zstd_decoder() : context_(ZSTD_createDCtx()), out_(std::make_unique_for_overwrite<char[]>(longest_content_piece)) {
        if (!context_) throw std::bad_alloc{};
        ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, largest_window_log);
    }

    void feed(std::string_view coded) override { input_ = coded; }

    std::string_view next() override {
        for (;;) {
            if (input_.empty() && !full_) return {};
            if (!inside_ && !begins_frame(input_.front()))
                throw_damaged("zstd", some_ended_ ? "something follows its end" : "it does not begin as a frame does");
            inside_ = true;
            if (const std::size_t made = decode(); made != 0) return {out_.get(), made};
        }
    }

    void finish() override {
        if (inside_) throw_cut_short("zstd", given_);
    }

private:
    std::size_t decode() {
        ZSTD_inBuffer from{input_.data(), input_.size(), 0};
        ZSTD_outBuffer to{out_.get(), longest_content_piece, 0};
        const std::size_t said = ZSTD_decompressStream(context_.get(), &to, &from);
        if (ZSTD_isError(said)) fail(said);
        input_.remove_prefix(from.pos);
        given_ += to.pos;
        inside_ = said != 0;
        some_ended_ = some_ended_ || said == 0;
        full_ = inside_ && to.pos == to.size;
        return to.pos;
    }
    [[noreturn]] static void fail(std::size_t said) {
        switch (ZSTD_getErrorCode(said)) {
            case ZSTD_error_memory_allocation: throw std::bad_alloc{};
            case ZSTD_error_frameParameter_windowTooLarge: throw_damaged("zstd", "its window is larger than 8 MiB");
            default: throw_damaged("zstd", ZSTD_getErrorName(said));
        }
    }

    struct freeing {
        void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
    };
    std::unique_ptr<ZSTD_DCtx, freeing> context_;
    std::unique_ptr<char[]> out_;
    std::string_view input_;
    std::uint64_t given_ = 0;
    bool inside_ = false;      // a frame that has begun and not ended
    bool some_ended_ = false;  // one has
    bool full_ = false;        // it may hold more than the piece had room for
};

}  // namespace

std::unique_ptr<content_decoder> make_zstd_decoder() { return std::make_unique<zstd_decoder>(); }

}  // namespace leat::detail
