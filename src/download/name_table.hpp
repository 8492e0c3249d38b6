#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leat::detail {

/// Makes names unique, in 16 bytes a name: it keeps their hashes only, so two names with one hash get different numbers although they would not need it.
class name_table {
public:
    /// 0 if the name is free, which it is no longer; else the number that makes numbered(name, number) free.
    std::uint32_t claim(std::string_view directory, std::string_view name);
    /// "name.1" for "name".
    static std::string numbered(std::string_view name, std::uint32_t number);

private:
    struct slot {
        std::uint64_t hash = 0;   // 0: free
        std::uint32_t next = 1;   // number for the next that wants this name
    };
    slot& at(std::uint64_t hash);
    void grow();

    std::vector<slot> slots_;
    std::size_t used_ = 0;
};

}  // namespace leat::detail
