#pragma once
#include <string>

#include "leat/io/duration.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tool {

/// An option that takes seconds, "0.5" as well as "30", from `least` up to some years.
CLI::Option* add_seconds(CLI::App& to, const std::string& name, leat::duration& value, double least, const std::string& description);

}  // namespace tool
