#include "engine/pool/thread_pool.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "leat/leat.hpp"
#include "support/run.hpp"
#include "task/loop.hpp"

namespace leat::testing {
namespace {

using namespace std::chrono_literals;

/// A call that blocks for ever, and does so only once the signal that is to interrupt it has come and gone.
class blocks_too_late final : public detail::operation {
public:
    blocks_too_late() : operation(waits_for::file) { EXPECT_EQ(::pipe(ends_), 0); }
    ~blocks_too_late() {
        for (const int each : ends_) ::close(each);
    }
    void prepare(io_uring_sqe&) noexcept override {}
    detail::completion attempt(detail::scratch_buffer) noexcept override {
        begun = true;
        while (!interrupted) ::sched_yield();
        ::sched_yield();  // a signal that was sent before is dealt with by now
        char byte;
        return {.result = ::read(ends_[0], &byte, 1) < 0 ? -errno : 0};
    }
    void complete(detail::completion done) noexcept override {
        result = done.result;
        ended.set();
    }

    std::atomic<bool> begun = false;
    std::atomic<bool> interrupted = false;
    int result = 0;
    event ended;

private:
    int ends_[2];
};

TEST(ThreadPool, ACallThatIsInterruptedJustBeforeItBlocksIsInterruptedAgain) {
    blocks_too_late call;  // outlives the pool's thread
    in_loop([&]() -> task<> {
        auto& pool = detail::loop::current().pool();
        pool.submit(call);
        while (!call.begun) co_await yield();
        pool.cancel(call);
        call.interrupted = true;
        const auto ended = co_await (timeout(20s, call.ended.wait()) | as_result);
        EXPECT_TRUE(ended);
        EXPECT_EQ(call.result, -ECANCELED);
    }());
}

}  // namespace
}  // namespace leat::testing
