#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>  // check-idioms: allow thread, a loop each
#include <utility>
#include <vector>

#include "leat/task/run.hpp"
#include "task/shared_loop.hpp"

namespace leat::detail {
namespace {

/// The threads of the process's own loops; they take no signals, which are the first loop's.
class loop_threads {
public:
    loop_threads() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~loop_threads() { join(); }

    template <class Body>
    void add(Body body) {
        threads_.emplace_back(std::move(body));  // check-idioms: allow thread
    }
    void take_signals_again() noexcept { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    void join() {
        take_signals_again();
        for (auto& each : threads_)
            if (each.joinable()) each.join();
    }

private:
    sigset_t before_;
    std::vector<std::thread> threads_;  // check-idioms: allow thread
};

/// Those that the process may run on, which in a container are fewer than the machine has.
std::size_t usable_cores() noexcept {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return static_cast<std::size_t>(CPU_COUNT(&set));
}

}  // namespace

std::size_t thread_count(std::size_t asked) {
    constexpr std::size_t most = 1024;
    if (asked > most) throw std::invalid_argument("leat::run: " + std::to_string(asked) + " threads; at most 1024 are possible");
    return asked != 0 ? asked : usable_cores();
}

int run_threads(std::size_t threads, function_ref<int(std::size_t, loop_set&)> body) {
    const auto set = std::make_shared<loop_set>(threads);
    std::vector<int> status(threads, 1);
    std::vector<std::exception_ptr> broken(threads);
    const auto work = [&](std::size_t index) {
        try {
            status[index] = body(index, *set);
        } catch (const loop_set::abandoned&) {
        } catch (...) {  // no loop could be made, or the callable threw before it returned a task
            broken[index] = std::current_exception();
            set->give_up();
        }
    };
    {
        loop_threads others;
        try {
            for (std::size_t i = 1; i < threads; ++i) others.add([&work, i] { work(i); });
        } catch (...) {
            set->give_up();
            broken[0] = std::current_exception();
        }
        others.take_signals_again();
        if (!broken[0]) work(0);
    }
    set->dissolve();
    for (const auto& error : broken)
        if (error) std::rethrow_exception(error);
    for (int each : status)
        if (each != 0) return each;
    return 0;
}

}  // namespace leat::detail
