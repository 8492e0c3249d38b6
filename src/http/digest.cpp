#include "http/digest.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <new>

#include "http/ascii.hpp"
#include "http/percent.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

std::string hex_digest(digest_challenge::algorithm how, std::initializer_list<std::string_view> parts) {
    using algorithm = digest_challenge::algorithm;
    const EVP_MD* kind = how == algorithm::md5 ? EVP_md5() : how == algorithm::sha256 ? EVP_sha256() : EVP_sha512_256();
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    bool works = context && EVP_DigestInit_ex(context.get(), kind, nullptr) == 1;
    for (auto part : parts) works = works && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned size = 0;
    if (!works || EVP_DigestFinal_ex(context.get(), sum.data(), &size) != 1) throw std::bad_alloc{};
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (unsigned i = 0; i < size; ++i) {
        hex += digits[sum[i] >> 4];
        hex += digits[sum[i] & 15];
    }
    return hex;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out += '"';
}

bool offers(std::string_view list, std::string_view one) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        if (ascii::equal(ascii::trim(list.substr(0, comma)), one)) return true;
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
}

bool says_true(std::optional<std::string_view> value) { return value && ascii::equal(*value, "true"); }

bool needs_escape(std::string_view text) {
    for (char c : text)
        if (!ascii::is_ascii(c) || ascii::is_control(c)) return true;
    return false;
}

}  // namespace

std::optional<digest_challenge> digest_challenge::from(const auth_challenge& challenge) {
    if (challenge.scheme != "digest") return std::nullopt;
    digest_challenge made;
    const auto nonce = challenge.get("nonce");
    if (!nonce) return std::nullopt;
    made.nonce = *nonce;
    made.realm = challenge.get("realm").value_or("");
    if (const auto opaque = challenge.get("opaque")) made.opaque = *opaque;
    if (const auto algorithm = challenge.get("algorithm")) {
        made.named = *algorithm;
        std::string_view name = *algorithm;
        if (name.size() > 5 && ascii::equal(name.substr(name.size() - 5), "-sess")) {
            made.session = true;
            name.remove_suffix(5);
        }
        if (ascii::equal(name, "SHA-256"))
            made.how = algorithm::sha256;
        else if (ascii::equal(name, "SHA-512-256"))
            made.how = algorithm::sha512_256;
        else if (!ascii::equal(name, "MD5"))
            return std::nullopt;
    }
    if (const auto qop = challenge.get("qop")) {
        made.integrity = !offers(*qop, "auth") && offers(*qop, "auth-int");
        made.has_qop = made.integrity || offers(*qop, "auth");
        if (!made.has_qop && !ascii::trim(*qop).empty()) return std::nullopt;
    }
    if (made.session && !made.has_qop) return std::nullopt;
    made.stale = says_true(challenge.get("stale"));
    made.hash_user = says_true(challenge.get("userhash"));
    if (const auto charset = challenge.get("charset")) made.utf8 = ascii::equal(*charset, "UTF-8");
    // What breaks a line, or a quote, is nothing to repeat to anyone.
    if (ascii::breaks_line(made.realm) || ascii::breaks_line(made.nonce) || ascii::breaks_line(made.opaque.value_or("")) ||
        (!made.named.empty() && !ascii::is_token(made.named)))
        return std::nullopt;
    return made;
}

std::string digest_answer(const digest_challenge& to, std::string_view user, std::string_view password, std::string_view method, std::string_view target,
                          std::uint32_t count, std::string_view own_nonce, std::string_view body) {
    std::array<char, 16> nc{};
    std::snprintf(nc.data(), nc.size(), "%08x", count);
    std::string secret = hex_digest(to.how, {user, ":", to.realm, ":", password});
    if (to.session) secret = hex_digest(to.how, {secret, ":", to.nonce, ":", own_nonce});
    const std::string_view qop = to.integrity ? "auth-int" : "auth";
    const std::string what = to.integrity ? hex_digest(to.how, {method, ":", target, ":", hex_digest(to.how, {body})}) : hex_digest(to.how, {method, ":", target});
    const std::string response = to.has_qop ? hex_digest(to.how, {secret, ":", to.nonce, ":", nc.data(), ":", own_nonce, ":", qop, ":", what})
                                            : hex_digest(to.how, {secret, ":", to.nonce, ":", what});

    std::string out = "Digest ";
    if (to.hash_user)
        out.append("username=").append(quoted(hex_digest(to.how, {user, ":", to.realm})));
    else if (to.utf8 && needs_escape(user))
        out.append("username*=UTF-8''").append(http::percent_encode(user));
    else
        out.append("username=").append(quoted(user));
    out.append(", realm=").append(quoted(to.realm)).append(", nonce=").append(quoted(to.nonce)).append(", uri=").append(quoted(target));
    if (!to.named.empty()) out.append(", algorithm=").append(to.named);
    if (to.has_qop) out.append(", qop=").append(qop).append(", nc=").append(nc.data()).append(", cnonce=").append(quoted(own_nonce));
    out.append(", response=").append(quoted(response));
    if (to.opaque) out.append(", opaque=").append(quoted(*to.opaque));
    if (to.hash_user) out.append(", userhash=true");
    return out;
}

}  // namespace leat::detail
