#include "download/verification.hpp"

#include <algorithm>
#include <memory>

#include "download/failure.hpp"
#include "engine/part_calls.hpp"
#include "leat/io/error.hpp"
#include "leat/task/to_thread.hpp"

namespace leat::detail {
namespace {

constexpr std::size_t buffer_size = 256 * 1024;
constexpr std::uint64_t most_at_once = 16 * 1024 * 1024;  // a thread of the pool is lent for so long, 20 ms or so, and a cancelled job waits for it

/// What a thread works on; the data outlives it, since to_thread waits for a function that runs.
int hash_call(int fd, file_data* data, std::uint64_t end) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_size);
    while (data->hashed < end) {
        const long n = read_at(fd, buffer.get(), static_cast<std::size_t>(std::min<std::uint64_t>(buffer_size, end - data->hashed)), data->hashed);
        if (n < 0) return static_cast<int>(n);
        if (n == 0) return -5;  // EIO: it has become shorter
        for (digest_check& each : data->digests) each.hash.add({buffer.get(), static_cast<std::size_t>(n)});
        data->hashed += static_cast<std::uint64_t>(n);
    }
    return 0;
}

void compare(hasher& hash, const expected_digest& expected) {
    const std::string found = hash.finish();
    if (found == expected.value) return;
    throw download_failure(failure_class::checksum, "its checksum is " + expected_digest{expected.algorithm, found}.to_string() + " and should be " + expected.to_string());
}

}  // namespace

task<> hash_behind(file_data& data, std::uint64_t enough) {
    for (;;) {
        std::uint64_t there = data.written().prefix();
        // What a connection whose answer is late is still to write, though another one has been there meanwhile, may be written once more.
        for (const piece* each : data.pieces) there = std::min(there, each->at());
        if (there <= data.hashed || there - data.hashed < enough) co_return;
        const std::uint64_t end = std::min(there, data.hashed + most_at_once);
        const int failed = co_await to_thread(hash_call, data.part.descriptor(), &data, end);
        if (failed != 0) throw error(-failed, "read", data.part.part_name());
    }
}

void verify_hashed(digest_check& check) { compare(check.hash, check.expected); }

task<> verify_file(file_data& data) {
    co_await hash_behind(data, 1);
    for (digest_check& each : data.digests) verify_hashed(each);
}

void verify_content(std::string_view content, const expected_digest& expected) {
    hasher hash(expected.algorithm);
    hash.add(content);
    compare(hash, expected);
}

}  // namespace leat::detail
