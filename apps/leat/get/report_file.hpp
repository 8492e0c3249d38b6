#pragma once
#include <string>

#include "leat/download/report.hpp"

namespace tool {

/// The report of a run as one JSON document: docs/guide/leat-get.md has the form. A pure function.
/// @param error why the job itself could not go on; empty: it did.
std::string report_text(const leat::download_report& report, int status, bool interrupted, const std::string& error = {});

/// A table of all files, in their order, for people: name, size, time, rate, attempts, state. Free of control characters but for line ends.
/// @param columns how wide it may be; 0: as wide as it gets.
std::string table_text(const leat::download_report& report, std::size_t columns, bool unicode);

}  // namespace tool
