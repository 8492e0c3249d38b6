#!/usr/bin/env python3
"""leat serve: what a well-behaved client sees."""

import email.utils
import http.client
import os
import socket
import threading
import urllib.parse
import urllib.request

import tool
from http_talk import Talk, ask

ODD_NAMES = ["with space.txt", "per%cent", "ümlaut-日本語.bin", "-dash", "quo\"te'", "a&b<c>.html", "semi;colon?question#hash", "tab\tname",
             "new\nline", "x" * 255, "..dots", "a..b", "plus+plus", "back\\slash", "colon:port", b"bytes-\xff\xfe".decode("utf-8", "surrogateescape")]


def quoted(name):
    return urllib.parse.quote(os.fsencode(name))


class Serve(tool.Case):
    def test_says_when_it_is_ready(self):
        with tool.serve(self.directory) as server:
            self.assertEqual(server.first_line, f"serving {self.directory} on http://127.0.0.1:{server.port}\n")

    def test_files_of_all_sizes(self):
        sizes = [0, 1, 4095, 4096, 65535, 65536, 65537, 262144, 262145, 1 << 20, 5_000_001]
        for size in sizes:
            self.write(f"f{size}", os.urandom(size))
        with tool.serve(self.directory) as server:
            for size in sizes:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/f{size}") as reply, open(self.path(f"f{size}"), "rb") as file:
                    self.assertEqual(reply.read(), file.read())
                    self.assertEqual(reply.headers["Content-Length"], str(size))

    def test_odd_names_and_the_list_of_them(self):
        for name in ODD_NAMES:
            self.write(name, b"content of " + os.fsencode(name))
        os.mkdir(self.path("dir<ectory>"))
        with tool.serve(self.directory) as server:
            for name in ODD_NAMES:
                with self.subTest(name):
                    reply = ask(server.port, "/" + quoted(name))
                    self.assertEqual((reply.status, reply.body), (200, b"content of " + os.fsencode(name)))
            page = ask(server.port, "/")
        self.assertEqual(page.fields["content-type"], "text/html; charset=utf-8")
        text = page.body.decode()  # UTF-8 throughout, whatever the names are
        for name in ODD_NAMES:
            self.assertIn(f'href="{quoted(name)}"', text.replace("%2B", "%2B"))
        self.assertIn("dir&lt;ectory&gt;/</a>", text)
        self.assertIn("a&amp;b&lt;c&gt;.html</a>", text)
        for forbidden in ("<c>", "\x1b", "<ectory>", "quo\""):
            self.assertNotIn(forbidden, text)

    def test_directories(self):
        self.write("with/index.html", "<p>index</p>")
        self.write("without/file", "x")
        with tool.serve(self.directory) as server:
            self.assertEqual(ask(server.port, "/with/").body, b"<p>index</p>")
            moved = ask(server.port, "/with")
            self.assertEqual((moved.status, moved.fields["location"]), (301, "/with/"))
            self.assertEqual(ask(server.port, "/with/../without/./file").body, b"x")
            self.assertIn(b'href="file"', ask(server.port, "/without/").body)
            self.assertIn(b'href="../"', ask(server.port, "/without/").body)
            self.assertEqual(ask(server.port, "/without/file/").status, 404)
            self.assertEqual(ask(server.port, "//without//file").body, b"x")
            # A name that begins like a host must not send the client to that host.
            os.mkdir(self.path("evil.example"))
            self.assertEqual(ask(server.port, "//evil.example").fields["location"], "/evil.example/")

    def test_content_types(self):
        expected = {"a.html": "text/html; charset=utf-8", "A.JPG": "image/jpeg", "b.tar.gz": "application/gzip", "c": "application/octet-stream",
                    "d.js": "text/javascript; charset=utf-8"}
        for name in expected:
            self.write(name, "x")
        with tool.serve(self.directory) as server:
            for name, kind in expected.items():
                self.assertEqual(ask(server.port, "/" + name).fields["content-type"], kind)

    def test_head(self):
        self.write("f", b"12345")
        with tool.serve(self.directory) as server, Talk(server.port) as talk:
            for target, length in (("/f", "5"), ("/", None), ("/nope", None)):
                self_reply = talk.ask(target, method="HEAD")
                same = talk.ask(target)
                self.assertEqual(self_reply.status, same.status)
                self.assertEqual(self_reply.fields["content-length"], same.fields["content-length"])
                if length:
                    self.assertEqual(self_reply.fields["content-length"], length)

    def test_ranges(self):
        content = os.urandom(700_000)
        self.write("f", content)
        with tool.serve(self.directory) as server, Talk(server.port) as talk:
            for asked, part in (("0-0", (0, 1)), ("5-99", (5, 100)), ("300000-", (300_000, 700_000)), ("-10", (699_990, 700_000)),
                                ("0-9999999", (0, 700_000)), ("-9999999", (0, 700_000)), ("699999-", (699_999, 700_000))):
                with self.subTest(asked):
                    reply = talk.ask("/f", fields=f"Host: x\r\nRange: bytes={asked}\r\n")
                    self.assertEqual((reply.status, reply.body), (206, content[part[0]:part[1]]))
                    self.assertEqual(reply.fields["content-range"], f"bytes {part[0]}-{part[1] - 1}/700000")
            for asked in ("700000-", "-0", "800000-900000"):
                reply = talk.ask("/f", fields=f"Host: x\r\nRange: bytes={asked}\r\n")
                self.assertEqual((reply.status, reply.fields["content-range"]), (416, "bytes */700000"))
            for asked in ("bytes=0-1,5-6", "bytes=9-5", "lines=1-2", "bytes=", "bytes=a-b"):
                reply = talk.ask("/f", fields=f"Host: x\r\nRange: {asked}\r\n")
                self.assertEqual((reply.status, reply.body), (200, content), asked)

    def test_conditions(self):
        path = self.write("f", b"content")
        os.utime(path, ns=(10**18, 1_600_000_000_500_000_000))
        with tool.serve(self.directory) as server, Talk(server.port) as talk:
            first = talk.ask("/f")
            etag, modified = first.fields["etag"], first.fields["last-modified"]
            self.assertEqual(email.utils.parsedate_to_datetime(modified).timestamp(), 1_600_000_000)
            later = email.utils.formatdate(1_600_000_001, usegmt=True)
            before = email.utils.formatdate(1_599_999_999, usegmt=True)
            for fields, status in ((f"If-None-Match: {etag}", 304), (f'If-None-Match: "a,b", W/{etag}', 304), ("If-None-Match: *", 304),
                                   ('If-None-Match: "other"', 200), (f"If-Modified-Since: {modified}", 304), (f"If-Modified-Since: {later}", 304),
                                   (f"If-Modified-Since: {before}", 200), ("If-Modified-Since: nonsense", 200),
                                   (f'If-None-Match: "other"\r\nIf-Modified-Since: {modified}', 200), (f"If-Match: {etag}", 200),
                                   ('If-Match: "other"', 412), (f"If-Match: W/{etag}", 412), (f"If-Unmodified-Since: {before}", 412),
                                   (f"Range: bytes=0-1\r\nIf-Range: {etag}", 206), ('Range: bytes=0-1\r\nIf-Range: "other"', 200),
                                   (f"Range: bytes=0-1\r\nIf-Range: {modified}", 206), (f"Range: bytes=0-1\r\nIf-Range: {later}", 200)):
                with self.subTest(fields):
                    self.assertEqual(talk.ask("/f", fields=f"Host: x\r\n{fields}\r\n").status, status)

    def test_connections_are_kept(self):
        self.write("f", b"x" * 1000)
        with tool.serve(self.directory) as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port)
            connection.connect()
            own = connection.sock
            for _ in range(200):
                connection.request("GET", "/f")
                self.assertEqual(len(connection.getresponse().read()), 1000)
                self.assertIs(connection.sock, own)
            connection.close()
            for version, fields, kept in (("1.1", "Connection: close\r\n", False), ("1.0", "", False), ("1.0", "Connection: keep-alive\r\n", True)):
                with Talk(server.port) as talk:
                    self.assertEqual(talk.ask("/f", version=version, fields="Host: x\r\n" + fields).status, 200)
                    if kept:
                        self.assertEqual(talk.ask("/f").status, 200)
                    else:
                        self.assertTrue(talk.ended())

    def test_pipelining(self):
        for i in range(50):
            self.write(f"f{i}", str(i) * (i * 1000))
        requests = "".join(f"{'HEAD' if i % 7 == 3 else 'GET'} /f{i} HTTP/1.1\r\nHost: x\r\n\r\n" for i in range(50)).encode()
        with tool.serve(self.directory) as server:
            for portion in (len(requests), 1000, 7):
                with Talk(server.port) as talk:
                    def send():
                        for start in range(0, len(requests), portion):
                            talk.send(requests[start : start + portion])
                    sender = threading.Thread(target=send)
                    sender.start()
                    for i in range(50):
                        reply = talk.reply(i % 7 == 3)
                        self.assertEqual(reply.status, 200)
                        if i % 7 != 3:
                            self.assertEqual(reply.body, (str(i) * (i * 1000)).encode())
                    sender.join()

    def test_many_at_once(self):
        content = os.urandom(300_000)
        self.write("f", content)
        wrong = []

        def fetch(port):
            for _ in range(10):
                if ask(port, "/f").body != content:
                    wrong.append(1)

        with tool.serve(self.directory, "--max-connections", "8") as server:
            threads = [threading.Thread(target=fetch, args=(server.port,)) for _ in range(30)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])

    def test_an_answer_under_way_is_finished_when_stopping(self):
        content = os.urandom(20_000_000)
        self.write("f", content)
        with tool.serve(self.directory) as server, Talk(server.port) as talk, Talk(server.port) as idle:
            self.assertEqual(idle.ask("/", method="HEAD").status, 200)
            talk.send("GET /f HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual(talk.stream.peek(1)[:1], b"H")
            server.interrupt()
            self.assertTrue(idle.ended())
            self.assertEqual(talk.reply().body, content)
            self.assertTrue(talk.ended())

    def test_a_request_with_a_body(self):
        self.write("f", b"x")
        with tool.serve(self.directory) as server, Talk(server.port) as talk:
            self.assertEqual(talk.ask("/f", fields="Host: x\r\nContent-Length: 5\r\n\r\nhello").status, 200)
            self.assertEqual(talk.ask("/f", fields="Host: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n").status, 200)
            talk.send("GET /f HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            self.assertEqual(talk.reply().status, 100)
            talk.send("hello")
            self.assertEqual(talk.reply().status, 200)

    def test_ipv6(self):
        if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
            self.skipTest("no IPv6")
        self.write("f", b"six")
        with tool.Process("serve", self.directory, "--listen", "[::1]:0", expect=r"http://\[::1\]:(\d+)$") as server:
            with urllib.request.urlopen(f"http://[::1]:{server.port}/f") as reply:
                self.assertEqual(reply.read(), b"six")

    def test_no_such_directory(self):
        ended = tool.run("serve", self.path("nope"), "--listen", "127.0.0.1:0")
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stderr, r"leat: serve: open .*nope: No such file or directory")
        ended = tool.run("serve", self.write("file"), "--listen", "127.0.0.1:0")
        self.assertRegex(ended.stderr, r"leat: serve: open .*file: Not a directory")


if __name__ == "__main__":
    tool.main()
