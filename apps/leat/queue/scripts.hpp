#pragma once
#include <string_view>

namespace tool::queue_scripts {

// What happens to several keys at once happens in one of these: Redis runs a script as one step, so that no reader sees half of it and no crash leaves half of
// it behind. Each does no harm when it is run twice, since a reply may get lost.
//
// KEYS: 1 the stream, 2 names, 3 items, 4 open, 5 suffixes, 6 done, 7 failed, 8 reasons (see docs/guide/queue.md).

struct script {
    std::string_view name;    // as messages call it
    std::string_view common;  // functions that several have
    std::string_view text;
};

extern const script add;         // (KEY, WISHED NAME, ITEM)… -> how many were added
extern const script finish;      // GROUP, ID, KEY, RECORD -> how many entries are left
extern const script fail;        // GROUP, CONSUMER, ID, REASON, FOR GOOD, MOST DELIVERIES -> 2: a dead letter, 1: handed back, 0: not ours any more
extern const script claim;       // GROUP, CONSUMER, IDLE ms, COUNT, MOST DELIVERIES -> (ID, FIELDS, DELIVERIES, WHOSE IT WAS, ms SINCE IT WAS ADDED)…
extern const script keep;        // GROUP, CONSUMER, ID… -> the IDs that are not ours any more
extern const script leave;       // GROUP, CONSUMER, IDLE ms -> how many were handed back
extern const script retry;       // LAST ID, COUNT -> (looked at, put back)

/// How the names of those consumers begin that entries are handed back to, which are nobody; behind it stands who had them.
inline constexpr std::string_view nobody = "handed-back/";

}  // namespace tool::queue_scripts
