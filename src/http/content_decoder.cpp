#include "http/content_decoder.hpp"

#include <string>
#include <utility>
#include <vector>

#include "http/ascii.hpp"
#include "http/decoders/decoders.hpp"
#include "leat/http/error.hpp"
#include "leat/log/printable.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t most_codings = 3;  // more is nobody's idea but an attacker's
constexpr std::size_t longest_silence = 1024 * 1024;

/// Several codings, one inside the other.
class decoder_chain final : public content_decoder {
public:
    /// The first one is the first to be undone.
    explicit decoder_chain(std::vector<std::unique_ptr<content_decoder>> stages) : stages_(std::move(stages)) {}

    void feed(std::string_view coded) override { stages_.front()->feed(coded); }
    std::string_view next() override {
        silence_ = 0;
        return pull(stages_.size() - 1);
    }
    void finish() override {
        for (auto& stage : stages_) stage->finish();
    }

private:
    std::string_view pull(std::size_t index) {
        for (;;) {
            const auto made = stages_[index]->next();
            if (!made.empty() || index == 0) return made;
            const auto more = pull(index - 1);
            if (more.empty()) return {};
            // A bomb that unpacks to empty frames would keep the loop busy for hours without a byte for anybody.
            silence_ += more.size();
            if (silence_ > longest_silence) throw http::protocol_error("content coding: it unpacks to nothing but work");
            stages_[index]->feed(more);
        }
    }

    std::vector<std::unique_ptr<content_decoder>> stages_;
    std::size_t silence_ = 0;  // bytes that went between stages since the last ones came out
};

/// Null for one that changes nothing.
std::unique_ptr<content_decoder> decoder_for(std::string_view name) {
    if (name.empty() || http::ascii::equal(name, "identity")) return nullptr;
    if (http::ascii::equal(name, "gzip") || http::ascii::equal(name, "x-gzip")) return make_gzip_decoder();
    if (http::ascii::equal(name, "deflate")) return make_deflate_decoder();
    if (http::ascii::equal(name, "br")) return make_brotli_decoder();
    if (http::ascii::equal(name, "zstd")) return make_zstd_decoder();
    throw http::protocol_error("content coding: an unknown one: " + printable(name, 40));
}

}  // namespace

std::unique_ptr<content_decoder> content_decoder::for_codings(std::string_view codings) {
    std::vector<std::unique_ptr<content_decoder>> stages;
    // They stand in the order in which they were applied: the last one is undone first.
    while (!codings.empty()) {
        const auto comma = codings.rfind(',');
        auto stage = decoder_for(http::ascii::trim(codings.substr(comma + 1)));
        codings = codings.substr(0, comma == std::string_view::npos ? 0 : comma);
        if (!stage) continue;
        if (stages.size() == most_codings) throw http::protocol_error("content coding: more than " + std::to_string(most_codings) + " of them");
        stages.push_back(std::move(stage));
    }
    if (stages.empty()) return nullptr;
    if (stages.size() == 1) return std::move(stages.front());
    return std::make_unique<decoder_chain>(std::move(stages));
}

std::string_view accepted_codings() noexcept { return "gzip, deflate, br, zstd"; }

void throw_damaged(std::string_view coding, std::string_view why) {
    std::string text = "content coding ";
    throw http::protocol_error(text.append(coding).append(": ").append(why));
}

void throw_cut_short(std::string_view coding, std::uint64_t given) {
    std::string text = "content coding ";
    text.append(coding).append(": the body stopped short after ").append(std::to_string(given)).append(" bytes of content");
    throw http::truncated_error(text, std::nullopt, given);
}

}  // namespace leat::detail
