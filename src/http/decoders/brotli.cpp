#include <brotli/decode.h>

#include <new>

#include "http/decoders/decoders.hpp"

namespace leat::detail {
namespace {

/// Gives pieces of the decoder's own window, without a copy.
class brotli_decoder final : public content_decoder {
public:
    brotli_decoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
        if (!state_) throw std::bad_alloc{};
    }
    brotli_decoder(const brotli_decoder&) = delete;
    brotli_decoder& operator=(const brotli_decoder&) = delete;
    ~brotli_decoder() override { BrotliDecoderDestroyInstance(state_); }

    void feed(std::string_view coded) override {
        input_ = coded;
        begun_ = begun_ || !coded.empty();
    }

    std::string_view next() override {
        for (;;) {
            std::size_t size = longest_content_piece;
            if (const auto* made = BrotliDecoderTakeOutput(state_, &size); size != 0) {
                given_ += size;
                return {reinterpret_cast<const char*>(made), size};  // check-idioms: allow cast, brotli's bytes are unsigned
            }
            if (BrotliDecoderIsFinished(state_)) {
                if (!input_.empty()) throw_damaged("br", "something follows its end");
                return {};
            }
            if (input_.empty() && !full_) return {};
            decode();
        }
    }

    void finish() override {
        if (begun_ && !BrotliDecoderIsFinished(state_)) throw_cut_short("br", given_);
    }

private:
    void decode() {
        std::size_t left = input_.size();
        const auto* from = reinterpret_cast<const std::uint8_t*>(input_.data());  // check-idioms: allow cast, brotli's bytes are unsigned
        std::size_t room = 0;  // it stays in the window until it is taken
        const auto said = BrotliDecoderDecompressStream(state_, &left, &from, &room, nullptr, nullptr);
        input_.remove_prefix(input_.size() - left);
        full_ = said == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
        if (said != BROTLI_DECODER_RESULT_ERROR) return;
        const auto code = BrotliDecoderGetErrorCode(state_);
        if (code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES && code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES) throw std::bad_alloc{};
        throw_damaged("br", BrotliDecoderErrorString(code));
    }

    BrotliDecoderState* state_;
    std::string_view input_;
    std::uint64_t given_ = 0;
    bool begun_ = false;
    bool full_ = false;  // it has not used all of the input that it took
};

}  // namespace

std::unique_ptr<content_decoder> make_brotli_decoder() { return std::make_unique<brotli_decoder>(); }

}  // namespace leat::detail
