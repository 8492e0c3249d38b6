#!/usr/bin/env python3
"""leat get: what fails is told with its reason, the rest goes on, and nothing half is left behind."""

import json
import os
import socket
import time

import tool
from scripted import Scripted, trickle, whole

FAST = ("--retries", "0")


class Failures(tool.Case):
    def get(self, *arguments, **more):
        return tool.run("get", "-d", self.path("out"), *arguments, **more)

    def names(self):
        return sorted(name for name in os.listdir(self.path("out")) if name != ".leat-journal")

    def test_each_failure_has_its_reason_and_the_rest_goes_on(self):
        answers = {
            "/good": whole("good"),
            "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
            "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "/huge-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx",
            "/garbage": b"\x00\x01\x02 this is no HTTP\r\n\r\n",
            "/nothing": b"",
            "/endless": b"HTTP/1.1 200 OK\r\n" + b"A: " + b"a" * 1_000_000,
            "/gone": whole("", "410 Gone"),
            "/loop": whole("", "302 Found", "Location: /loop\r\n"),
            "/nowhere": whole("", "302 Found"),
        }
        with socket.socket() as unused, Scripted(answers) as server:
            unused.bind(("127.0.0.1", 0))
            refused = f"http://127.0.0.1:{unused.getsockname()[1]}/refused"
            bad = [server.url(p) for p in answers if p != "/good"]
            bad += [refused, "http://no-such-host.invalid/x", "ftp://127.0.0.1/x", "nonsense", "http://", "http://127.0.0.1:99999/"]
            ended = self.get(server.url("/good"), *bad, *FAST)
        self.assertEqual(ended.returncode, 1)
        self.assertIn(f"leat: get: {len(bad)} of {len(bad) + 1} files failed:", ended.stderr)
        for url in bad:
            told = [line for line in ended.stderr.splitlines() if line.startswith(f"leat: get: {url}: ")]
            self.assertEqual(len(told), 1, f"{url}: {ended.stderr}")
        self.assertEqual(self.names(), ["good"])
        self.assertSameFile(self.path("out/good"), b"good")

    def test_retries(self):
        def fails(times, how):
            return lambda connection, number: connection.sendall(how if number <= times else whole("at last"))

        busy = whole("", "503 Busy", "Retry-After: 0\r\n")
        with Scripted({"/busy": fails(2, busy), "/broken": fails(1, b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"),
                       "/never": fails(99, busy), "/no": whole("", "404 Not Found")}) as server:
            ended = self.get(*(server.url(p) for p in ("/busy", "/broken", "/never", "/no")), "--retries", "2")
            self.assertEqual(server.counts, {"/busy": 3, "/broken": 2, "/never": 3, "/no": 1})
        self.assertEqual(ended.returncode, 1)
        self.assertIn("503", ended.stderr)
        self.assertEqual(self.names(), ["broken", "busy"])
        for name in self.names():
            self.assertSameFile(self.path("out", name), b"at last")

    def test_time_outs(self):
        with Scripted({}) as server, socket.create_server(("127.0.0.1", 0)) as silent:
            server.answers["/slow"] = trickle(10_000, 10, 0.05, lambda: server.closing)
            server.answers["/stalls"] = trickle(10_000, 5000, 60, lambda: server.closing)
            server.answers["/head"] = lambda connection, _: server.closing.wait(60)
            started = time.monotonic()
            self.assertIn("/slow: ", self.get(server.url("/slow"), *FAST, "--timeout", "0.5").stderr)
            self.assertIn("/stalls: ", self.get(server.url("/stalls"), *FAST, "--stall-timeout", "0.4").stderr)
            self.assertIn("/head: ", self.get(server.url("/head"), *FAST, "--stall-timeout", "0.4").stderr)
            # It accepts in the kernel and says nothing: a TLS handshake that never ends.
            self.assertEqual(self.get(f"https://127.0.0.1:{silent.getsockname()[1]}/", *FAST, "--connect-timeout", "0.4").returncode, 7)
            self.assertLess(time.monotonic() - started, 20)
        self.assertEqual(self.names(), [])

    def test_a_directory_that_cannot_be(self):
        self.write("file")
        with Scripted({"/a": whole("a")}) as server:
            ended = tool.run("get", server.url("/a"), "-d", self.path("file/below"))
            self.assertEqual(ended.returncode, 1)
            self.assertRegex(ended.stderr, r"^leat: get: make directory .*file/below: Not a directory")
            # A program that reads the report learns of it there.
            report = self.path("report.json")
            ended = tool.run("get", server.url("/a"), "-d", self.path("file/below"), "--report", report, "--events", self.path("events"))
            self.assertEqual(ended.returncode, 1)
            with open(report, encoding="ascii") as file:
                told = json.load(file)
            self.assertEqual((told["exit_status"], told["interrupted"]), (1, False))
            self.assertIn("file/below: Not a directory", told["error"])
            with open(self.path("events"), encoding="ascii") as file:
                self.assertEqual(json.loads(file.readlines()[-1])["event"], "summary")
            # Nor can it begin without its lists and cookies; a report that cannot be written does not hide why.
            for more in (["-i", self.path("nowhere")], ["--cookies", self.path("nowhere")], ["--checksums", self.path("nowhere")], ["--metalink", self.path("nowhere")]):
                os.remove(report)
                ended = tool.run("get", server.url("/a"), *more, "-d", self.path("other"), "--report", report, "--events", self.path("events"))
                self.assertEqual(ended.returncode, 1)
                with open(report, encoding="ascii") as file:
                    self.assertIn("nowhere: No such file", json.load(file)["error"])
                with open(self.path("events"), encoding="ascii") as file:
                    self.assertEqual([json.loads(line)["event"] for line in file], ["summary"])
            ended = tool.run("get", server.url("/a"), "-i", self.path("nowhere"), "--report", self.path("no/report"))
            self.assertEqual(ended.returncode, 1)
            self.assertRegex(ended.stderr, r"no/report[^\n]*\n.*nowhere: No such file")
            # /proc takes no files, not even root's.
            ended = tool.run("get", server.url("/a"), "-d", "/proc", *FAST)
            self.assertEqual(ended.returncode, 14)
            self.assertRegex(ended.stderr, rf"^leat: get: {server.url('/a')}: ")
            if os.geteuid() != 0:
                os.mkdir(self.path("closed"), 0o555)
                ended = tool.run("get", server.url("/a"), "-d", self.path("closed"))
                self.assertEqual(ended.returncode, 14)
                self.assertIn("Permission denied", ended.stderr)

    def test_a_target_that_is_a_directory(self):
        os.makedirs(self.path("out/a"))
        with Scripted({"/a": whole("a"), "/b": whole("b")}) as server:
            ended = self.get(server.url("/a"), server.url("/b"), *FAST)
        self.assertEqual(ended.returncode, 14)
        self.assertIn("/a: ", ended.stderr)
        self.assertEqual(self.names(), ["a", "b"])

    def test_a_full_disk(self):
        with tool.small_disk("1m") as disk, Scripted({"/big": whole(b"b" * 5_000_000), "/mid": whole(b"m" * 3_000_000), "/small": whole("s")}) as server:
            out = os.path.join(disk, "out")
            ended = tool.run("get", server.url("/big"), server.url("/mid"), "-d", out, *FAST)
            self.assertEqual(ended.returncode, 14)
            self.assertEqual(ended.stderr.count("No space left on device"), 2, ended.stderr)
            self.assertEqual(os.listdir(out), [])
            # Once there is room again, it is used.
            self.assertEqual(tool.run("get", server.url("/small"), "-d", out).returncode, 0)

    def test_a_device_that_is_full(self):
        with Scripted({"/a": whole(b"x" * 300_000)}) as server:
            ended = tool.run("get", server.url("/a"), "-o", "/dev/full", *FAST)
        self.assertEqual(ended.returncode, 14)
        self.assertIn("No space left on device", ended.stderr)
        self.assertTrue(os.path.exists("/dev/full") and not os.path.isfile("/dev/full"))

    def test_control_characters_from_servers(self):
        evil = "\x1b]0;owned\x07\x1b[2J\x9b31m"
        with Scripted({"/status": f"HTTP/1.1 500 {evil}\r\nContent-Length: 0\r\n\r\n".encode("latin-1"), "/garbage": evil.encode("latin-1") + b"\r\n\r\n",
                       "/%1b%5d0;x%07name": whole("x"), "/moved": whole("", "302 Found", "Location: /%1b[2J\r\n")}) as server:
            urls = [server.url(p) for p in server.answers]
            ended = self.get(*urls, "http://127.0.0.1:1/\x1b[2J", "--no-glob", *FAST)
        self.assertEqual(ended.returncode, 1)
        for text in (ended.stdout, ended.stderr, *self.names()):
            for character in text.replace("\n", ""):
                self.assertTrue(ord(character) >= 0x20 and not 0x7F <= ord(character) <= 0x9F, repr(text))


if __name__ == "__main__":
    tool.main()
