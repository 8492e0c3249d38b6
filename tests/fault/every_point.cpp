#include "fault/every_point.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "leat/leat.hpp"
#include "support/child_process.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;
namespace std_fs = std::filesystem;

constexpr auto hangs_after = 3s;

// A run takes a sanitizer's build many times as long: there every third allocation has to do. Where they lie differs little from one to the next.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long stride = 3;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr long stride = 3;
#else
constexpr long stride = 1;
#endif
#else
constexpr long stride = 1;
#endif

/// What is not right about an error: nothing, or why.
std::string fault_of(const std::exception_ptr& met, const expectations& expected, std::string& text) {
    try {
        std::rethrow_exception(met);
    } catch (const wrong& e) {
        return e.what();
    } catch (const error_group& group) {
        text = group.what();
        for (const auto& each : group.errors())
            if (std::string found = fault_of(each, expected, text); !found.empty()) return found;
        return {};
    } catch (const std::bad_alloc& e) {
        text = e.what();
        return {};
    } catch (const leat::error& e) {
        text = e.what();
        if (e.operation().empty() || !text.starts_with(e.operation())) return "an error without its operation: " + text;
    } catch (const std::exception& e) {
        text = e.what();
        if (text.empty()) return "an error without a text";
    } catch (const cancelled&) {
        return "cancelled, and nobody asked for it";
    }
    const auto named = [&](std::string_view word) { return text.find(word) != std::string::npos; };
    if (!expected.words.empty() && std::none_of(expected.words.begin(), expected.words.end(), named)) return "an error that does not name what failed: " + text;
    return {};
}

const expectations* of_this_run = nullptr;

}  // namespace

task<> part(task<> tried, reports& said) {
    auto done = co_await (std::move(tried) | as_result);
    if (done) co_return;
    std::string text;
    {
        fault::paused ours;
        if (const std::string found = fault_of(done.error().exception(), *of_this_run, text); !found.empty()) throw wrong(found);
        said.push_back(text);
    }
}

task<> undisturbed_part(task<> tried, reports& said, const char* what) {
    const bool before = fault::has_fired();
    const std::size_t failed = said.size();
    co_await part(std::move(tried), said);
    if (before && said.size() != failed) throw wrong(std::string{what} + ": " + said.back());
}

namespace {

/// Descriptors by kind.
std::map<std::string, int> descriptors(bool pipes) {
    std::map<std::string, int> all;
    for (const auto& entry : std_fs::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        std::string kind = std_fs::read_symlink(entry.path(), gone).string();
        if (gone || (!pipes && kind.starts_with("pipe:")) || kind.starts_with("/proc/")) continue;
        if (const auto colon = kind.find(':'); colon != std::string::npos && kind.ends_with("]") && !kind.starts_with("anon")) kind.resize(colon);
        ++all[kind];
    }
    return all;
}

/// This process's children, zombies among them.
std::string children() {
    std::string all;
    for (const auto& thread : std_fs::directory_iterator("/proc/self/task")) {
        std::ifstream list(thread.path() / "children");
        for (std::string each; list >> each;) all += each + " ";
    }
    return all;
}

/// Runs it once; what was wrong about it, or nothing.
std::string run_once(const program& what, const expectations& expected, fault::plan chosen, fault::outcome& seen) {
    const auto before = descriptors(expected.counts_pipes);
    const std::string children_before = children();
    reports said;
    std::string problem;
    std::string error_text;
    of_this_run = &expected;
    ::alarm(30);
    fault::arm(chosen);
    try {
        what(said);
        seen = fault::disarm();
    } catch (const timeout_error& e) {
        seen = fault::disarm();
        problem = std::string{"hung: "} + e.what();
    } catch (...) {
        seen = fault::disarm();
        problem = fault_of(std::current_exception(), expected, error_text);
    }
    ::alarm(0);
    if (std::getenv("LEAT_FAULT_SHOW")) std::fprintf(stderr, "%ld.%d %s: %s%s\n", chosen.point, chosen.choice, seen.what.c_str(), error_text.c_str(), said.empty() ? "" : said.front().c_str());
    if (problem.empty() && !seen.fired && (!error_text.empty() || !said.empty())) problem = "failed by itself: " + error_text + (said.empty() ? "" : said.front());
    if (const auto after = descriptors(expected.counts_pipes); problem.empty() && after != before) {
        problem = "a descriptor stays:";
        for (const auto& [kind, count] : after) {
            const auto was = before.contains(kind) ? before.at(kind) : 0;
            if (was != count) problem += " " + kind + " " + std::to_string(was) + "→" + std::to_string(count);
        }
    }
    if (problem.empty() && children() != children_before) problem = "a child stays: " + children();
    return problem;
}

program on_a_loop(const scenario& what) {
    return [what](reports& said) {
        run_until_complete([](const scenario& inner, reports& into) -> task<> { co_await timeout(hangs_after, inner(into)); }(what, said));
    };
}

void report(const char* kind, long points) {
    ::testing::Test::RecordProperty(kind, static_cast<int>(points));
    if (std::getenv("LEAT_FAULT_COUNT")) std::fprintf(stderr, "%s: %ld %s\n", ::testing::UnitTest::GetInstance()->current_test_info()->name(), points, kind);
}

}  // namespace

