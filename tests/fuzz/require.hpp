#pragma once
#include <cstdlib>

/// What a fuzzer holds to be so; where it is not, that is a finding.
inline void require(bool holds) {
    if (!holds) std::abort();
}
