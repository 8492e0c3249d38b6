#include "http/content_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <functional>
#include <string>
#include <vector>

#include "leat/http/error.hpp"

namespace leat {
namespace {

using detail::content_decoder;
using ::testing::HasSubstr;

// ---- encoders

constexpr int zlib_frame = 15, gzip_frame = 31, no_frame = -15;

std::string deflated(std::string_view text, int window, std::string_view dictionary = {}) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    if (!dictionary.empty()) {
        const auto size = static_cast<uInt>(dictionary.size());
        EXPECT_EQ(deflateSetDictionary(&stream, reinterpret_cast<const Bytef*>(dictionary.data()), size), Z_OK);
    }
    std::string out(deflateBound(&stream, text.size()) + 100, '\0');
    std::string in{text};
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}
std::string gzipped(std::string_view text) { return deflated(text, gzip_frame); }

/// As a stream, whose size is not in its head: then the window counts.
std::string zstd_of(std::string_view text, int window_log = 0) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    if (window_log != 0) ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    std::string out(ZSTD_compressBound(text.size()) + 100, '\0');
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    ZSTD_inBuffer from{text.data(), text.size(), 0};
    EXPECT_FALSE(ZSTD_isError(ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue)));
    EXPECT_EQ(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0u);
    out.resize(to.pos);
    ZSTD_freeCCtx(context);
    return out;
}

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
    return out;
}

std::string some_text() {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "line " + std::to_string(i) + " of a text that is worth the trouble\n";
    return text;
}
// What brotli 1.0.9 makes of some_text(), and of ten million zeros.
const std::string brotli_text = from_hex(
    "1bd506001c09368e72ab1a3b8f50e9269d923e606e6518161b6f0da2603617617200d43184b628c0c812a8aab417ab23951ef5e61384ee7f27b51b4d3a022212320a6a34"
    "68d1bd21d9175054525651ad462dba2c9682a292b28a6a356ad165a9141495945554ab511b3f");
const std::string brotli_zeros = from_hex("cbffff3ff82700e2b14020f7fe2fff2c31f04f00c46111808e2306");
constexpr std::size_t ten_million = 10'000'000;

// ---- decoding

std::string drained(content_decoder& decoder) {
    std::string all;
    for (auto piece = decoder.next(); !piece.empty(); piece = decoder.next()) {
        EXPECT_LE(piece.size(), 64u * 1024);
        all += piece;
    }
    return all;
}

std::string decoded(std::string_view codings, std::initializer_list<std::string_view> pieces) {
    auto decoder = content_decoder::for_codings(codings);
    std::string all;
    for (auto piece : pieces) {
        decoder->feed(piece);
        all += drained(*decoder);
    }
    decoder->finish();
    return all;
}

/// "" or the kind of the error and its text.
std::string failure(const std::function<void()>& tried) {
    try {
        tried();
        return {};
    } catch (const http::truncated_error& e) {
        return std::string{"truncated: "} + e.what();
    } catch (const http::protocol_error& e) {
        return std::string{"protocol: "} + e.what();
    } catch (const std::exception& e) {
        return std::string{"another: "} + e.what();
    }
}

struct coded {
    std::string name;
    std::string bytes;
};
std::vector<coded> every_coding() {
    const std::string text = some_text();
    return {{"gzip", gzipped(text)},
            {"x-gzip", gzipped(text.substr(0, 700)) + gzipped(text.substr(700))},
            {"deflate", deflated(text, zlib_frame)},
            {"Deflate", deflated(text, no_frame)},
            {"br", brotli_text},
            {"zstd", zstd_of(text)},
            {"ZSTD", zstd_of(text.substr(0, 700)) + std::string("\x5A\x2A\x4D\x18\x03\0\0\0abc", 11) + zstd_of(text.substr(700))},
            {"zstd, gzip", gzipped(zstd_of(text))},
            {"br , identity,, gzip,deflate", deflated(gzipped(brotli_text), zlib_frame)}};
}

TEST(http_content_decoder, undoes_every_coding_wherever_the_input_is_split) {
    const std::string text = some_text();
    for (const auto& [name, bytes] : every_coding()) {
        const std::string_view all = bytes;
        EXPECT_EQ(decoded(name, {all}), text) << name;
        for (std::size_t at = 0; at <= all.size(); ++at) ASSERT_EQ(decoded(name, {all.substr(0, at), all.substr(at)}), text) << name << " split at " << at;
        auto decoder = content_decoder::for_codings(name);
        std::string got;
        for (std::size_t at = 0; at < all.size(); ++at) {
            decoder->feed(all.substr(at, 1));
            got += drained(*decoder);
        }
        decoder->finish();
        EXPECT_EQ(got, text) << name << " byte by byte";
    }
}

