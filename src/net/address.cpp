#include "leat/net/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <charconv>

#include "leat/log/printable.hpp"

namespace leat {

address address::parse(std::string_view literal, std::uint16_t port) {
    if (literal.size() > 2 && literal.front() == '[' && literal.back() == ']') literal = literal.substr(1, literal.size() - 2);
    std::array<std::uint8_t, 16> bytes{};
    std::uint32_t scope = 0;
    std::string text{literal};
    if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {family::ipv4, bytes, port};
    if (auto percent = text.find('%'); percent != std::string::npos) {
        const std::string name = text.substr(percent + 1);
        scope = ::if_nametoindex(name.c_str());
        if (scope == 0) std::from_chars(name.data(), name.data() + name.size(), scope);
        text.resize(percent);
    }
    if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {family::ipv6, bytes, port, scope};
    return {};
}

address address::unix_named(std::string_view name) noexcept {
    address made;
    if (name.size() > most_name) return made;
    made.family_ = family::unix_socket;
    made.name_size_ = static_cast<std::uint8_t>(name.size());
    std::copy(name.begin(), name.end(), made.name_.begin());
    return made;
}

std::string address::host() const {
    char text[INET6_ADDRSTRLEN] = "";
    if (family_ == family::none) return {};
    if (is_unix()) {
        std::string name{unix_name()};
        if (name.starts_with('\0')) name.front() = '@';
        return name;
    }
    ::inet_ntop(family_ == family::ipv4 ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
    std::string result = text;
    if (scope_ != 0) result.append("%").append(std::to_string(scope_));
    return result;
}

std::string address::to_string() const {
    if (empty()) return "(no address)";
    if (is_unix()) return name_size_ == 0 ? "unix:(unnamed)" : "unix:" + printable(host());
    std::string result = family_ == family::ipv6 ? "[" + host() + "]" : host();
    return result.append(":").append(std::to_string(port_));
}

}  // namespace leat
