// WWW-Authenticate fields, and the answers to those that are digests. And netrc files, which the answers come from.

#include <cstdint>
#include <string>

#include "http/challenge.hpp"
#include "http/digest.hpp"
#include "http/netrc.hpp"
#include "require.hpp"

using namespace leat::detail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view data{reinterpret_cast<const char*>(bytes), size};
    std::vector<auth_challenge> all;
    parse_challenges(data, all);
    require(all.size() <= 32);
    for (const auth_challenge& each : all) {
        require(!each.scheme.empty() && each.parameters.size() <= 64);
        const auto digest = digest_challenge::from(each);
        if (!digest) continue;
        // Our own answer is read back as it was meant, and cannot break out of its line.
        const std::string answer = digest_answer(*digest, "me", "pw", "GET", "/", 1, "own", data);
        require(answer.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
        std::vector<auth_challenge> read;
        parse_challenges(answer, read);
        require(read.size() == 1 && read[0].get("nonce") == digest->nonce && read[0].get("realm") == digest->realm);
    }
    // Whatever came before, a line of its own behind an empty one is read as it stands, unless a keyword at the very end took "machine" for its value.
    const auto file = netrc::parse(std::string{data} + "\n\nmachine last.example login me password pw\n");
    if (!file.entries().empty() && file.entries().back().machine == "last.example")
        require(file.entries().back().login == "me" && file.entries().back().password == "pw");
    if (data.find("last.example") == std::string_view::npos)
        for (const auto& one : file.entries()) require(one.password.find("last.example") == std::string::npos);
    return 0;
}
