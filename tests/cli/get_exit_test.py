#!/usr/bin/env python3
"""leat get: the exit status says what kind of failure it was."""

import hashlib
import os
import socket

import tool
from scripted import Scripted, whole

NAME, CONNECT, TIMEOUT, STATUS, SERVER, REDIRECT, PROTOCOL, TRUNCATED, CHECKSUM, DISK, EXISTS = 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15


class ExitStatus(tool.Case):
    def get(self, *arguments):
        return tool.run("get", "-d", self.path("out"), "--retries", "0", *arguments)

    def assertEnds(self, status, *arguments):
        ended = self.get(*arguments)
        self.assertEqual(ended.returncode, status, ended.stderr)
        return ended

    def test_each_class_has_its_own(self):
        answers = {
            "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
            "/garbage": b"\x00\x01\x02 this is no HTTP\r\n\r\n",
            "/gone": whole("", "410 Gone"),
            "/busy": whole("", "503 Busy"),
            "/loop": whole("", "302 Found", "Location: /loop\r\n"),
            "/a": whole("a"),
        }
        with socket.socket() as unused, Scripted(answers) as server:
            server.answers["/silent"] = lambda connection, _: server.closing.wait(tool.PATIENCE)
            unused.bind(("127.0.0.1", 0))
            refused = f"http://127.0.0.1:{unused.getsockname()[1]}/"
            cases = ((0, server.url("/a")), (3, "ftp://127.0.0.1/x"), (NAME, "http://no-such-host.invalid/x"), (CONNECT, refused),
                     (TIMEOUT, server.url("/silent"), "--stall-timeout", "0.3"), (STATUS, server.url("/gone")), (SERVER, server.url("/busy")),
                     (REDIRECT, server.url("/loop")), (PROTOCOL, server.url("/garbage")), (TRUNCATED, server.url("/short")),
                     (CHECKSUM, server.url("/a"), "--checksum", "sha256:" + "0" * 64), (DISK, server.url("/a"), "-d", "/proc"),
                     (DISK, server.url("/a"), "-o", "/dev/full"))
            for status, *arguments in cases:
                with self.subTest(arguments):
                    self.assertEnds(status, *arguments)
            self.assertEnds(EXISTS, server.url("/a"), "--existing", "fail")

    def test_several_of_one_class_and_of_different_ones(self):
        with Scripted({"/busy": whole("", "503 Busy"), "/a": whole("a")}) as server:
            self.assertEnds(STATUS, server.url("/x"), server.url("/y"), server.url("/a"))
            self.assertEnds(1, server.url("/x"), server.url("/busy"), server.url("/a"))

    def test_the_help_and_the_page_name_them_all(self):
        shown = tool.run("get", "--help").stdout
        for status in (0, 1, 2, *range(3, 17), 130):
            self.assertRegex(shown, rf"(?m)^  {status} +\w")

    def test_existing_files(self):
        os.makedirs(self.path("out"))
        with Scripted({"/a": whole("new")}) as server:
            self.write("out/a", "old")
            server.answers["/a"] = lambda connection, _: connection.sendall(
                whole("", "304 Not Modified") if b"\r\nIf-" in server.heads[-1] else whole("new"))
            self.assertEnds(0, server.url("/a"), "--existing", "if-newer")
            self.assertSameFile(self.path("out/a"), b"old")
            server.answers["/a"] = whole("new")
            for how, status, content in (("skip", 0, b"old"), ("fail", EXISTS, b"old"), ("overwrite", 0, b"new")):
                with self.subTest(how):
                    self.write("out/a", "old")
                    server.counts.clear()
                    ended = self.assertEnds(status, server.url("/a"), "--existing", how)
                    self.assertSameFile(self.path("out/a"), content)
                    self.assertEqual(server.counts, {"/a": 1} if how == "overwrite" else {})
                    self.assertEqual("skipped " in ended.stdout, how == "skip")

    def test_checksums(self):
        good, bad = hashlib.sha256(b"good").hexdigest(), "0" * 64
        with Scripted({"/good": whole("good"), "/other": whole("other"), "/third": whole("third")}) as server:
            self.assertEnds(0, server.url("/good"), "--checksum", "sha256:" + good)
            self.write("SUMS", f"{good}  good\n{bad} *./dir/other\n")
            ended = self.assertEnds(CHECKSUM, server.url("/good"), server.url("/other"), server.url("/third"), "-d", self.path("verified"), "--checksums",
                                    self.path("SUMS"))
            self.assertIn("no checksum of third", ended.stderr)
            self.assertIn("/other: ", ended.stderr)
            self.assertEqual([name for name in sorted(os.listdir(self.path("verified"))) if not name.startswith(".")], ["good", "third"])
            for text in ("sha256:12", "crc:00", "nonsense"):
                self.assertEnds(2, server.url("/good"), "--checksum", text)
            self.write("BAD", "no checksum\n")
            ended = self.assertEnds(1, server.url("/good"), "--checksums", self.path("BAD"))
            self.assertIn("BAD: ", ended.stderr)


if __name__ == "__main__":
    tool.main()
