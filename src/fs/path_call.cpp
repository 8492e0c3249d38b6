#include "fs/path_call.hpp"

#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "engine/name_calls.hpp"
#include "task/operation_awaiter.hpp"

namespace leat::detail {
namespace {

struct naming : path_operation {
    using path_operation::path_operation;
    void unclaimed(int) noexcept {}
};

/// As operation_awaiter, but cancelled it waits: whether a name has changed has to be known.
class naming_awaiter final : waiter, held_operation<naming>::listener {
public:
    naming_awaiter(const char* name, std::unique_ptr<held_operation<naming>> operation) noexcept : operation_(operation.release()), name_(name) {}
    ~naming_awaiter() {
        if (operation_) operation_->abandon();
    }
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> frame, std::source_location at = std::source_location::current()) {
        if (!suspend(frame.promise(), at)) return false;
        operation_->begin(this);
        return true;
    }
    int await_resume() {
        if (was_cancelled()) throw cancelled{};
        return operation_->result;
    }
    const struct statx& found() const noexcept { return operation_->found(); }

private:
    void ended() noexcept override {
        if (asked_ && (operation_->result == -ECANCELED || operation_->result == -EINTR)) return wake_cancelled();
        wake();
    }
    void cancel() noexcept override {
        asked_ = true;
        loop::current().cancel(*operation_);
    }
    const char* describe() const noexcept override { return name_; }

    held_operation<naming>* operation_;
    const char* name_;
    bool asked_ = false;
};

}  // namespace

task<int> path_call(const char* name, path_operation::call what, std::string path, std::string second, unsigned mode) {
    auto operation = std::make_unique<held_operation<naming>>(what, std::move(path), std::move(second), mode);
    naming_awaiter done{name, std::move(operation)};
    co_return co_await done;
}

task<int> status_call(const char* name, path_operation::call what, std::string path, struct statx& into) {
    auto operation = std::make_unique<held_operation<naming>>(what, std::move(path));
    naming_awaiter done{name, std::move(operation)};
    const int result = co_await done;
    if (result == 0) into = done.found();
    co_return result;
}

void remove_without_waiting(const std::string& path, bool local) noexcept {
    if (local || !loop::current_or_null()) {
        remove_directly(path.c_str());
        return;
    }
    try {
        (new held_operation<naming>(path_operation::call::remove_file, path))->begin(nullptr);
    } catch (const std::bad_alloc&) {
        remove_directly(path.c_str());
    }
}

void check_name(const char* operation, const leat::path& name) {
    const std::string& text = name.string();
    if (text.find('\0') == std::string::npos) return;
    throw error(EINVAL, operation, text.substr(0, text.find('\0')) + "\\0");
}

}  // namespace leat::detail