void every_call_fails_once(const scenario& what, const expectations& expected) {
    const program whole = on_a_loop(what);
    log::set_level(log::level::off);
    fault::outcome seen;
    ASSERT_EQ(run_once(whole, expected, {}, seen), "") << "without any fault";
    const char* only = std::getenv("LEAT_FAULT_ONLY");
    int problems = 0;
    int runs = 0;
    fault::plan chosen{.point = 0};
    if (only) {
        chosen.point = std::strtol(only, nullptr, 10);
        if (const char* dot = std::strchr(only, '.')) chosen.choice = std::atoi(dot + 1);
        log::set_level(log::level::debug);
    }
    for (; problems < 8; ++runs) {
        const std::string problem = run_once(whole, expected, chosen, seen);
        if (!problem.empty()) {
            ++problems;
            ADD_FAILURE() << "point " << chosen.point << "." << chosen.choice << " (" << seen.what << "): " << problem;
        }
        if (!seen.fired || only) break;
        if (++chosen.choice >= seen.choices) {
            ++chosen.point;
            chosen.choice = 0;
        }
    }
    report("failed_calls", runs - 1);
    EXPECT_TRUE(only || runs > 10) << "what was to fail?";
    log::set_level(log::level::info);
}

void every_allocation_of_a_program_fails_once(const program& what) {
    static const expectations none;
    log::set_level(log::level::off);
    // Not even once in this process: what it kept of its memory, the children would not have to ask for.
    const auto run_in_child = [&](long n) {
        return in_child([&](int) {
            fault::outcome here;
            const std::string problem = run_once(what, none, {.point = n, .choice = 0, .memory = true}, here);
            if (!problem.empty()) {
                [[maybe_unused]] auto ignored = ::write(2, problem.data(), problem.size());
                return 2;
            }
            return here.fired ? 0 : 1;
        });
    };
    const auto undisturbed = run_in_child(-1);
    ASSERT_EQ(undisturbed.exit_status, 1) << undisturbed.errors;
    const char* only = std::getenv("LEAT_FAULT_ONLY");
    int problems = 0;
    long runs = 0;
    for (long n = only ? std::atol(only) : 0; problems < 8; n += stride) {
        const auto outcome = run_in_child(n);
        if (outcome.exit_status == 1 || only) {
            if (only) std::fputs(outcome.errors.c_str(), stderr);
            break;
        }
        ++runs;
        if (outcome.exit_status == 0) continue;
        ++problems;
        ADD_FAILURE() << "allocation " << n << ": status " << outcome.exit_status << ", signal " << outcome.signal << ": " << outcome.errors.substr(0, 6000);
    }
    report("failed_allocations", runs);
    EXPECT_TRUE(only || runs > 5) << "what was to fail?";
    log::set_level(log::level::info);
}

void every_allocation_fails_once(const scenario& what, const expectations&) { every_allocation_of_a_program_fails_once(on_a_loop(what)); }

}  // namespace leat::testing
