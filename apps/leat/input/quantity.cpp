#include "input/quantity.hpp"

#include <array>
#include <limits>
#include <stdexcept>
#include <string>

#include "http/ascii.hpp"
#include "leat/log/printable.hpp"

namespace tool {
namespace {

namespace ascii = leat::http::ascii;

__extension__ using wide = unsigned __int128;

/// A number with digits behind its point.
struct decimal {
    std::uint64_t whole = 0;
    std::uint32_t billionths = 0;
};

/// Takes "1.5" from the text; digits beyond the ninth behind the point do not count. False if there is none, or it is too large.
bool take_number(std::string_view& text, decimal& number) {
    number = {};
    std::size_t digits = 0;
    const auto take_digit = [&](unsigned& value) {
        if (text.empty() || !ascii::is_digit(text.front())) return false;
        value = static_cast<unsigned>(text.front() - '0');
        text.remove_prefix(1);
        ++digits;
        return true;
    };
    unsigned value = 0;
    while (take_digit(value)) {
        if (number.whole > (std::numeric_limits<std::uint64_t>::max() - value) / 10) return false;
        number.whole = number.whole * 10 + value;
    }
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        for (std::uint32_t place = 100'000'000; take_digit(value); place /= 10) number.billionths += value * place;
    }
    return digits > 0;
}

/// The number of units, rounded down, in what one unit is made of; false if it is too large.
bool multiply(const decimal& number, std::uint64_t unit, std::uint64_t most, std::uint64_t& result) {
    const wide product = wide{number.whole} * unit + wide{number.billionths} * unit / 1'000'000'000;
    if (product > most) return false;
    result = static_cast<std::uint64_t>(product);
    return true;
}

std::invalid_argument no_quantity(std::string_view text, const char* what) {
    return std::invalid_argument("'" + leat::printable(text, 100) + "' is not " + what);
}

/// How many bytes "KiB" and so on is; 0 for what is no unit.
std::uint64_t unit_called(std::string_view name) {
    if (name.empty() || ascii::equal(name, "b")) return 1;
    constexpr std::string_view letters = "kmgtp";
    const auto power = letters.find(ascii::lower(name.front()));
    if (power == std::string_view::npos) return 0;
    const std::string_view rest = name.substr(1);
    const bool decimal_unit = ascii::equal(rest, "b");
    if (!rest.empty() && !decimal_unit && !ascii::equal(rest, "i") && !ascii::equal(rest, "ib")) return 0;
    std::uint64_t unit = 1;
    for (std::size_t i = 0; i <= power; ++i) unit *= decimal_unit ? 1000 : 1024;
    return unit;
}

std::uint64_t quantity(std::string_view whole, std::string_view text, const char* what) {
    text = ascii::trim(text);
    decimal number;
    std::uint64_t result = 0;
    if (!take_number(text, number)) throw no_quantity(whole, what);
    const std::uint64_t unit = unit_called(ascii::trim(text));
    if (unit == 0 || !multiply(number, unit, std::numeric_limits<std::uint64_t>::max(), result)) throw no_quantity(whole, what);
    return result;
}

}  // namespace

std::uint64_t parse_size(std::string_view text) { return quantity(text, text, "a size like 512, 10K or 1.5GiB"); }

std::uint64_t parse_rate(std::string_view text) {
    std::string_view rest = ascii::trim(text);
    if (rest.ends_with("/s")) rest.remove_suffix(2);
    return quantity(text, rest, "a rate like 500K or 2M/s");
}

leat::duration parse_duration(std::string_view text) {
    struct unit {
        std::string_view name;
        std::uint64_t nanoseconds;
    };
    constexpr std::uint64_t second = 1'000'000'000;
    constexpr std::array<unit, 6> units{{{"ms", second / 1000}, {"s", second}, {"m", 60 * second}, {"min", 60 * second}, {"h", 3600 * second}, {"d", 86400 * second}}};
    constexpr std::uint64_t most = 100'000'000 * second;  // some years, far below where nanoseconds overflow
    const auto refuse = [&] { return no_quantity(text, "a time like 30, 0.5, 500ms, 5m or 1h30m"); };
    std::string_view rest = ascii::trim(text);
    if (rest.empty()) throw refuse();
    std::uint64_t sum = 0;
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();  // units have to become smaller
    for (bool first = true; !rest.empty(); first = false) {
        decimal number;
        if (!take_number(rest, number)) throw refuse();
        std::size_t size = 0;
        while (size < rest.size() && ascii::is_alpha(rest[size])) ++size;
        std::uint64_t nanoseconds = 0;
        if (size == 0 && first && rest.empty()) nanoseconds = second;
        for (const unit& each : units)
            if (each.name == rest.substr(0, size)) nanoseconds = each.nanoseconds;
        rest.remove_prefix(size);
        std::uint64_t part = 0;
        if (nanoseconds == 0 || nanoseconds >= last || !multiply(number, nanoseconds, most, part) || part > most - sum) throw refuse();
        sum += part;
        last = nanoseconds;
    }
    return leat::duration{static_cast<leat::duration::rep>(sum)};
}

}  // namespace tool
