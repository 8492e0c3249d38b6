#include "get/exit_status.hpp"

#include <fmt/format.h>

#include <iterator>

#include "command.hpp"

namespace tool {
namespace {

using leat::failure_class;

struct status_line {
    int status;
    failure_class why;
    const char* text;
};

constexpr status_line statuses[] = {
    {3, failure_class::url, "a URL cannot be fetched"},
    {4, failure_class::name, "a host's name does not resolve"},
    {5, failure_class::connect, "no connection, or one that broke"},
    {6, failure_class::tls, "the TLS handshake failed, or the certificate is not trusted"},
    {7, failure_class::timeout, "a time-out, or slower than --min-rate"},
    {8, failure_class::status, "the server answered 4xx, or with what is no file"},
    {9, failure_class::server, "the server answered 5xx"},
    {10, failure_class::redirect, "too many redirects, or one that leads nowhere"},
    {11, failure_class::protocol, "what came is not HTTP"},
    {12, failure_class::truncated, "less came than was promised"},
    {13, failure_class::checksum, "what came is not what it should be"},
    {14, failure_class::disk, "a file could not be written"},
    {15, failure_class::exists, "a file is there already (--existing fail)"},
    {16, failure_class::cancelled, "a file was given up"},
};

}  // namespace

int exit_status_of(failure_class why) noexcept {
    if (why == failure_class::none) return 0;
    for (const status_line& each : statuses)
        if (each.why == why) return each.status;
    return failed;
}

int exit_status_of(const leat::download_report& report) noexcept {
    int status = 0;
    for (const leat::file_report& file : report.files) {
        if (file.ok()) continue;
        const int own = file.why == failure_class::none ? failed : exit_status_of(file.why);
        if (status != 0 && own != status) return failed;
        status = own;
    }
    return status;
}

std::string exit_statuses() {
    std::string text = "  0   every file is there\n  1   another failure (output that could not be written is one), or failures of several kinds\n  2   wrong usage\n";
    for (const status_line& each : statuses) text += fmt::format("  {:<3} {}\n", each.status, each.text);
    text += "  130 interrupted by Ctrl-C (and 128 more than the number of another signal that ended it)\n";
    return text;
}

}  // namespace tool
