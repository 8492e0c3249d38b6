#include "download/hasher.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "http/ascii.hpp"
#include "leat/log/printable.hpp"

namespace leat::detail {
namespace {

namespace ascii = http::ascii;

struct known_digest {
    std::string_view name;
    std::size_t size;  // in bytes; of two that are alike the first is what digits alone stand for
};
constexpr std::array<known_digest, 7> known{
    {{"md5", 16}, {"sha1", 20}, {"sha224", 28}, {"sha256", 32}, {"sha384", 48}, {"sha512", 64}, {"sha512-256", 32}}};

/// "SHA-256" and "sha256" are one, and so are "SHA-512/256" and "sha512-256".
std::string plain(std::string_view name) {
    std::string letters;
    for (char c : name)
        if (c != '-' && c != '/') letters += ascii::lower(c);
    return letters;
}

const known_digest* digest_called(std::string_view name) {
    for (const known_digest& each : known)
        if (plain(each.name) == plain(name)) return &each;
    return nullptr;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = ascii::hex_value(text[i]), low = ascii::hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

EVP_MD_CTX* context_of(void* pointer) noexcept { return static_cast<EVP_MD_CTX*>(pointer); }

}  // namespace

std::string expected_digest::to_string() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = algorithm + ":";
    for (char c : value) {
        text += digits[static_cast<unsigned char>(c) >> 4];
        text += digits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

expected_digest expected_digest::parse(std::string_view text) {
    const std::string_view trimmed = ascii::trim(text);
    const auto refuse = [&](const char* why) { return std::invalid_argument("checksum '" + printable(text, 200) + "': " + why); };
    const auto mark = trimmed.find_first_of(":=");
    const auto value = from_hex(mark == std::string_view::npos ? trimmed : ascii::trim(trimmed.substr(mark + 1)));
    if (mark == std::string_view::npos) {
        if (!value) throw refuse("neither ALGORITHM:HEX nor hexadecimal digits");
        for (const known_digest& each : known)
            if (each.size == value->size()) return {std::string{each.name}, *value};
        throw refuse("no algorithm has a checksum of that length");
    }
    const known_digest* algorithm = digest_called(ascii::trim(trimmed.substr(0, mark)));
    if (!algorithm) throw refuse("the algorithm is none of md5, sha1, sha224, sha256, sha384, sha512, sha512-256");
    if (!value) throw refuse("not hexadecimal digits");
    if (value->size() != algorithm->size) throw refuse("not of that algorithm's length");
    return {std::string{algorithm->name}, *value};
}

hasher::hasher(const std::string& algorithm) : context_(nullptr) {
    const EVP_MD* digest = EVP_get_digestbyname(algorithm.c_str());
    if (!digest) throw std::invalid_argument("checksum algorithm '" + printable(algorithm, 100) + "' is not known");
    context_ = EVP_MD_CTX_new();
    if (!context_) throw std::bad_alloc{};
    if (EVP_DigestInit_ex(context_of(context_), digest, nullptr) != 1) {
        EVP_MD_CTX_free(context_of(context_));
        throw std::runtime_error("checksum algorithm '" + algorithm + "' is not to be had from OpenSSL");  // a FIPS provider has no MD5
    }
}

hasher::hasher(hasher&& other) noexcept : context_(std::exchange(other.context_, nullptr)), count_(std::exchange(other.count_, 0)) {}

hasher& hasher::operator=(hasher&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(count_, other.count_);
    return *this;
}

hasher::~hasher() { EVP_MD_CTX_free(context_of(context_)); }

void hasher::add(std::string_view bytes) noexcept {
    // Cannot fail: it computes in memory that the context has.
    EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size());
    count_ += bytes.size();
}

std::string hasher::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    EVP_DigestFinal_ex(context_of(context_), digest.data(), &size);
    return std::string{digest.begin(), digest.begin() + size};
}

}  // namespace leat::detail
