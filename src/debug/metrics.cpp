#include "leat/debug/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "task/shared_loop.hpp"

namespace leat::debug {
namespace {

using detail::loop_counters;
using loops = std::vector<std::shared_ptr<detail::shared_loop>>;

class page {
public:
    explicit page(const loops& of) : loops_(of) {}

    /// One metric: a line for each loop.
    template <class Value>
    void add(std::string_view name, std::string_view type, std::string_view help, Value value) {
        head(name, type, help);
        for (const auto& each : loops_) line(name, {}, each->number, value(each->counters));
    }
    void head(std::string_view name, std::string_view type, std::string_view help) {
        fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
    }
    template <class Value>
    void line(std::string_view name, std::string_view labels, std::uint32_t loop, Value value) {
        fmt::format_to(std::back_inserter(text_), "{}{{loop=\"{}\"{}}} {}\n", name, loop, labels, value);
    }
    void add_operations() {
        constexpr std::string_view kinds[] = {"readable", "writable", "file", "thread"};  // as operation::waits_for
        head("leat_operations_total", "counter", "Operations started, by what they wait for.");
        for (const auto& each : loops_)
            for (std::size_t kind = 0; kind < std::size(kinds); ++kind)
                line("leat_operations_total", fmt::format(",waits_for=\"{}\"", kinds[kind]), each->number,
                     each->counters.operations[kind].value());
    }
    void add_latency() {
        constexpr std::string_view name = "leat_turn_seconds";
        head(name, "histogram", "How long ready tasks and their writes kept the loop from the kernel, measured every 16th turn.");
        for (const auto& each : loops_) {
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < loop_counters::bounds.size(); ++i) {
                sum += each->counters.latency[i].value();
                const double bound = static_cast<double>(loop_counters::bounds[i].count()) / 1e9;
                line("leat_turn_seconds_bucket", fmt::format(",le=\"{}\"", bound), each->number, sum);
            }
            sum += each->counters.latency.back().value();
            line("leat_turn_seconds_bucket", ",le=\"+Inf\"", each->number, sum);
            line("leat_turn_seconds_sum", {}, each->number, static_cast<double>(each->counters.latency_sum.value()) / 1e9);
            line("leat_turn_seconds_count", {}, each->number, sum);
        }
    }
    std::string take() { return std::move(text_); }

private:
    const loops& loops_;
    std::string text_;
};

}  // namespace

std::string metrics() {
    const loops all = detail::live_loops();
    page text{all};
    text.add("leat_tasks_started_total", "counter", "Tasks that were started side by side with others.",
             [](auto& c) { return c.strands_started.value(); });
    text.add("leat_tasks", "gauge", "Tasks that have not ended.",
             [](auto& c) { return c.strands_started.value() - std::min(c.strands_ended.value(), c.strands_started.value()); });
    text.add("leat_resumes_total", "counter", "How often a task went on.", [](auto& c) { return c.resumes.value(); });
    text.add_operations();
    text.add("leat_received_bytes_total", "counter", "Bytes that streams received.", [](auto& c) { return c.received_bytes.value(); });
    text.add("leat_sent_bytes_total", "counter", "Bytes that streams sent.", [](auto& c) { return c.sent_bytes.value(); });
    text.add("leat_turns_total", "counter", "Turns of the loop.", [](auto& c) { return c.turns.value(); });
    text.add_latency();
    text.add("leat_held_too_long_total", "counter", "How often one task held the loop beyond the threshold.",
             [](auto& c) { return c.held_too_long.value(); });
    return text.take();
}

}  // namespace leat::debug
