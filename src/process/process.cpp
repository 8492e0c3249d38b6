#include "leat/process/process.hpp"

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "engine/child.hpp"
#include "leat/io/error.hpp"
#include "leat/io/result.hpp"
#include "leat/task/group.hpp"
#include "process/child_process.hpp"

namespace leat {
namespace {

using detail::child_process;

[[noreturn]] void no_pipe(const child_process& child, const char* which) {
    throw std::logic_error(child.program() + ": its standard " + which + " is no pipe of this program, or was moved away");
}

/// Writes and closes. A child that does not want it all is no error.
task<> feed(child_process& child, std::string_view input) {
    auto written = co_await (child.input.write(input) | as_result);
    auto closed = co_await (child.input.close() | as_result);
    for (const auto* each : {&written, &closed})
        if (!*each && each->error().code() != std::errc::broken_pipe && each->error().code() != std::errc::connection_reset) each->value();
}

task<> collect(child_process& child, stream_reader& from, std::string& into, std::size_t limit) {
    while (auto piece = co_await from.read()) {
        if (into.size() + piece->size() > limit) throw limit_error("communicate", child.program(), limit);
        into.append(*piece);
    }
}

task<exit_status> wait_for(std::shared_ptr<child_process> child) {
    co_await child->ended.wait();
    co_return child->status();
}

task<process_output> communicate_with(std::shared_ptr<child_process> child, std::string_view input, std::size_t limit) {
    if (!input.empty() && !child->input) no_pipe(*child, "input");
    process_output all;
    {
        task_group group;
        if (child->input) group.spawn(feed(*child, input));
        if (child->output) group.spawn(collect(*child, child->output, all.output, limit));
        if (child->errors) group.spawn(collect(*child, child->errors, all.error_output, limit));
        co_await group.join();
    }
    co_await child->ended.wait();
    child->status();
    co_return all;
}

}  // namespace

std::string exit_status::to_string() const {
    if (signal == 0) return "exited with " + std::to_string(code);
    return "killed by " + detail::signal_name(signal) + (dumped_core ? " (core dumped)" : "");
}

process::process(std::shared_ptr<child_process> child) noexcept : child_(std::move(child)) {}
process::process(process&&) noexcept = default;
process::~process() {
    if (child_) child_->drop();
}
process& process::operator=(process&& other) noexcept {
    if (this != &other) {
        if (child_) child_->drop();
        child_ = std::move(other.child_);
    }
    return *this;
}

child_process& process::started() const {
    if (!child_) throw std::logic_error("leat::process: there is none, or it was moved away");
    return *child_;
}

stream_writer& process::standard_input() const {
    if (!started().input) no_pipe(*child_, "input");
    return child_->input;
}
stream_reader& process::standard_output() const {
    if (!started().output) no_pipe(*child_, "output");
    return child_->output;
}
stream_reader& process::standard_error() const {
    if (!started().errors) no_pipe(*child_, "error");
    return child_->errors;
}

int process::id() const noexcept { return child_ ? child_->id() : -1; }

std::optional<exit_status> process::status() const {
    if (!started().ended.is_set()) return std::nullopt;
    return child_->status();
}

task<exit_status> process::wait() const {
    started();
    return wait_for(child_);
}

task<process_output> process::communicate(std::string_view input, bytes limit) {
    started();
    return communicate_with(child_, input, limit.count);
}

void process::terminate() { send_signal(15); }
void process::kill() { send_signal(9); }
void process::send_signal(int number) { started().signal(number, false); }
void process::signal_group(int number) { started().signal(number, true); }

}  // namespace leat
