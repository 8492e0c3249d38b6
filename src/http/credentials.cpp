#include "http/credentials.hpp"

#include <utility>

#include "engine/name_calls.hpp"
#include "http/request_writer.hpp"

namespace leat::detail {

using scheme = http::credentials::scheme;

namespace {

bool is_stronger(const digest_challenge& one, const digest_challenge& other) noexcept {
    using algorithm = digest_challenge::algorithm;
    return one.how != algorithm::md5 && other.how == algorithm::md5;
}

/// Was this shown to the realm that asks now? Requests of two realms at once take turns in what an authenticator knows.
bool is_of_realm(std::string_view shown, std::string_view realm) {
    std::vector<auth_challenge> read;
    parse_challenges(shown, read);
    return !read.empty() && read[0].get("realm") == realm;
}

}  // namespace

std::string authenticator::show(const login& who, std::string_view method, std::string_view target, bool hidden, std::optional<std::string_view> body) {
    if (who.empty()) return {};
    if (who.how == scheme::bearer) return "Bearer " + who.password;
    if (digest_ && (who.how == scheme::automatic || who.how == scheme::digest)) {
        if (digest_->integrity && !body) return {};
        return digest_answer(*digest_, who.user, who.password, method, target, ++count_, own_nonce_, body.value_or(""));
    }
    if (who.how == scheme::basic || (who.how == scheme::automatic && (hidden || wants_basic_ || who.at_once)))
        return http::basic_authorization(who.user, who.password);
    return {};
}

bool authenticator::asked(const std::vector<auth_challenge>& challenges, const login& who, std::string_view shown, bool again, bool body_in_memory) {
    if (who.empty() || who.how == scheme::bearer) return false;
    bool offers_basic = false;
    std::optional<digest_challenge> best;
    for (const auth_challenge& each : challenges) {
        if (each.scheme == "basic") offers_basic = true;
        auto digest = digest_challenge::from(each);
        if (digest && (body_in_memory || !digest->integrity) && (!best || is_stronger(*digest, *best))) best = std::move(digest);
    }
    if (best && who.how != scheme::basic) {
        // A second time only if it says that the nonce alone was at fault; the password would be wrong again.
        if (again && shown.starts_with("Digest ") && !best->stale && is_of_realm(shown, best->realm)) return false;
        digest_ = std::move(best);
        own_nonce_ = random_letters() + random_letters();
        count_ = 0;
        return true;
    }
    if (!offers_basic || who.how == scheme::digest) return false;
    digest_.reset();
    wants_basic_ = true;
    return !shown.starts_with("Basic ");
}

}  // namespace leat::detail
