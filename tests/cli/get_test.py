#!/usr/bin/env python3
"""leat get: many files with odd names arrive byte for byte, from nginx and from leat serve; names, lists, outputs."""

import os
import random
import subprocess
import urllib.parse

import tool
from nginx import Nginx
from scripted import Scripted, whole

SIZES = [0, 1, 10, 1000, 4096, 16383, 16384, 16385, 65536, 70_000, 200_000, 1_000_000]


def odd_name(i):
    return (f"plain{i}.bin", f"with space {i}", f"per%cent{i}%41", f"-dash{i}", f"ümlaut-日本語-{i}.txt", f"q?u#e&s;t={i}", f"quote'\"{i}",
            f"{i}" + "l" * 200, f".hidden{i}", f"back\\slash{i}", f"plus+{i}", f"$(touch x){i}")[i % 12]


def url_of(port, name, prefix="/"):
    return f"http://127.0.0.1:{port}{prefix}{urllib.parse.quote(name)}"


class Many(tool.Case):
    def setUp(self):
        super().setUp()
        chance = random.Random(7)
        self.files = {}
        for i in range(300):
            size = chance.choice(SIZES)
            self.files[odd_name(i)] = chance.randbytes(size)
        self.files["big"] = chance.randbytes(20_000_000)
        for name, content in self.files.items():
            self.write("served/" + name, content)

    def fetch_and_compare(self, port):
        names = list(self.files)
        out = self.path(f"out{port}")
        urls = "".join(url_of(port, name) + "\n" for name in names)
        ended = tool.run("get", "-i", "-", "-d", out, "-j", "24", stdin="# all of them\n\n" + urls)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(len(ended.stdout.splitlines()), len(names))  # a line for each finished file
        self.assertEqual(sorted(os.listdir(out)), sorted(names))      # and no other file left behind
        for name, content in self.files.items():
            self.assertSameFile(os.path.join(out, name), content)

    def test_from_nginx(self):
        with Nginx(self.path("served"), self.path("nginx")) as server:
            self.fetch_and_compare(server.port)

    def test_from_leat_serve(self):
        with tool.serve(self.path("served")) as server:
            self.fetch_and_compare(server.port)


class Names(tool.Case):
    def get(self, *arguments, **more):
        return tool.run("get", *arguments, cwd=self.directory, **more)

    def test_into_the_current_directory(self):
        with Scripted({"/a.txt": whole("a"), "/": whole("root")}) as server:
            ended = self.get(server.url("/a.txt"), server.url("/"))
        self.assertEqual(ended.returncode, 0)
        self.assertEqual(sorted(os.listdir(self.directory)), ["a.txt", "index.html"])

    def test_output_name(self):
        with Scripted({"/a": whole("a")}) as server:
            for arguments in (["-o", "chosen"], ["-o", self.path("absolute")], ["-d", "deep/er", "-o", "b"], ["-o", "made/on/the/way"], ["--output", "-dash"]):
                with self.subTest(arguments):
                    self.assertEqual(self.get(server.url("/a"), *arguments).returncode, 0)
        for name in ("chosen", "absolute", "deep/er/b", "made/on/the/way", "-dash"):
            self.assertSameFile(self.path(name), b"a")

    def test_an_older_file_is_replaced(self):
        self.write("a", "the older and longer one")
        with Scripted({"/a": whole("new")}) as server:
            self.assertEqual(self.get(server.url("/a")).returncode, 0)
        self.assertSameFile(self.path("a"), b"new")

    def test_one_name_twice(self):
        with Scripted({"/x/a": whole("1"), "/y/a": whole("2"), "/z/a": whole("3")}) as server:
            ended = self.get(*(server.url(f"/{d}/a") for d in "xyz"), server.url("/x/a"))
        self.assertEqual(ended.returncode, 0)
        self.assertEqual(sorted(os.listdir(self.directory)), ["a", "a.1", "a.2", "a.3"])
        self.assertSameFile(self.path("a"), b"1")
        self.assertSameFile(self.path("a.2"), b"3")

    def test_no_name_leaves_the_directory(self):
        paths = ["/..%2f..%2fetc%2fevil", "/%2e%2e", "/a/..%5c..%5cevil", "/%2Ftmp%2Fevil", "/.."]
        with Scripted({}, otherwise=whole("x")) as server:
            ended = self.get("-d", "sub/dir", *(server.url(p) for p in paths))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(os.listdir(self.directory), ["sub"])
        self.assertEqual(os.listdir(self.path("sub")), ["dir"])
        self.assertEqual(len(os.listdir(self.path("sub/dir"))), len(paths))

    def test_lists(self):
        with Scripted({"/a": whole("a"), "/b": whole("b"), "/c": whole("c")}) as server:
            text = f"# comment\r\n\r\n  {server.url('/a')}  \r\n{server.url('/b')}"
            self.write("list", text)
            self.assertEqual(self.get("-i", "list", server.url("/c"), "-d", "one").returncode, 0)
            self.assertEqual(self.get("--input", "-", "-d", "two", stdin=text).returncode, 0)
            with open(self.path("list"), "rb") as file:  # standard input that is a file, not a pipe
                self.assertEqual(subprocess.run([tool.TOOL, "get", "-i", "-", "-d", self.path("three")], stdin=file, env=tool.environment(),
                                                stdout=subprocess.DEVNULL, timeout=tool.PATIENCE).returncode, 0)
        self.assertEqual(sorted(os.listdir(self.path("one"))), ["a", "b", "c"])
        for name in ("two", "three"):
            self.assertEqual(sorted(os.listdir(self.path(name))), ["a", "b"])
        missing = self.get("-i", "nowhere")
        self.assertEqual(missing.returncode, 1)
        self.assertRegex(missing.stderr, "^leat: get: open nowhere: No such file")
        empty = self.get("-i", "/dev/null")
        self.assertEqual((empty.returncode, empty.stdout, empty.stderr), (0, "", ""))

    def test_redirects(self):
        with Scripted({"/from": whole("", "302 Found", "Location: /to\r\n"), "/to": whole("there"),
                       "/loop": whole("", "302 Found", "Location: /loop\r\n")}) as server:
            self.assertEqual(self.get(server.url("/from")).returncode, 0)
            self.assertSameFile(self.path("from"), b"there")
            ended = self.get(server.url("/loop"))
            self.assertEqual(ended.returncode, 10)
            self.assertIn("redirect", ended.stderr)
            ended = self.get(server.url("/from"), "--max-redirects", "0")
            self.assertEqual(ended.returncode, 8)
            self.assertIn("302", ended.stderr)


