#!/usr/bin/env python3
"""leat get: what its options make of requests and of names: fields, credentials, cookies, proxies, rates, resuming."""

import base64
import json
import os
import re
import signal
import subprocess
import time

import tool
from scripted import Scripted, whole


def basic(text):
    return b"Authorization: Basic " + base64.b64encode(text.encode()) + b"\r\n"


class Case(tool.Case):
    def get(self, *arguments, **more):
        return tool.run("get", "-d", self.path("out"), "--retries", "0", *arguments, **more)

    def head_of(self, server, *arguments, path="/a", env=None):
        del server.heads[:]
        ended = self.get(server.url(path), *arguments, env=env)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return server.heads[-1]


class Requests(Case):
    def test_fields(self):
        with Scripted({"/a": whole("a")}) as server:
            head = self.head_of(server, "-H", "X-One: 1", "--header", "x-two:2", "--header=Accept: text/plain", "--referer", "http://x/")
            for line in (b"X-One: 1\r\n", b"x-two: 2\r\n", b"Accept: text/plain\r\n", b"Referer: http://x/\r\n"):
                self.assertIn(line, head)
            self.assertNotIn(b"ccept-Encoding: gzip", head)

    def test_who_we_are(self):
        with Scripted({"/a": whole("a")}) as server:
            self.assertIn(basic("me:pass:word"), self.head_of(server, "--user", "me:pass:word", "--auth", "basic"))
            self.assertIn(b"Authorization: Bearer t0ken\r\n", self.head_of(server, "--bearer", "t0ken"))
            self.write("netrc", "machine 127.0.0.1 login her password hers\n")
            os.chmod(self.path("netrc"), 0o600)
            challenge = whole("", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"\r\n')
            server.answers["/a"] = lambda connection, _: connection.sendall(whole("a") if b"\r\nAuthorization: " in server.heads[-1] else challenge)
            self.assertIn(basic("her:hers"), self.head_of(server, "--netrc=" + self.path("netrc")))
            self.assertIn(basic("her:hers"), self.head_of(server, "--netrc", env=tool.environment(HOME=self.home())))

    def home(self):
        self.write("home/.netrc", "machine 127.0.0.1 login her password hers\n")
        os.chmod(self.path("home/.netrc"), 0o600)
        return self.path("home")

    def test_a_password_is_hidden_from_lists_of_processes(self):
        with Scripted({}) as server:
            server.answers["/a"] = lambda connection, _: server.closing.wait(tool.PATIENCE)
            arguments = ["--user", "me:s3cret", "--header=X: s3cret", "-HX: s3cret", server.url("/a")]
            process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), *arguments], env=tool.environment(), stderr=subprocess.DEVNULL)
            while not server.counts:
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            with open(f"/proc/{process.pid}/cmdline", "rb") as line:
                shown = line.read()
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(tool.PATIENCE), 130)
        self.assertNotIn(b"s3cret", shown)
        self.assertIn(b"--user", shown)

    def test_cookies(self):
        with Scripted({"/set": whole("s", fields="Set-Cookie: fresh=1; Max-Age=1000\r\n"), "/a": whole("a")}) as server:
            self.write("jar", "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\told\tvalue\n")
            self.assertIn(b"Cookie: old=value\r\n", self.head_of(server, "--cookies", self.path("jar")))
            self.head_of(server, "--cookies", self.path("jar"), "--save-cookies", self.path("saved"), path="/set")
            with open(self.path("saved")) as saved:
                self.assertEqual(sorted(line.split("\t")[5:] for line in saved.read().splitlines() if line and not line.startswith("# ")),
                                 [["fresh", "1"], ["old", "value"]])
            self.assertEqual(os.stat(self.path("saved")).st_mode & 0o777, 0o600)
            self.assertRegex(self.head_of(server, "--cookies", self.path("saved")), rb"\r\nCookie: [^\r]*fresh=1")
            self.assertNotIn(b"Cookie", self.head_of(server))
            ended = self.get(server.url("/a"), "--cookies", self.path("nowhere"))
            self.assertEqual(ended.returncode, 1)
            self.assertIn("nowhere", ended.stderr)

    def test_hosts_that_want_tls(self):
        with Scripted({"/a": whole("a")}) as server:
            self.head_of(server, "--hsts", self.path("hsts"))
            self.assertTrue(os.path.exists(self.path("hsts")))
            self.write("hsts", 'localhost "unlimited"\n')
            server.answers["/a"] = b"no TLS"
            ended = self.get(server.url("/a").replace("127.0.0.1", "localhost"), "--hsts", self.path("hsts"), "--connect-timeout", "0.3")
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn("https://localhost", ended.stderr)

    def test_proxies(self):
        refusal = whole("", "407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="x"\r\n')
        with Scripted({}, otherwise=whole("by proxy")) as proxy, Scripted({"/a": whole("direct")}) as server:
            address = proxy.url("").replace("//", "//u:p@")
            proxy.answers["http://no-such-host.invalid/a"] = lambda connection, _: connection.sendall(
                whole("by proxy") if b"\r\nProxy-Auth" in proxy.heads[-1] else refusal)
            self.assertEqual(self.get("http://no-such-host.invalid/a", "--proxy", address).returncode, 0)
            self.assertSameFile(self.path("out/a"), b"by proxy")
            self.assertTrue(proxy.heads[0].startswith(b"GET http://no-such-host.invalid/a HTTP/1.1\r\n"), proxy.heads)
            self.assertIn(b"Proxy-" + basic("u:p"), proxy.heads[-1])
            self.assertEqual(self.get(server.url("/a"), "--proxy", address, "--no-proxy", "127.0.0.1").returncode, 0)
            self.assertSameFile(self.path("out/a"), b"direct")
            self.assertEqual(self.get(server.url("/a"), env=tool.environment(http_proxy=proxy.url(""))).returncode, 0)
            self.assertSameFile(self.path("out/a"), b"by proxy")
            self.assertEqual(self.get(server.url("/a"), "--no-proxy", "*", env=tool.environment(http_proxy=proxy.url(""))).returncode, 0)
            self.assertSameFile(self.path("out/a"), b"direct")


class Names(Case):
    def test_as_the_server_says(self):
        with Scripted({"/a": whole("a", fields='Content-Disposition: attachment; filename="../../called \\u001b.txt"\r\n')}) as server:
            self.assertEqual(self.get(server.url("/a"), "--content-disposition").returncode, 0)
            (name,) = os.listdir(self.path("out"))
            self.assertRegex(name, r"^called.*\.txt$")

    def test_host_and_path(self):
        with Scripted({"/deep/er/": whole("a"), "/b": whole("b")}) as server:
            self.assertEqual(self.get(server.url("/deep/er/"), server.url("/b"), "--mirror-path").returncode, 0)
            (host,) = os.listdir(self.path("out"))
            self.assertRegex(host, r"^127\.0\.0\.1")
            self.assertSameFile(self.path("out", host, "deep/er/index.html"), b"a")
            self.assertSameFile(self.path("out", host, "b"), b"b")


class Rates(Case):
    def seconds(self, *arguments):
        began = time.monotonic()
        ended = self.get(*arguments)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return time.monotonic() - began

    def test_bytes_a_second(self):
        with Scripted({"/a": whole("x" * 150_000), "/b": whole("x" * 150_000)}) as server:
            for option in ("--max-rate", "--max-rate-per-host"):
                self.assertGreater(self.seconds(server.url("/a"), server.url("/b"), option, "400K"), 0.4, option)
            self.assertGreater(self.seconds(server.url("/a"), "--max-rate-per-file", "200K"), 0.4)

    def test_requests_a_second(self):
        with Scripted({}, otherwise=whole("x")) as server:
            self.assertGreater(self.seconds(server.url("/[1-5]"), "--starts-per-second", "10"), 0.35)


class Resume(Case):
    def server(self, body, tag='"v1"'):
        """Sends a half at first, and then what was asked for."""

        def answer(connection, number):
            head = server.heads[-1]
            asked = re.search(rb"\r\nRange: bytes=(\d+)-(\d*)\r\n", head)
            if asked and f"If-Range: {server.tag}\r\n".encode() in head:
                first = int(asked[1])
                last = int(asked[2] or len(body) - 1)
                connection.sendall(f"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{len(body)}\r\nETag: {server.tag}\r\n"
                                   f"Content-Length: {last - first + 1}\r\nConnection: close\r\n\r\n".encode() + body[first : last + 1])
                return
            connection.sendall(f"HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nETag: {server.tag}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
            connection.sendall(body[: len(body) // 2])
            if server.hangs:
                server.closing.wait(tool.PATIENCE)
            elif server.whole:
                connection.sendall(body[len(body) // 2 :])

        server = Scripted({"/file": answer})
        server.tag, server.hangs, server.whole = tag, False, False
        return server

    def events(self):
        with open(self.path("events")) as file:
            return [event for event in map(json.loads, file) if event["event"] not in ("progress", "total")]

    def interrupted(self, server, received):
        """A run that ends in the middle of the file."""
        server.hangs = True
        process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), server.url("/file"), "--events", "-"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=tool.environment())
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "progress" and event["bytes"] >= received:
                break
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=tool.PATIENCE)
        self.assertEqual(process.returncode, 130)
        server.hangs = False

    def test_the_same_run_goes_on(self):
        body = os.urandom(1_000_000)
        with self.server(body) as server:
            ended = self.get(server.url("/file"), "--events", self.path("events"), "--retries", "1", "--retry-delay", "0.01")
            self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertSameFile(self.path("out/file"), body)
        self.assertEqual([event["event"] for event in self.events()], ["start", "retry", "resume", "done", "summary"])
        self.assertEqual(self.events()[-1]["received"], len(body))

    def test_the_next_run_goes_on(self):
        body = os.urandom(1_000_000)
        with self.server(body) as server:
            self.interrupted(server, len(body) // 2)
            self.assertFalse(os.path.exists(self.path("out/file")))
            ended = self.get(server.url("/file"), "--events", self.path("events"), "--table")
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("Range: bytes=500000-", server.heads[-1].decode())
        self.assertSameFile(self.path("out/file"), body)
        self.assertEqual([event["event"] for event in self.events()], ["start", "resume", "done", "summary"])
        self.assertEqual(self.events()[-1]["received"], 500_000)
        self.assertIn("resumed at 500 kB", ended.stdout)
        self.assertEqual(os.listdir(self.path("out")), ["file"])

    def test_not_if_the_file_has_changed(self):
        body = os.urandom(1_000_000)
        with self.server(body) as server:
            self.interrupted(server, len(body) // 2)
            server.tag, server.whole = '"v2"', True
            ended = self.get(server.url("/file"), "--events", self.path("events"))
            self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertSameFile(self.path("out/file"), body)
        self.assertIn("restart", [event["event"] for event in self.events()])

    def test_not_if_it_is_not_wanted(self):
        body = os.urandom(1_000_000)
        with self.server(body) as server:
            self.interrupted(server, len(body) // 2)
            server.whole = True
            self.assertEqual(self.get(server.url("/file"), "--no-resume").returncode, 0)
            self.assertNotIn(b"\r\nRange:", server.heads[-1])
        self.assertSameFile(self.path("out/file"), body)


if __name__ == "__main__":
    tool.main()
