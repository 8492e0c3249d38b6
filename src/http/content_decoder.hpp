#pragma once
#include <memory>
#include <string_view>

namespace leat::detail {

/// Undoes the codings of a body (Content-Encoding), piece by piece and in bounded memory.
///
///     decoder->feed(piece);
///     for (auto out = decoder->next(); !out.empty(); out = decoder->next()) use(out);
///     …at the end of the body:  decoder->finish();
class content_decoder {
public:
    /// For the value of a Content-Encoding; null where there is nothing to undo ("identity", or empty).
    /// Throws http::protocol_error for a coding it does not know, or more than a few of them.
    static std::unique_ptr<content_decoder> for_codings(std::string_view codings);
    virtual ~content_decoder() = default;

    /// The next piece as it came, which stays where it is until next() has given nothing. Only then.
    virtual void feed(std::string_view coded) = 0;
    /// The next piece of content, valid until the next call; empty: all that was fed is used up. Throws http::protocol_error where it is damaged.
    virtual std::string_view next() = 0;
    /// The body has ended. Throws http::truncated_error if the coding says that there was more.
    virtual void finish() = 0;
};

/// What a request says that it can undo: "gzip, deflate, br, zstd".
std::string_view accepted_codings() noexcept;

}  // namespace leat::detail
