"""The echo suite: lines, bulk, idle connections, and how long the program takes to compile."""
import subprocess
import time

from build import program
from case import Case, Sample
from compile import compile_case
from process import Failed, Server, load, pinned
from project import LOAD_CORE
from subject import built, engines, python


def _echo_subjects():
    return [
        built("floor-uring", "floor_echo_uring"), built("floor-epoll", "floor_echo_epoll"), *engines("leat_echo"),
        built("libuv", "rival_libuv_echo"),
        built("asio", "rival_asio_echo", share=0.2), built("asio-uring", "rival_asio_echo_uring", share=0.2),
        python("uvloop", "asyncio_echo.py", "0", "--uvloop", modules=["uvloop"], share=0.3),
        python("asyncio", "asyncio_echo.py", "0", share=0.1),
    ]


def _bulk_subjects():
    return [
        built("floor-uring", "floor_bulk_uring"), built("floor-epoll", "floor_bulk_epoll"), *engines("leat_bulk"),
        built("asio", "rival_asio_bulk"), built("asio-uring", "rival_asio_bulk_uring"),
        python("uvloop", "asyncio_bulk.py", "0", "--uvloop", modules=["uvloop"], share=0.15),
        python("asyncio", "asyncio_bulk.py", "0", share=0.15),
    ]


def _lines(connections, depth, lines):
    def run(subject, number):
        with Server(subject) as server:
            in_flight = connections * depth
            wanted = max(int(lines * subject.share), 20 * in_flight)
            load("load_echo", LOAD_CORE, server.port, connections, depth, wanted // 10, 5)
            before = server.cpu()
            done = load("load_echo", LOAD_CORE, server.port, connections, depth, wanted, 30)
            return Sample(done["units"], server.cpu() - before, done["seconds"], server.peak(),
                          {"load_busy": done["load_cpu"] / done["seconds"]})
    return run


def _bulk(size):
    def run(subject, number):
        with Server(subject) as server:
            wanted = int(size * subject.share)
            load("load_bulk", LOAD_CORE, server.port, wanted // 20)
            before = server.cpu()
            done = load("load_bulk", LOAD_CORE, server.port, wanted)
            return Sample(done["units"] / 65536, server.cpu() - before, done["seconds"], server.peak(),
                          {"load_busy": done["load_cpu"] / done["seconds"]})
    return run


def _idle(first, second):
    """Memory at two counts of connections: the slope is what one costs, what is left is the fixed cost."""
    def run(subject, number):
        with Server(subject) as server:
            command = [str(program("load_idle")), str(server.port), str(first), str(second)]
            opener = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      preexec_fn=pinned(LOAD_CORE))
            try:
                resident = []
                before, began = server.cpu(), time.monotonic()
                for count in (first, second):
                    if opener.stdout.readline().strip() != str(count).encode():
                        raise Failed(f"{count} connections: {opener.stderr.read().decode().strip()}")
                    resident.append(server.resident())
                    opener.stdin.write(b"\n")
                    opener.stdin.flush()
                each = (resident[1] - resident[0]) / (second - first)
                return Sample(second, server.cpu() - before, time.monotonic() - began, server.peak(),
                              {"bytes_each": each, "fixed_MB": (resident[0] - each * first) / 1e6})
            finally:
                # The server goes first, so that the many closed connections wait for their end on its side only.
                server.stop()
                opener.kill()
                opener.communicate()
    return run


def cases(quick):
    scale = 0.2 if quick else 1
    idle = (1000, 2000) if quick else (5000, 10000)
    return [
        Case("echo", "echo-64x1", "lines of 64 bytes, 64 connections, depth 1", "line", _echo_subjects(),
             _lines(64, 1, 400_000 * scale)),
        Case("echo", "echo-50x16", "lines of 64 bytes, 50 connections, 16 lines in flight", "line", _echo_subjects(),
             _lines(50, 16, 3_000_000 * scale)),
        Case("echo", "bulk", "bytes received over one connection and dropped", "64KiB", _bulk_subjects(),
             _bulk((8 << 30) * scale)),
        Case("echo", "idle", f"memory of {idle[1]} idle connections, after one line on each", "connection",
             _echo_subjects(), _idle(*idle)),
        compile_case(),
    ]
