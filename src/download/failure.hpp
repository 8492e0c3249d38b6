#pragma once
#include <stdexcept>
#include <string>

#include "leat/download/report.hpp"

namespace leat::detail {

/// A failure that the engine finds itself.
class download_failure : public std::runtime_error {
public:
    download_failure(failure_class why, const std::string& text, bool may_pass = false) : std::runtime_error(text), why_(why), may_pass_(may_pass) {}
    failure_class why() const noexcept { return why_; }
    /// Does another attempt make sense?
    bool may_pass() const noexcept { return may_pass_; }

private:
    failure_class why_;
    bool may_pass_;
};

}  // namespace leat::detail