TEST(http_content_decoder, an_empty_body_is_empty_content) {
    for (const auto& entry : every_coding()) EXPECT_EQ(decoded(entry.name, {""}), "") << entry.name;
    EXPECT_EQ(decoded("gzip", {gzipped("")}), "");
    EXPECT_EQ(decoded("deflate", {deflated("", no_frame)}), "");
    EXPECT_EQ(decoded("br", {from_hex("3b")}), "");
    EXPECT_EQ(decoded("zstd", {zstd_of("")}), "");
}

TEST(http_content_decoder, knows_where_there_is_nothing_to_undo) {
    for (auto codings : {"", "identity", " identity , ", ","}) EXPECT_EQ(content_decoder::for_codings(codings), nullptr) << codings;
    EXPECT_EQ(detail::accepted_codings(), "gzip, deflate, br, zstd");
}

TEST(http_content_decoder, refuses_codings_that_it_does_not_know_and_too_many_of_them) {
    EXPECT_THAT(failure([] { content_decoder::for_codings("gzip, compress"); }), HasSubstr("protocol: content coding: an unknown one: compress"));
    EXPECT_THAT(failure([] { content_decoder::for_codings("gz\x1bip"); }), Not(HasSubstr("\x1b")));
    EXPECT_NE(content_decoder::for_codings("gzip, gzip, gzip"), nullptr);
    EXPECT_THAT(failure([] { content_decoder::for_codings("gzip, gzip, gzip, gzip"); }), HasSubstr("protocol: content coding: more than 3"));
}

TEST(http_content_decoder, tells_at_the_end_if_the_coding_stops_short) {
    for (const auto& [name, bytes] : every_coding()) {
        for (std::size_t size = 1; size < bytes.size(); ++size) {
            auto decoder = content_decoder::for_codings(name);
            decoder->feed(std::string_view{bytes}.substr(0, size));
            const std::string got = drained(*decoder);
            ASSERT_EQ(some_text().substr(0, got.size()), got) << name;
            const std::string said = failure([&] { decoder->finish(); });
            // Between two members, or frames, nobody can know that there was another.
            if (said.empty() && (name == "x-gzip" || name == "ZSTD") && got == some_text().substr(0, 700)) continue;
            ASSERT_THAT(said, HasSubstr("truncated: content coding ")) << name << " after " << size;
        }
    }
    EXPECT_THAT(failure([] { decoded("br", {std::string_view{brotli_text}.substr(0, 50)}); }), HasSubstr("content coding br: the body stopped short after "));
}

TEST(http_content_decoder, names_the_coding_that_is_damaged) {
    std::string gzip = gzipped(some_text());
    gzip[gzip.size() - 6] ^= 1;
    EXPECT_THAT(failure([&] { decoded("gzip", {gzip}); }), HasSubstr("protocol: content coding gzip: incorrect data check"));
    EXPECT_THAT(failure([&] { decoded("gzip", {"no such thing"}); }), HasSubstr("protocol: content coding gzip: incorrect header check"));
    EXPECT_THAT(failure([&] { decoded("deflate", {"\xff\xff\xff\xff"}); }), HasSubstr("protocol: content coding deflate: invalid block type"));
    EXPECT_THAT(failure([&] { decoded("br", {"\xff\xff\xff\xff"}); }), HasSubstr("protocol: content coding br: "));
    EXPECT_THAT(failure([&] { decoded("zstd", {"no such thing"}); }), HasSubstr("protocol: content coding zstd: it does not begin as a frame does"));
    EXPECT_THAT(failure([&] { decoded("deflate", {deflated("text", zlib_frame, "a dictionary")}); }), HasSubstr("deflate: it needs a dictionary"));
    EXPECT_THAT(failure([&] { decoded("zstd, gzip", {gzipped("no such thing")}); }), HasSubstr("content coding zstd: "));
}

TEST(http_content_decoder, gives_what_came_before_the_damage) {
    std::string gzip = gzipped(some_text());
    gzip[gzip.size() - 6] ^= 1;
    auto decoder = content_decoder::for_codings("gzip");
    decoder->feed(gzip);
    EXPECT_EQ(decoder->next(), some_text());
    EXPECT_THAT(failure([&] { decoder->next(); }), HasSubstr("incorrect data check"));
}

