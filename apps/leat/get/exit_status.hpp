#pragma once
#include <string>

#include "leat/download/report.hpp"

namespace tool {

/// What the tool ends with for a class of failure: 0, and 3 to 16. One for failures of several classes, and for `other`.
int exit_status_of(leat::failure_class why) noexcept;
/// For a whole job: that of its failures if they are of one class, else 1.
int exit_status_of(const leat::download_report& report) noexcept;

/// A line for each status, as --help and the manual have it.
std::string exit_statuses();

}  // namespace tool
