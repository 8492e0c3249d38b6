#!/usr/bin/env python3
"""leat serve: what hostile clients and hostile files get."""

import os
import socket
import time
import urllib.parse

import tool
from http_talk import Talk, ask, send

SECRET = b"the secret outside"


class Paths(tool.Case):
    def setUp(self):
        super().setUp()
        self.write("secret", SECRET)
        self.write("root/inside", b"fine")
        self.write("root/sub/deep", b"deep")
        self.root = self.path("root")

    def test_no_way_out(self):
        up = ["..", "%2e%2e", ".%2e", "%2E.", "..%2f", "%2e%2e%2f", "..%5c", "..\\", "%252e%252e", "....//", "..;", "%c0%ae%c0%ae", "..%00"]
        targets = [f"/{u}/secret" for u in up] + [f"/sub/{u}/{u}/secret" for u in up] + [f"/sub/{u}{u}secret" for u in up]
        targets += ["//secret", "/..", "/../", self.path("secret"), "/." + self.path("secret"), "/sub/../../secret", "/inside/../../secret",
                    "/%2f" + self.path("secret"), "/../root/inside", "http://x/../secret", "http://x/%2e%2e/secret", "/sub/%2e%2e%2f%2e%2e%2fsecret"]
        with tool.serve(self.root) as server:
            for target in targets:
                with self.subTest(target):
                    reply = ask(server.port, target)
                    self.assertIn(reply.status, (400, 403, 404))
                    self.assertNotIn(SECRET, reply.body)
            self.assertEqual(ask(server.port, "/sub/../inside").body, b"fine")
            self.assertEqual(ask(server.port, "http://any.example/sub/deep").body, b"deep")

    def test_links_stay_inside(self):
        os.symlink("inside", self.path("root/good"))
        os.symlink("../root/inside", self.path("root/through-the-parent"))
        os.symlink("../secret", self.path("root/relative"))
        os.symlink(self.path("secret"), self.path("root/absolute"))
        os.symlink("..", self.path("root/parent"))
        os.symlink("/", self.path("root/slash"))
        os.symlink("/proc/self/root", self.path("root/magic"))
        os.symlink("loop", self.path("root/loop"))
        os.symlink("nowhere", self.path("root/dangling"))
        with tool.serve(self.root) as server:
            self.assertEqual(ask(server.port, "/good").body, b"fine")
            for target in ("/through-the-parent", "/relative", "/absolute", "/parent/secret", "/slash" + self.path("secret"),
                           "/magic" + self.path("secret"), "/loop", "/parent/", "/slash/", "/magic/", "/dangling"):
                with self.subTest(target):
                    reply = ask(server.port, target)
                    self.assertIn(reply.status, (403, 404))
                    self.assertNotIn(SECRET, reply.body)
            page = ask(server.port, "/").body
            self.assertIn(b'"good"', page)
            for hidden in (b"relative", b"absolute", b"magic", b"loop", b"dangling"):
                self.assertNotIn(hidden, page)

    def test_what_is_no_file(self):
        os.mkfifo(self.path("root/fifo"))
        os.symlink("fifo", self.path("root/link-to-fifo"))
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(self.path("root/socket"))
        names = ["fifo", "link-to-fifo", "socket"]
        if os.geteuid() == 0:
            os.mknod(self.path("root/device"), 0o20666, os.makedev(1, 5))  # /dev/zero
            names.append("device")
        started = time.monotonic()
        with tool.serve(self.root) as server:
            for name in names:
                with self.subTest(name):
                    self.assertEqual(ask(server.port, "/" + name).status, 403)
            self.assertEqual(ask(server.port, "/inside").status, 200)
        self.assertLess(time.monotonic() - started, tool.PATIENCE / 2)

    def test_unreadable(self):
        os.chmod(self.path("root/inside"), 0)
        if os.geteuid() == 0:
            self.skipTest("root reads everything")
        with tool.serve(self.root) as server:
            self.assertEqual(ask(server.port, "/inside").status, 403)

    def test_names_that_are_too_long(self):
        with tool.serve(self.root) as server:
            self.assertEqual(ask(server.port, "/" + "n" * 256).status, 404)
            self.assertEqual(ask(server.port, "/n" * 3000).status, 404)
            self.assertEqual(ask(server.port, "/" + "n" * 9000).status, 414)

    def test_a_file_that_shrinks_or_vanishes(self):
        path = self.write("root/big", b"b" * 50_000_000)
        with tool.serve(self.root) as server, Talk(server.port) as talk:
            talk.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(talk.stream.readline().startswith(b"HTTP/1.1 200"))
            os.truncate(path, 1000)
            received = len(talk.stream.read())  # to the end of the connection: less than promised, and not for ever
            self.assertLess(received, 50_000_000)
            os.unlink(path)
            self.assertEqual(ask(server.port, "/big").status, 404)
            self.assertEqual(ask(server.port, "/inside").body, b"fine")