TEST(http_content_decoder, whatever_bit_is_wrong_ends_in_an_error_of_http_or_in_the_same_text) {
    const std::string text = some_text();
    for (const auto& [name, bytes] : every_coding()) {
        const bool checked = name.find("gzip") != std::string::npos || name == "zstd" || name == "deflate";
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::string wrong = bytes;
            wrong[bit / 8] = static_cast<char>(wrong[bit / 8] ^ (1 << bit % 8));
            std::string got;
            const std::string said = failure([&] { got = decoded(name, {wrong}); });
            ASSERT_FALSE(said.starts_with("another")) << name << ", bit " << bit << ": " << said;
            ASSERT_TRUE(!said.empty() || !checked || got == text) << name << ", bit " << bit;
        }
    }
}

TEST(http_content_decoder, minds_what_follows_the_end) {
    for (const auto& [name, bytes] : every_coding()) {
        if (name.find(',') != std::string::npos) continue;
        EXPECT_THAT(failure([&] { decoded(name, {bytes, "garbage"}); }), HasSubstr(": something follows its end")) << name;
        EXPECT_THAT(failure([&] { decoded(name, {bytes + "garbage"}); }), HasSubstr(": something follows its end")) << name;
    }
    // gzip(1) pads with zeros, but then nothing may come.
    EXPECT_EQ(decoded("gzip", {gzipped("text") + std::string(600, '\0'), std::string(3, '\0')}), "text");
    EXPECT_THAT(failure([] { decoded("gzip", {gzipped("text") + std::string(1, '\0') + gzipped("more")}); }), HasSubstr("something follows its end"));
}

TEST(http_content_decoder, a_bomb_costs_its_reader_only_what_is_read) {
    const std::string zeros(ten_million, '\0');
    const std::vector<coded> bombs{{"gzip", gzipped(zeros)}, {"deflate", deflated(zeros, no_frame)}, {"br", brotli_zeros}, {"zstd", zstd_of(zeros)},
                                   {"br, gzip", gzipped(brotli_zeros)}, {"gzip, gzip", gzipped(gzipped(zeros))}};
    for (const auto& [name, bytes] : bombs) {
        ASSERT_LT(bytes.size(), 20'000u) << name;
        auto decoder = content_decoder::for_codings(name);
        decoder->feed(bytes);
        std::size_t size = 0, pieces = 0;
        for (auto piece = decoder->next(); !piece.empty(); piece = decoder->next(), ++pieces) {
            ASSERT_LE(piece.size(), 64u * 1024) << name;
            ASSERT_EQ(piece.find_first_not_of('\0'), std::string_view::npos) << name;
            size += piece.size();
        }
        decoder->finish();
        EXPECT_EQ(size, ten_million) << name;
        EXPECT_GE(pieces, ten_million / (64 * 1024)) << name;
        // Nobody has to read it to the end.
        auto dropped = content_decoder::for_codings(name);
        dropped->feed(bytes);
        EXPECT_FALSE(dropped->next().empty()) << name;
    }
}

TEST(http_content_decoder, a_bomb_of_empty_frames_is_an_error_rather_than_hours_of_work) {
    const std::string empty = gzipped("");
    std::string many;
    while (many.size() < 4'000'000) many += empty;
    const std::string bomb = gzipped(many);
    ASSERT_LT(bomb.size(), 40'000u);
    auto decoder = content_decoder::for_codings("gzip, gzip");
    decoder->feed(bomb);
    EXPECT_THAT(failure([&] { decoder->next(); }), HasSubstr("protocol: content coding: it unpacks to nothing but work"));
}

TEST(http_content_decoder, zstd_needs_no_more_than_eight_megabytes) {
    const std::string text = some_text();
    EXPECT_EQ(decoded("zstd", {zstd_of(text, 23)}), text);
    EXPECT_THAT(failure([&] { decoded("zstd", {zstd_of(text, 24)}); }), HasSubstr("protocol: content coding zstd: its window is larger than 8 MiB"));
}

TEST(http_content_decoder, zstd_leaves_the_formats_of_its_youth_alone) {
    for (char version : {'\x22', '\x23', '\x24', '\x25', '\x26', '\x27'})
        EXPECT_THAT(failure([&] { decoded("zstd", {std::string{version} + "\xB5\x2F\xFD rest"}); }), HasSubstr("it does not begin as a frame does"));
}

}  // namespace
}  // namespace leat
