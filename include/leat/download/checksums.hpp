#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace leat {

/// A line of a file of checksums.
struct file_checksum {
    std::string name;      ///< the file's
    std::string checksum;  ///< "sha256:HEX", as item_options::checksum takes it
};

/// Reads a file of checksums as sha256sum and its kin write it ("HEX  NAME", "HEX *NAME", "SHA256 (NAME) = HEX", with escaped names); where the algorithm is not named
/// it is known by the length. Empty lines and those that begin with '#' do not count; "./" before a name is left out, otherwise names are as they are written.
/// Throws std::invalid_argument with the number of the line that is none.
std::vector<file_checksum> parse_checksums(std::string_view text);

}  // namespace leat
