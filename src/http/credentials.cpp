#include "http/credentials.hpp"

#include <utility>

#include "engine/name_calls.hpp"
#include "http/request_writer.hpp"

namespace leat::detail {

using scheme = http::credentials::scheme;

std::string authenticator::show(const login& who, std::string_view method, std::string_view target, bool hidden) {
    if (who.empty()) return {};
    if (who.how == scheme::bearer) return "Bearer " + who.password;
    if (digest_ && (who.how == scheme::automatic || who.how == scheme::digest))
        return digest_answer(*digest_, who.user, who.password, method, target, ++count_, own_nonce_);
    if (who.how == scheme::basic || (who.how == scheme::automatic && (hidden || wants_basic_ || who.at_once)))
        return http::basic_authorization(who.user, who.password);
    return {};
}

bool authenticator::asked(const std::vector<auth_challenge>& challenges, const login& who, std::string_view shown, bool again) {
    if (who.empty() || who.how == scheme::bearer) return false;
    bool offers_basic = false;
    std::optional<digest_challenge> best;
    for (const auth_challenge& each : challenges) {
        if (each.scheme == "basic") offers_basic = true;
        auto digest = digest_challenge::from(each);
        if (digest && (!best || (best->how == digest_challenge::algorithm::md5 && digest->how == digest_challenge::algorithm::sha256))) best = std::move(digest);
    }
    if (best && who.how != scheme::basic) {
        // A second time only if it says that the nonce alone was at fault; the password would be wrong again.
        if (again && shown.starts_with("Digest ") && !best->stale) return false;
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
