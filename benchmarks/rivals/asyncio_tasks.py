"""Rival: what tasks cost in asyncio. Prints the JSON lines of benchmarks/leat/tasks.cpp, with a tenth of its counts."""
import asyncio
import json
import statistics
import sys
import time

ROUNDS = 5


def say(name, value):
    print(json.dumps({name: round(value, 1)}), flush=True)


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


async def nothing():
    pass


async def spawn_and_join():
    figures = []
    for _ in range(ROUNDS):
        start = time.process_time_ns()
        for _ in range(50):
            async with asyncio.TaskGroup() as group:
                for _ in range(1000):
                    group.create_task(nothing())
        figures.append((time.process_time_ns() - start) / 50_000)
    say("spawn_join_ns", statistics.median(figures))


async def time_out():
    figures = []
    slots = asyncio.Semaphore(1)
    for _ in range(ROUNDS):
        count = 50_000
        start = time.process_time_ns()
        for _ in range(count):
            async with slots:
                pass
        bare = time.process_time_ns() - start
        start = time.process_time_ns()
        for _ in range(count):
            async with asyncio.timeout(3600):
                await slots.acquire()
            slots.release()
        figures.append((time.process_time_ns() - start - bare) / count)
    say("timeout_ns", statistics.median(figures))


async def sleep_all():
    count = 100_000
    before = resident_bytes()
    tasks = [asyncio.create_task(asyncio.sleep(3600)) for _ in range(count)]
    for _ in range(3):
        await asyncio.sleep(0)
    say("sleeping_bytes", (resident_bytes() - before) / count)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def main():
    only = sys.argv[1] if len(sys.argv) > 1 else None
    for name, part in (("sleeping", sleep_all), ("spawn", spawn_and_join), ("timeout", time_out)):
        if only in (None, name):
            await part()


asyncio.run(main())