class Requests(tool.Case):
    def test_statuses(self):
        self.write("f", b"x")
        cases = {
            b"GARBAGE\r\n\r\n": 400,
            b"GET /f\r\n\r\n": 400,
            b"GET /f HTTP/2.0\r\nHost: x\r\n\r\n": 400,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n": 400,
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 400,
            b"GET /f HTTP/1.1\r\n\r\n": 400,
            b"GET /f HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n": 400,
            b"GET /f HTTP/1.1\r\nHost : x\r\n\r\n": 400,
            b"GET /f HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n": 400,
            b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET /% HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET f HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET * HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET /a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n": 404,
            b"GET /f%00.txt HTTP/1.1\r\nHost: x\r\n\r\n": 400,
            b"GET /f HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
            b"GET /f HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n": 400,
            b"GET /f HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n": 413,
            b"GET /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n": 400,
            b"POST /f HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc": 405,
            b"DELETE /f HTTP/1.1\r\nHost: x\r\n\r\n": 405,
            b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n": 405,
            b"BREW /f HTTP/1.1\r\nHost: x\r\n\r\n": 501,
            b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": 414,
            b"GET /" + b"a" * 90000: 414,
            b"GET /f HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 40000 + b"\r\n\r\n": 431,
            b"GET /f HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n": 431,
        }
        with tool.serve(self.directory) as server:
            for request, status in cases.items():
                with self.subTest(request[:60]), Talk(server.port) as talk:
                    talk.send(request)
                    reply = talk.reply()
                    self.assertEqual(reply.status, status)
                    self.assertEqual(reply.fields["content-type"], "text/plain; charset=utf-8")
                    self.assertTrue(reply.body.startswith(str(status).encode()))
                    if status not in (404,) and not b"%" in request[:8] and b" f " not in request and b"GET *" not in request:
                        self.assertEqual(reply.fields.get("connection"), "close")
                        self.assertTrue(talk.ended())
            self.assertEqual(send(server.port, b"POST /f HTTP/1.1\r\nHost: x\r\n\r\n").fields["allow"], "GET, HEAD")
            self.assertEqual(send(server.port, b"\r\n\r\nGET /f HTTP/1.1\r\nHost: x\r\n\r\n").status, 200)
            self.assertEqual(ask(server.port, "/f").status, 200)

    def test_errors_do_not_echo_control_characters(self):
        with tool.serve(self.directory) as server:
            reply = send(server.port, b"\x1b[2J\x07 / HTTP/1.1\r\n\r\n")
        self.assertEqual(reply.status, 400)
        self.assertNotIn(b"\x1b", reply.body)

    def test_half_a_request(self):
        with tool.serve(self.directory) as server:
            for request in (b"", b"G", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"):
                with Talk(server.port) as talk:
                    talk.send(request)
                    talk.socket.shutdown(socket.SHUT_WR)
                    self.assertTrue(talk.ended())

    def test_the_last_request_before_the_clients_end_is_answered(self):
        self.write("f", b"x" * 100_000)
        with tool.serve(self.directory) as server, Talk(server.port) as talk:
            talk.send("GET /f HTTP/1.1\r\nHost: x\r\n\r\n")
            talk.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(len(talk.reply().body), 100_000)


class Time(tool.Case):
    def test_slow_heads(self):
        with tool.serve(self.directory, "--head-timeout", "0.5", "--idle-timeout", "30") as server:
            with Talk(server.port) as talk:
                started = time.monotonic()
                talk.send("GET / HTTP/1.1\r\n")
                talk.socket.settimeout(0.1)
                # A byte now and then must not buy more time.
                while time.monotonic() - started < tool.PATIENCE:
                    try:
                        talk.send("A")
                        if talk.socket.recv(1, socket.MSG_PEEK):
                            break
                    except socket.timeout:
                        continue
                talk.socket.settimeout(tool.PATIENCE)
                self.assertEqual(talk.reply().status, 408)
                self.assertLess(time.monotonic() - started, 10)
            with Talk(server.port) as talk:
                self.assertTrue(talk.ended())  # nothing was asked, so nothing is answered

    def test_slow_bodies(self):
        with tool.serve(self.directory, "--head-timeout", "0.3") as server:
            self.assertEqual(send(server.port, b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc").status, 408)

    def test_idle_connections(self):
        with tool.serve(self.directory, "--head-timeout", "30", "--idle-timeout", "0.3") as server, Talk(server.port) as talk:
            self.assertEqual(talk.ask("/").status, 200)
            self.assertTrue(talk.ended())

    def test_a_visitor_that_takes_nothing(self):
        self.write("f", b"x" * 50_000_000)
        with tool.serve(self.directory, "--stall-timeout", "0.5", "--max-connections", "1") as server:
            stuck = socket.create_connection(("127.0.0.1", server.port))
            stuck.sendall(b"GET /f HTTP/1.1\r\nHost: x\r\n\r\n")
            # The only place is free again once the server has given up on the other.
            self.assertEqual(ask(server.port, "/").status, 200)
            stuck.close()


if __name__ == "__main__":
    tool.main()
