#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "cancel/matrix.hpp"
#include "support/temporary.hpp"

namespace leat::testing {
namespace {

const char* words_of(outcome what) {
    switch (what) {
        case outcome::throws: return "throws";
        case outcome::stands: return "result stands";
        case outcome::either: return "throws, or result stands";
        case outcome::by_order: return "whichever was first";
        case outcome::never_waits: return "— (never waits)";
        case outcome::not_queued: return "— (has no queue)";
        case outcome::closed_world: return "— (no kernel in it)";
    }
    return "";
}

const char* cleanup_of(const matrix_row& row) {
    if (row.waiting == outcome::never_waits) return "— (never waits)";
    return row.is.blocks ? "waited for" : "nothing left behind";
}

constexpr const char* introduction = R"(# The cancel matrix

Every public operation that can be awaited, cancelled at every moment. Made by the tests (tests/cancel/) from the table that they run; a
test compares this page with it. To write it anew: `scripts/cancel-matrix`.

The moments:

- **before it starts**: its scope is cancelled already;
- **while queued**: begun in this very turn of the loop, so that the kernel knows nothing of it yet; behind another that waits for the same;
  behind a full pool of threads;
- **in the kernel**: it really waits, after one to six turns of the loop. For what happens inside the program: it waits for the other task;
- **as it completes**: cancelled, and in the same turn what it waits for comes; the other way round; after up to six turns more; and
  when it has completed and its task has not gone on;
- **during cleanup**: its frame is destroyed while it waits, and as it completes; and it is cancelled a second time, from further out, while
  a shielded cleanup awaits.

The cells: *throws*: `leat::cancelled`, and nothing was done or taken. *Result stands*: it completes, and its result is kept.
*Throws, or result stands*: by how far the kernel or a thread had got; the last column holds for both. *Whichever was first*: cancelled first it
throws, completed first its result stands. *Waited for*: destroying it blocks until the call has returned.

Every cell is run on both engines, and under AddressSanitizer. At the end of each moment the loop has ended, no descriptor is left open, no memory
leaks, and no freed memory was written to, also not by the kernel (tests/cancel/quarantine.hpp). The last column tells what else was looked at.
)";

}  // namespace

std::string page_of(const std::vector<matrix_row>& rows) {
    std::string page = introduction;
    const char* group = "";
    for (const auto& row : rows) {
        if (row.group != std::string_view{group}) {
            group = row.group;
            page += std::string{"\n## "} + group + "\n\n";
            page += "| operation | before it starts | while queued | in the kernel | as it completes | during cleanup | afterwards |\n";
            page += "|---|---|---|---|---|---|---|\n";
        }
        page += std::string{"| `"} + row.name + "` | " + words_of(row.before) + " | " + words_of(row.queued) + " | " + words_of(row.waiting) + " | " +
                words_of(row.completing) + " | " + cleanup_of(row) + " | " + row.kept + " |\n";
    }
    return page;
}

namespace {

TEST(CancelMatrixPage, IsWhatTheTestsRun) {
    const std::string file = std::string{LEAT_SOURCE_DIR} + "/docs/internals/cancel-matrix.md";
    const std::string page = page_of(all_rows());
    if (std::getenv("LEAT_WRITE_CANCEL_MATRIX")) put(file, page);
    EXPECT_TRUE(content_of(file) == page) << "the page is not what the tests run; write it anew:\n    scripts/cancel-matrix";
}

TEST(CancelMatrixPage, NamesEachOperationOnce) {
    std::set<std::string> names;
    for (const auto& row : all_rows()) EXPECT_TRUE(names.insert(std::string{row.group} + row.name).second) << row.name;
}

}  // namespace
}  // namespace leat::testing
