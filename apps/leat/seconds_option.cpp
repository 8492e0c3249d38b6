#include "seconds_option.hpp"

#include <CLI/CLI.hpp>

namespace tool {

CLI::Option* add_seconds(CLI::App& to, const std::string& name, leat::duration& value, double least, const std::string& description) {
    constexpr double most = 1e8;  // far below where nanoseconds overflow
    const auto take = [&value](const double& seconds) {
        value = std::chrono::duration_cast<leat::duration>(std::chrono::duration<double>(seconds));
    };
    const auto check = [least](const std::string& text) {
        double seconds = 0;
        // Written so that a NaN is refused too.
        if (CLI::detail::lexical_cast(text, seconds) && seconds >= least && seconds <= most) return std::string{};
        return "'" + text + "' is not a number of seconds" + (least > 0 ? " above 0" : "");
    };
    return to.add_option_function<double>(name, take, description)->option_text("SECONDS")->check(check)->group("Time-outs");
}

}  // namespace tool
