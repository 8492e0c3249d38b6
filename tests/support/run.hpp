#pragma once
#include <unistd.h>

#include <string>
#include <utility>

#include "leat/task/run.hpp"
#include "leat/task/sleep.hpp"

namespace leat::testing {

/// A test that hangs is killed after a minute, by a signal that leat leaves alone.
class guard {
public:
    guard() { ::alarm(60); }
    ~guard() { ::alarm(0); }
};

/// Runs a task on a loop of its own; its value, or its exception.
template <class T>
T in_loop(task<T> main, run_options options = {}) {
    guard limit;
    return run_until_complete(std::move(main), options);
}

/// Lets everything that is ready run, several times over: what can happen without the outside world has happened then.
inline task<> settle(int turns = 8) {
    for (int i = 0; i < turns; ++i) co_await yield();
}

/// The text of what a callable throws; empty if it throws nothing.
template <class Callable>
std::string thrown_by(Callable&& callable) {
    try {
        callable();
    } catch (const std::exception& e) {
        return e.what();
    } catch (const cancelled&) {
        return "cancelled";
    }
    return {};
}

/// Appends a letter when it dies: the order of destruction as a word.
class tombstone {
public:
    tombstone(std::string& graves, char name) : graves_(&graves), name_(name) {}
    tombstone(tombstone&& other) noexcept : graves_(std::exchange(other.graves_, nullptr)), name_(other.name_) {}
    tombstone& operator=(tombstone&&) = delete;
    ~tombstone() {
        if (graves_) graves_->push_back(name_);
    }

private:
    std::string* graves_;
    char name_;
};

}  // namespace leat::testing
