#!/usr/bin/env python3
"""leat get: Ctrl-C in the middle ends with 130 and leaves whole files only."""

import json
import os
import shutil
import signal
import subprocess
import time

import tool
from scripted import Scripted, trickle, whole


class Interrupt(tool.Case):
    def start(self, *arguments, **more):
        return subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=tool.environment(), encoding="utf-8", **more)

    def left_behind(self):
        return sorted(os.listdir(self.path("out"))) if os.path.isdir(self.path("out")) else []

    def test_half_way(self):
        for by, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(by), Scripted({"/good": whole("good")}) as server:
                slow = trickle(10**12, 70_000, 0.01, lambda: server.closing)  # none is ever complete
                server.answers.update({f"/slow{i}": slow for i in range(8)})
                server.answers["/waiting"] = lambda connection, _: server.closing.wait(tool.PATIENCE)
                process = self.start("--no-preallocate", server.url("/good"), *(server.url(f"/slow{i}") for i in range(8)), server.url("/waiting"))
                self.assertIn("saved", process.stdout.readline())
                self.wait_for(lambda: len(server.counts) == 10)
                started = time.monotonic()
                process.send_signal(by)
                out, err = process.communicate(timeout=tool.PATIENCE)
                self.assertEqual(process.returncode, status, err)
                self.assertLess(time.monotonic() - started, 5)
                self.assertEqual(self.left_behind(), ["good"])
                self.assertIn("leat: get: interrupted; 1 of 10 files are complete", err)

    def test_nobody_reads_what_it_complains_of(self):
        """The files are fetched all the same, and the first signal ends it."""
        for by, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for at in ("warned", "work", "end"):
                with self.subTest((by, at)), tool.stuck_pipe() as stuck, Scripted({"/good": whole("good")}) as server:
                    server.answers["/waiting"] = lambda connection, _: server.closing.wait(tool.PATIENCE)
                    warning = "  all-proxy=x\n" if at == "warned" else ""
                    self.write("list", server.url("/good") + "\n" + warning + server.url("/none" if at == "end" else "/waiting") + "\n")
                    report = self.path(f"report-{at}-{status}")
                    shutil.rmtree(self.path("out"), ignore_errors=True)
                    process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), "-i", self.path("list"), "--retries", "0", "--report", report],
                                               stdout=subprocess.PIPE, stderr=stuck, env=tool.environment(), encoding="utf-8")
                    try:
                        self.wait_for(lambda: os.path.exists(self.path("out/good")) and ("/waiting" in server.counts or os.path.exists(report)))
                        self.assertIsNone(process.poll())
                        started = time.monotonic()
                        process.send_signal(by)
                        self.assertEqual(process.wait(tool.PATIENCE), status)
                        self.assertLess(time.monotonic() - started, 5)
                        with open(report) as file:
                            self.assertEqual(len(json.load(file)["files"]), 2 if at == "end" else 1)
                    finally:
                        process.kill()
                        process.communicate()

    def test_complaints_that_nobody_reads_do_not_pile_up(self):
        """More than 16 MiB are dropped, and whoever comes to read them at last is told so."""
        reading, writing = os.pipe()
        with Scripted({"/good": whole("good")}) as server, open(reading, "rb") as reader:
            self.write("list", server.url("/good") + "\n" + "  all-proxy=x\n" * 300_000)
            process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), "-i", self.path("list"), "--report", self.path("report")],
                                       stdout=subprocess.DEVNULL, stderr=writing, env=tool.environment())
            os.close(writing)
            try:
                self.wait_for(lambda: os.path.exists(self.path("report")))
                told = reader.read()
                self.assertEqual(process.wait(tool.PATIENCE), 0)
            finally:
                process.kill()
                process.wait()
        self.assertTrue(told.endswith(b" is ignored\nleat: what follows is dropped until somebody reads this\n"), told[-300:])
        self.assertTrue(16 << 20 < len(told) < 17 << 20, len(told))

    def test_a_reader_that_reads_nothing(self):
        """What it has not taken when everything is there is not waited for beyond a signal."""
        with Scripted({f"/f{i}": whole("x") for i in range(20)}) as server:
            for where in ("events", "stdout", "table"):
                for by, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
                    with self.subTest((where, by)):
                        reading, writing = os.pipe()
                        os.set_blocking(writing, False)
                        try:
                            while True:
                                os.write(writing, b"x" * 512)
                        except BlockingIOError:
                            os.set_blocking(writing, True)
                        report = self.path(f"report-{where}-{status}")
                        more = {"events": ["--events", str(writing)], "table": ["--table"], "stdout": []}[where]
                        process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), "--report", report, *more, *map(server.url, server.answers)],
                                                   stdout=subprocess.DEVNULL if where == "events" else writing, stderr=subprocess.PIPE,
                                                   pass_fds=[writing], env=tool.environment())
                        self.wait_for(lambda: os.path.exists(report))
                        self.assertIsNone(process.poll())
                        process.send_signal(by)
                        try:
                            self.assertEqual(process.wait(tool.PATIENCE), status)
                        finally:
                            process.kill()
                            process.communicate()
                            os.close(reading)
                            os.close(writing)

    def test_at_any_moment(self):
        with Scripted({f"/f{i}": whole(str(i) * 30_000) for i in range(100)}) as server:
            urls = [server.url(f"/f{i}") for i in range(100)]
            for delay in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08):
                process = self.start(*urls)
                try:
                    process.wait(delay)
                except subprocess.TimeoutExpired:
                    pass
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=tool.PATIENCE)
                # Before it listens for signals, one kills it as it does any program.
                self.assertIn(process.returncode, (130, -signal.SIGINT, 0), err)
                for name in self.left_behind():
                    self.assertRegex(name, r"^f\d+$")
                    self.assertSameFile(self.path("out", name), name[1:].encode() * 30_000)

    def test_while_the_list_is_awaited(self):
        process = self.start("-i", "-", stdin=subprocess.PIPE)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(tool.PATIENCE), 130)
        process.communicate()

    def test_while_a_retry_is_awaited(self):
        with Scripted({"/busy": whole("", "503 Busy", "Retry-After: 60\r\n")}) as server:
            process = self.start(server.url("/busy"))
            self.wait_for(lambda: server.counts)
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(tool.PATIENCE / 2), 130)
            process.communicate()


if __name__ == "__main__":
    tool.main()
