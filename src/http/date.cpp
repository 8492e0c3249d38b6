#include "http/date.hpp"

#include <algorithm>
#include <array>

#include "http/ascii.hpp"

namespace leat::http {

// gmtime_r and timegm would do but for the locale in strftime and the lock that glibc takes for the time zone; the
// arithmetic is short. Days are counted from 1 March of the year 0, so that the leap day is a year's last.

namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::int64_t day_seconds = 86400;
constexpr std::int64_t epoch_days = 719468;  // from 0000-03-01 to 1970-01-01
constexpr std::int64_t first = -62167219200, last = 253402300799;  // the years 0 and 9999

struct civil {
    std::int64_t year;
    int month, day;  // from 1
};

civil from_days(std::int64_t since_epoch) {
    const auto z = since_epoch + epoch_days;
    const auto era = (z >= 0 ? z : z - 146096) / 146097;
    const auto doe = z - era * 146097;
    const auto yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const auto doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const auto mp = (5 * doy + 2) / 153;
    const auto month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
    return {yoe + era * 400 + (month <= 2), month, static_cast<int>(doy - (153 * mp + 2) / 5 + 1)};
}

std::int64_t to_days(const civil& date) {
    const auto year = date.year - (date.month <= 2);
    const auto era = (year >= 0 ? year : year - 399) / 400;
    const auto yoe = year - era * 400;
    const auto doy = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - epoch_days;
}

void put_digits(std::string& out, std::int64_t value, std::size_t width) {
    std::array<char, 4> digits{};
    for (std::size_t i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
    out.append(digits.data(), width);
}

// Takes the parts of a date off the front of a text; after the first failure all of them fail.
struct scanner {
    std::string_view rest;
    bool ok = true;

    void literal(std::string_view expected) {
        ok = ok && rest.starts_with(expected);
        if (ok) rest.remove_prefix(expected.size());
    }

    int number(std::size_t width) {
        const auto digits = rest.substr(0, width);
        ok = ok && digits.size() == width && std::all_of(digits.begin(), digits.end(), ascii::is_digit);
        if (!ok) return 0;
        int value = 0;
        for (char c : digits) value = value * 10 + (c - '0');
        rest.remove_prefix(width);
        return value;
    }

    // The index of a three-letter name in a list of them.
    int name(std::string_view names) {
        for (std::size_t i = 0; ok && i < names.size(); i += 3) {
            if (!rest.starts_with(names.substr(i, 3))) continue;
            rest.remove_prefix(3);
            return static_cast<int>(i / 3);
        }
        ok = false;
        return 0;
    }
};

struct moment {
    civil date{};
    int hour = 0, minute = 0, second = 0;

    void time(scanner& in) {
        hour = in.number(2), in.literal(":");
        minute = in.number(2), in.literal(":");
        second = in.number(2);
    }

    std::optional<std::int64_t> seconds() const {
        // 60 is a leap second, which this count does not have.
        if (hour > 23 || minute > 59 || second > 60 || date.day < 1 || date.day > 31) return std::nullopt;
        const auto day = to_days(date);
        if (const auto back = from_days(day); back.day != date.day) return std::nullopt;  // 31 April
        return day * day_seconds + hour * 3600 + minute * 60 + std::min(second, 59);
    }
};

}  // namespace

std::string format_date(std::int64_t seconds) {
    seconds = std::clamp(seconds, first, last);
    auto day = seconds / day_seconds;
    auto second = seconds % day_seconds;
    if (second < 0) second += day_seconds, --day;
    const auto date = from_days(day);
    const auto weekday = static_cast<std::size_t>(((day + 4) % 7 + 7) % 7);  // 1970-01-01 was a Thursday

    std::string out;
    out.reserve(29);
    out.append(days.substr(weekday * 3, 3)).append(", ");
    put_digits(out, date.day, 2);
    out.append(" ").append(months.substr(static_cast<std::size_t>(date.month - 1) * 3, 3)).append(" ");
    put_digits(out, date.year, 4);
    out += ' ';
    put_digits(out, second / 3600, 2);
    out += ':';
    put_digits(out, second / 60 % 60, 2);
    out += ':';
    put_digits(out, second % 60, 2);
    return out.append(" GMT");
}

std::optional<std::int64_t> parse_date(std::string_view text) {
    scanner in{ascii::trim(text)};
    moment when;
    in.name(days);
    if (in.rest.starts_with(", ")) {  // Sun, 06 Nov 1994 08:49:37 GMT
        in.literal(", ");
        when.date.day = in.number(2), in.literal(" ");
        when.date.month = in.name(months) + 1, in.literal(" ");
        when.date.year = in.number(4), in.literal(" ");
        when.time(in);
        in.literal(" GMT");
    } else if (const auto comma = in.rest.find(", "); comma <= 6) {  // Sunday, 06-Nov-94 08:49:37 GMT
        in.rest.remove_prefix(comma + 2);
        when.date.day = in.number(2), in.literal("-");
        when.date.month = in.name(months) + 1, in.literal("-");
        // Two digits, by the usual pivot: the form died out with the 1990s.
        const int year = in.number(2);
        when.date.year = year < 70 ? 2000 + year : 1900 + year;
        in.literal(" ");
        when.time(in);
        in.literal(" GMT");
    } else {  // Sun Nov  6 08:49:37 1994
        in.literal(" ");
        when.date.month = in.name(months) + 1, in.literal(" ");
        const bool narrow = in.rest.starts_with(' ');
        if (narrow) in.literal(" ");
        when.date.day = in.number(narrow ? 1 : 2), in.literal(" ");
        when.time(in);
        in.literal(" ");
        when.date.year = in.number(4);
    }
    if (!in.ok || !in.rest.empty()) return std::nullopt;
    return when.seconds();
}

}  // namespace leat::http