class Output(tool.Case):
    def test_what_is_printed_where(self):
        with Scripted({"/good": whole("x" * 1500)}) as server:
            for options, lines in (([], True), (["--no-progress"], True), (["--quiet"], False), (["-q", "--no-progress"], False)):
                with self.subTest(options):
                    ended = tool.run("get", server.url("/good"), server.url("/bad"), *options, cwd=self.directory)
                    self.assertEqual(ended.returncode, 8)
                    self.assertEqual("saved ./good (1.50 kB" in ended.stdout, lines)
                    self.assertEqual("failed " in ended.stdout, lines)
                    if not lines:
                        self.assertEqual(ended.stdout, "")
                    self.assertIn(f"leat: get: {server.url('/bad')}: 404 Not Found", ended.stderr)
                    self.assertIn("leat: get: 1 of 2 files failed:", ended.stderr)
                    self.assertNotIn("\x1b", ended.stdout + ended.stderr)

    def test_a_reader_that_goes_away(self):
        with Scripted({f"/{i}": whole("x") for i in range(200)}) as server:
            process = subprocess.Popen([tool.TOOL, "get", "-d", self.directory, *(server.url(f"/{i}") for i in range(200))],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=tool.environment())
            process.stdout.close()
            self.assertEqual(process.wait(tool.PATIENCE), 0, process.stderr.read())
            process.stderr.close()
        self.assertEqual(len(os.listdir(self.directory)), 200)

    def test_a_reader_that_does_not_read(self):
        # A pipe holds 64 KiB; these lines are more.
        urls = [f"/{i}{'n' * 200}" for i in range(500)]
        with Scripted({u: whole("x") for u in urls}) as server:
            process = subprocess.Popen([tool.TOOL, "get", "-d", self.directory, "-i", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       env=tool.environment())
            process.stdin.write("".join(server.url(u) + "\n" for u in urls).encode())
            process.stdin.close()
            for _ in range(tool.PATIENCE * 10):
                if len(os.listdir(self.directory)) == 500:
                    break
                try:
                    process.wait(0.1)
                except subprocess.TimeoutExpired:
                    pass
            self.assertEqual(len(os.listdir(self.directory)), 500)  # the work went on although nobody read
            self.assertEqual(len(process.stdout.read().splitlines()), 500)
            self.assertEqual(process.wait(tool.PATIENCE), 0)
            process.stdout.close()


if __name__ == "__main__":
    tool.main()
