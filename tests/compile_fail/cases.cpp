// What must not compile, one case at a time: the build of this file with CASE=0 must pass and with each other number fail. The text after a case's
// number is what the compiler has to say.

#include <memory>
#include <string>
#include <vector>

#include "leat/io/function_ref.hpp"
#include "leat/net/server.hpp"
#include "leat/sync/condition.hpp"
#include "leat/sync/event.hpp"
#include "leat/sync/queue.hpp"
#include "leat/task/gather.hpp"
#include "leat/task/generator.hpp"
#include "leat/task/parallel_for_each.hpp"
#include "leat/task/race.hpp"
#include "leat/task/shield.hpp"
#include "leat/task/sleep.hpp"
#include "leat/task/timeout.hpp"
#include "leat/task/to_thread.hpp"

using namespace std::chrono_literals;

namespace {

[[maybe_unused]] leat::task<int> number() { co_return 1; }
[[maybe_unused]] leat::task<> handle(leat::stream_reader, leat::stream_writer) { co_return; }

[[maybe_unused]] leat::task<> use(leat::stream_reader& reader, leat::event& stop, std::shared_ptr<int> shared) {
#if CASE == 0
    // Each neighbour of a case, in the form that is right.
    co_await leat::timeout(1s, reader.read_line());
    co_await leat::race(reader.read_line(), stop.wait());
    auto kept = leat::gather(number(), number());
    co_await std::move(kept);
    auto named = [shared] { return *shared; };
    co_await leat::to_thread(named);
    co_await leat::to_thread([](const std::shared_ptr<int>& p) { return *p; }, shared);
    auto handler = [shared](leat::stream_reader, leat::stream_writer) -> leat::task<> { co_return; };
    auto server = co_await leat::start_server(handler, {"127.0.0.1", 0});
    auto other = co_await leat::start_server(handle, {"127.0.0.1", 0});
    leat::function_ref<int()> ref = named;
    auto moved = number();
    auto target = std::move(moved);
    co_await std::move(target);
    auto outcome = co_await (number() | leat::as_result);
    (void)outcome;
    co_await leat::shield(stop.wait());
    auto each = [shared](int) -> leat::task<> { co_return; };
    co_await leat::parallel_for_each(std::vector<int>(3), 2, each);
    co_await leat::timeout_at(leat::now(), reader.read_line());
#elif CASE == 1  // deleted|operator co_await|no member|passing
    auto stored = leat::timeout(1s, reader.read_line());
    co_await stored;
#elif CASE == 2  // deleted|no match|operator co_await|no member|passing
    auto stored = leat::race(reader.read_line(), stop.wait());
    co_await stored;
#elif CASE == 3  // deleted|no match|operator co_await|no member|passing
    auto stored = leat::gather(reader.read_line(), stop.wait());
    co_await stored;
#elif CASE == 4  // deleted
    auto stored = leat::timeout(1s, reader.read_line());
    auto copy = std::move(stored);
    co_await std::move(copy);
#elif CASE == 5  // deleted
    auto stored = leat::race(reader.read_line(), stop.wait());
    auto copy = std::move(stored);
    co_await std::move(copy);
#elif CASE == 6  // name it first  (g++ 12)
    co_await leat::to_thread([shared] { return *shared; });  // check-idioms: allow closure, it must not compile
#elif CASE == 7  // name it first  (g++ 12)
    auto server = co_await leat::start_server([shared](leat::stream_reader, leat::stream_writer) -> leat::task<> { co_return; }, {"127.0.0.1", 0});  // check-idioms: allow closure, it must not compile
#elif CASE == 8  // deleted
    leat::function_ref<int()> ref = [shared] { return *shared; };
#elif CASE == 9  // deleted
    auto one = number();
    auto two = one;
    co_await std::move(two);
#elif CASE == 10  // operator co_await|no member|passing
    auto one = number();
    co_await one;
#elif CASE == 11  // give a task away
    auto one = number();
    co_await leat::timeout(1s, one);
#elif CASE == 12  // deleted
    auto read = reader.read_line();
    auto copy = read;
#elif CASE == 13  // deleted
    auto read = reader.read_line();
    auto moved = std::move(read);
#elif CASE == 14  // a task returns a value
    auto reference = [](int& i) -> leat::task<int&> { co_return i; };
    (void)reference;
#elif CASE == 15  // nodiscard|unused|ignoring
    number();
#elif CASE == 16  // deleted
    auto slept = leat::sleep(1s);
    auto copy = slept;
#elif CASE == 17  // name it first  (g++ 12)
    co_await leat::parallel_for_each(std::vector<int>(3), 2, [shared](int) -> leat::task<> { co_return; });  // check-idioms: allow closure, it must not compile
#elif CASE == 18  // name it first  (g++ 12)
    leat::mutex m;
    leat::condition changed{m};
    auto lock = co_await m.lock();
    co_await changed.wait_for(lock, [shared] { return *shared > 0; });  // check-idioms: allow closure, it must not compile
#elif CASE == 19  // deleted|no match|operator co_await|no member|passing
    auto stored = leat::timeout_at(leat::now(), reader.read_line());
    co_await stored;
#elif CASE == 20  // no matching|deleted|no default
    leat::queue<int> unbounded;
#elif CASE == 21  // has to return a leat::task
    co_await leat::parallel_for_each(std::vector<int>(3), 2, [](int) { return 1; });
#elif CASE == 22  // a generator yields values
    auto references = [](int& i) -> leat::generator<int&> { co_yield i; };
    (void)references;
#endif
    (void)reader, (void)stop, (void)shared;
    co_return;
}

}  // namespace
