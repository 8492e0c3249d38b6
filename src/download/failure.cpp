#include "download/failure.hpp"

namespace leat {

std::string_view name_of(failure_class why) noexcept {
    switch (why) {
        case failure_class::none: return "none";
        case failure_class::url: return "url";
        case failure_class::name: return "name";
        case failure_class::connect: return "connect";
        case failure_class::tls: return "tls";
        case failure_class::timeout: return "timeout";
        case failure_class::status: return "status";
        case failure_class::server: return "server";
        case failure_class::redirect: return "redirect";
        case failure_class::protocol: return "protocol";
        case failure_class::truncated: return "truncated";
        case failure_class::checksum: return "checksum";
        case failure_class::disk: return "disk";
        case failure_class::exists: return "exists";
        case failure_class::cancelled: return "cancelled";
        case failure_class::other: return "other";
    }
    return "other";
}

}  // namespace leat
