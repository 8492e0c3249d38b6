// docs/guide/from-asyncio.md
#include <cstdint>
#include <leat/leat.hpp>
#include <string>

#include "run_page.hpp"

using namespace std::chrono_literals;

namespace from_asyncio {
namespace {

// clang-format off
leat::task<> fetch_greeting(std::string host, std::uint16_t port) {          // async def fetch_greeting(host, port):
    auto [reader, writer] = co_await leat::open_connection({host, port});    //     reader, writer = await asyncio.open_connection(host, port)
    co_await writer.write("hello\n");                                        //     writer.write(b"hello\n"); await writer.drain()
    auto reply = co_await leat::timeout(5s, reader.read_line());             //     reply = await asyncio.wait_for(reader.readline(), 5)
    if (reply) leat::log::info("{}", *reply);                                //     if reply: logging.info(reply)
    co_await writer.close();                                                 //     writer.close(); await writer.wait_closed()
}
leat::task<> fetch_all_greetings() {                                         // async def fetch_all_greetings():
    leat::task_group group;                                                  //     async with asyncio.TaskGroup() as group:
    for (std::uint16_t port : {8888, 8889}) group.spawn(fetch_greeting("127.0.0.1", port));  //   group.create_task(fetch_greeting(…))
    co_await group.join();                                                   //     (the end of the block)
}
// clang-format on

}  // namespace

leat::task<> page() {
    auto one = co_await leat::start_server(guide::echo, {"127.0.0.1", 8888});
    auto other = co_await leat::start_server(guide::echo, {"127.0.0.1", 8889});
    co_await fetch_all_greetings();
    guide::expect(one.statistics().accepted == 1 && other.statistics().accepted == 1, "a connection to each");
    co_await one.close();
    co_await other.close();
}

}  // namespace from_asyncio
