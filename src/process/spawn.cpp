#include <algorithm>
#include <array>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "engine/child.hpp"
#include "engine/descriptor.hpp"
#include "engine/owned_descriptor.hpp"
#include "fs/file_call.hpp"
#include "leat/io/error.hpp"
#include "leat/process/process.hpp"
#include "leat/task/timeout.hpp"
#include "leat/task/to_thread.hpp"
#include "process/child_process.hpp"
#include "process/streams.hpp"

namespace leat {

// Written inside awaiting expressions (docs/compilers.md).
static_assert(std::is_trivially_destructible_v<spawn_options> && std::is_trivially_destructible_v<run_process_options>);

struct process_access {
    static process make(std::shared_ptr<detail::child_process> child) noexcept { return process{std::move(child)}; }
};

namespace {

using detail::owned_descriptor;

/// One of the child's three, and this program's end of it if it is a pipe.
struct redirection {
    stdio::kind what = stdio::kind::inherit;
    int fd = -1;
    std::string path;
    owned_descriptor childs;
    owned_descriptor own;
};

struct spawn_request {
    detail::launch_plan plan;
    std::string name;
    std::array<redirection, 3> standard;
    std::size_t limit = 0;
    detail::child_process::manners manners;
};

/// A child that kills itself with its owner: what the thread returns may be taken by nobody.
class unclaimed_child {
public:
    unclaimed_child() = default;
    explicit unclaimed_child(const detail::launched& child) noexcept : child_(child) {}
    unclaimed_child(unclaimed_child&& other) noexcept : child_(std::exchange(other.child_, {})) {}
    unclaimed_child& operator=(unclaimed_child&& other) noexcept {
        std::swap(child_, other.child_);
        return *this;
    }
    ~unclaimed_child() {
        if (child_.pidfd < 0) return;
        try {
            claim("unclaimed", {.leads_group = false})->drop();
        } catch (...) {
            detail::signal_child(child_.pidfd, 9);
        }
    }
    const detail::launched& outcome() const noexcept { return child_; }
    std::shared_ptr<detail::child_process> claim(std::string name, detail::child_process::manners how) {
        auto child = std::make_shared<detail::child_process>(child_.pid, child_.pidfd, std::move(name), how);
        child_ = {};
        child->watch();  // from here on it cannot fail
        return child;
    }

private:
    detail::launched child_;
};

unclaimed_child launch_in_thread(detail::launch_plan plan) { return unclaimed_child{detail::launch(plan)}; }

/// Descriptors below 3 are the child's own: if this program has closed one of its, a pipe may have come there.
owned_descriptor above_standard(int opened, const char* operation, const std::string& subject) {
    if (opened < 0) throw error(-opened, operation, subject);
    owned_descriptor held{opened};
    if (opened > 2) return held;
    const int above = detail::copy_above_standard(opened);
    if (above < 0) throw error(-above, operation, subject);
    return owned_descriptor{above};
}

task<> open_redirection(redirection& to, bool childs_input, const std::string& name) {
    switch (to.what) {
        case stdio::kind::inherit:
        case stdio::kind::to_output: co_return;
        case stdio::kind::null: to.childs = above_standard(detail::open_null(), "spawn", name); co_return;
        case stdio::kind::pipe: {
            const detail::pipe_pair pipe = detail::make_pipe(!childs_input, childs_input);
            if (pipe.read_end < 0) throw error(-pipe.read_end, "spawn", name);
            to.own = owned_descriptor{childs_input ? pipe.write_end : pipe.read_end};
            to.childs = above_standard(childs_input ? pipe.read_end : pipe.write_end, "spawn", name);
            co_return;
        }
        case stdio::kind::descriptor: {
            const int copy = detail::copy_above_standard(to.fd);
            to.childs = above_standard(copy, "spawn", name);
            co_return;
        }
        case stdio::kind::read_file:
        case stdio::kind::write_file:
        case stdio::kind::append_file: break;
    }
    const char mode = to.what == stdio::kind::read_file ? 'r' : to.what == stdio::kind::append_file ? 'a' : 'w';
    const int opened = co_await detail::open_call(to.path, detail::flags_to_redirect(mode), 0666);
    to.childs = above_standard(opened, "open", to.path);
}

void check_launched(const detail::launched& child, const spawn_request& request, const std::string& directory) {
    if (child.error == 0) return;
    if (child.failed_at == detail::launch_step::directory) throw error(child.error, "spawn", request.name + " in " + directory);
    throw error(child.error, "spawn", request.name);
}

task<process> start(spawn_request request) {
    for (std::size_t i = 0; i < 3; ++i) co_await open_redirection(request.standard[i], i == 0, request.name);
    auto& [input, output, errors] = request.standard;
    detail::launch_plan plan = std::move(request.plan);
    plan.input = input.childs.get();
    plan.output = output.childs.get();
    plan.error = errors.childs.get();
    const std::string directory = plan.directory;
    unclaimed_child begun = co_await to_thread(launch_in_thread, std::move(plan));
    for (auto& each : request.standard) each.childs = {};  // now: the frame may live on, and a reader would see no end
    check_launched(begun.outcome(), request, directory);
    auto child = begun.claim(request.name, request.manners);
    process made = process_access::make(child);
    if (input.own.get() >= 0) child->input = detail::writer_over(input.own, "standard input of " + request.name);
    if (output.own.get() >= 0) child->output = detail::reader_over(output.own, "standard output of " + request.name);
    if (errors.own.get() >= 0) child->errors = detail::reader_over(errors.own, "standard error of " + request.name);
    if (child->output) child->output.set_limit({request.limit});
    if (child->errors) child->errors.set_limit({request.limit});
    co_return made;
}

redirection redirection_of(const stdio& asked) {
    redirection to;
    to.what = asked.what();
    to.fd = asked.fd();
    to.path = asked.path();
    return to;
}

void reject_nul(const std::string& text, const std::string& name) {
    if (text.find('\0') != std::string::npos) throw error(EINVAL, "spawn", name);
}

/// Copies what the options only refer to.
spawn_request request_of(std::vector<std::string> list, const spawn_options& options) {
    if (list.empty() || list.front().empty()) throw std::invalid_argument("spawn: no program named");
    if (options.standard_input.what() == stdio::kind::to_output || options.standard_output.what() == stdio::kind::to_output)
        throw std::invalid_argument("spawn: stdio::to_output is for standard_error");
    spawn_request request;
    request.name = list.front();
    for (const auto& each : list) reject_nul(each, request.name);
    detail::launch_plan& plan = request.plan;
    for (const auto& [name, value] : options.environment) {
        if (name.empty() || name.find('=') != std::string_view::npos) throw error(EINVAL, "spawn", request.name);
        plan.environment.push_back(std::string{name} + "=" + std::string{value});
        reject_nul(plan.environment.back(), request.name);
    }
    plan.inherits_environment = options.inherit_environment;
    plan.programs = detail::programs_named(request.name, plan.environment, plan.inherits_environment);
    plan.arguments = std::move(list);
    plan.directory = options.working_directory;
    reject_nul(plan.directory, request.name);
    plan.error_to_output = options.standard_error.what() == stdio::kind::to_output;
    plan.own_group = options.group != process_group::inherit;
    plan.own_session = options.group == process_group::session;
    request.standard = {redirection_of(options.standard_input), redirection_of(options.standard_output), redirection_of(options.standard_error)};
    request.limit = options.limit.count;
    request.manners = {.leads_group = plan.own_group, .kill_on_drop = options.kill_on_drop};
    return request;
}

task<completed_process> run_to_end(task<process> starting, std::string name, std::string_view input, bool check, duration limit, bytes most) {
    process running = co_await std::move(starting);
    process_output all;
    if (limit > duration::zero())
        all = co_await timeout(limit, running.communicate(input, most));
    else
        all = co_await running.communicate(input, most);
    const exit_status status = co_await running.wait();
    completed_process completed{status, std::move(all.output), std::move(all.error_output)};
    if (check && !completed.status.success()) throw process_error(name, std::move(completed));
    co_return completed;
}

}  // namespace

task<process> spawn_process(arguments program, spawn_options options) { return start(request_of(std::move(program).list(), options)); }

task<process> spawn_shell(std::string_view command_line, spawn_options options) {
    return start(request_of({"/bin/sh", "-c", std::string{command_line}}, options));
}

process_error::process_error(std::string_view program, completed_process completed)
    : std::runtime_error(std::string{program} + ": " + completed.status.to_string()), completed_(std::move(completed)) {}

task<completed_process> run_process(arguments program, run_process_options options) {
    std::string name = program.list().empty() ? std::string{} : program.list().front();
    auto starting = spawn_process(std::move(program), {
        .standard_input = options.input.empty() ? stdio::null : stdio::pipe,
        .standard_output = options.standard_output,
        .standard_error = options.standard_error,
        .working_directory = options.working_directory,
        .environment = options.environment,
        .inherit_environment = options.inherit_environment,
    });
    return run_to_end(std::move(starting), std::move(name), options.input, options.check, options.timeout, options.limit);
}

}  // namespace leat
