#!/usr/bin/env python3
"""leat get from servers that others wrote, over HTTP, HTTPS and HTTP/2, directly and through proxies: hundreds of files, byte for byte, and resuming."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.parse
import urllib.request

import real_servers
import tool

sys.path.insert(0, os.path.join(tool.HERE, "../hostile"))
from server import make_certificate  # noqa: E402

HELP = tool.run("get", "--help").stdout
SIZES = [0, 1, 10, 1000, 4096, 16383, 16384, 16385, 65536, 70_000, 200_000]
COUNT = 300
BIG = 30_000_000


def has(option):
    return f"{option} " in HELP or f"{option}\n" in HELP or f"{option}," in HELP


def name_of(i):
    return (f"plain{i}.bin", f"with space {i}", f"per%cent{i}%41", f"ümlaut-日本語-{i}.txt", f"q?u#e&s;t={i}", f"{i}" + "l" * 200, f"plus+{i}", f"{i}~!$'()*,=:@")[i % 8]


class Servers(tool.Case):
    @classmethod
    def setUpClass(cls):
        chance = random.Random(11)
        cls.files = {name_of(i): chance.randbytes(chance.choice(SIZES)) for i in range(COUNT)}
        cls.files["big"] = chance.randbytes(BIG)
        cls.place = os.path.join("/tmp", f"leat-servers-{os.getpid()}-{os.environ.get('LEAT_ENGINE', '')}")
        cls.root = os.path.join(cls.place, "served")
        os.makedirs(cls.root)
        cls.addClassCleanup(shutil.rmtree, cls.place, ignore_errors=True)
        for name, content in cls.files.items():
            with open(os.path.join(cls.root, name), "wb") as file:
                file.write(content)
        for place, _, names in os.walk(cls.place):
            os.chmod(place, 0o755)
            for name in names:
                os.chmod(os.path.join(place, name), 0o644)
        cls.certificate = make_certificate(cls.place)
        if cls.certificate is None:
            raise unittest.SkipTest("no openssl command to make a certificate")

    def serve(self, kind):
        return kind(self.root, self.path(kind.__name__), self.certificate)

    def fetch_and_compare(self, server, way, *options, host="localhost"):
        out = self.path("out-" + way)
        urls = "".join(server.url(way, urllib.parse.quote(name), host) + "\n" for name in self.files)
        ended = tool.run("get", "-i", "-", "-d", out, "-j", "24", "--cacert", self.certificate[0], *options, stdin=urls)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(sorted(os.listdir(out)), sorted(self.files))  # and no other file left behind
        for name, content in self.files.items():
            self.assertSameFile(os.path.join(out, name), content)
        shutil.rmtree(out)

    def every_way(self, kind):
        with self.serve(kind) as server:
            for way, protocol in (("http", "HTTP/1.1"), ("h1", "HTTP/1.1"), ("h2", "HTTP/2.0")):
                with self.subTest(way):
                    before = len(server.log())
                    self.fetch_and_compare(server, way)
                    seen = {line[0] for line in server.log()[before:]}
                    self.assertEqual(seen, {protocol if has("--http2") else "HTTP/1.1"})

    def test_nginx(self):
        self.every_way(real_servers.nginx)

    def test_apache(self):
        self.every_way(real_servers.apache)

    @unittest.skipUnless(has("--http1"), "no --http1 yet")
    def test_http1_where_both_are_spoken(self):
        with self.serve(real_servers.nginx) as server:
            self.fetch_and_compare(server, "h2", "--http1")
            self.assertEqual({line[0] for line in server.log()}, {"HTTP/1.1"})

    def resumes(self, kind, way):
        """Ctrl-C in the middle, then the same again: the rest is asked for, and only the rest."""
        with self.serve(kind) as server:
            out = self.path(f"out-resumed-{kind.__name__}-{way}")
            words = ["get", "-d", out, "--cacert", self.certificate[0], "--segments", "1", server.url(way, "slow/big")]
            process = subprocess.Popen([tool.TOOL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=tool.environment(), encoding="utf-8")
            for _ in range(tool.PATIENCE * 100):
                # Nothing is there yet, or a part that grows. Its blocks would say nothing: they are there from the beginning.
                if os.path.isdir(out) and sum(os.stat(os.path.join(out, n)).st_size for n in os.listdir(out) if not n.startswith(".leat-journal")) > BIG // 5:
                    break
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=tool.PATIENCE)
            self.assertEqual(process.returncode, 130, errors)
            self.assertNotIn("big", os.listdir(out))
            self.assertEqual([line[1] for line in server.log()], [line[1] for line in server.log() if line[1] in ("200", "499")])
            ended = tool.run(*words)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertSameFile(os.path.join(out, "big"), self.files["big"])
            self.assertEqual(os.listdir(out), ["big"])
            last = server.log()[-1]
            self.assertEqual(last[1], "206", server.log())
            first = int(last[2].split("=")[1].split("-")[0])
            self.assertGreater(first, BIG // 10, server.log())

    @unittest.skipUnless(has("--no-resume"), "nothing is resumed yet")
    def test_resuming(self):
        for kind in (real_servers.nginx, real_servers.apache):
            for way in ("http", "h1", "h2"):
                with self.subTest(f"{kind.__name__} {way}"):
                    try:
                        self.resumes(kind, way)
                    finally:
                        shutil.rmtree(self.path(kind.__name__), ignore_errors=True)

    def test_httpbin(self):
        """Contents that are computed: of known length and in chunks, with ranges, behind redirects, statuses and passwords."""
        try:
            import httpbin_server
        except ImportError:
            self.skipTest("httpbin is not started by anything yet")
        with httpbin_server.Httpbin() as url:
            paths = [f"bytes/{500 + 37 * i}?seed={i + 1}" for i in range(60)] + [f"range/{1000 + 997 * i}" for i in range(40)]
            paths += [f"stream-bytes/{200 + 311 * i}?seed={i + 1}&chunk_size={7 + i}" for i in range(40)]
            paths += ["drip?numbytes=20&duration=0.2", "image/png", "image/jpeg", "robots.txt", "encoding/utf8", "response-headers?X=y", "base64/bGVhdA=="]
            listing = "".join(f'{{"url": "{url}/{p}", "name": "n{i}"}}\n' for i, p in enumerate(paths))
            # One after the other: its random numbers are the whole process's, and others would take some away.
            words = ["get", "-i", "-", "-d", self.path("out"), "--retries", "0", "-j", "1"]
            if has("--input-format"):
                ended = tool.run(*words, "--input-format", "json", stdin=listing)
                self.assertEqual((ended.returncode, ended.stderr), (0, ""))
                for i, path in enumerate(paths):
                    with urllib.request.urlopen(f"{url}/{path}") as answer:
                        self.assertSameFile(self.path("out", f"n{i}"), answer.read())
                self.assertEqual(len(os.listdir(self.path("out"))), len(paths))
            one = ["get", "-d", self.path("one"), "-o", "one", "--existing", "overwrite"] if has("--existing") else ["get", "-d", self.path("one"), "-o", "one"]
            self.assertEqual(tool.run(*one, url + "/redirect-to?url=%2Fbytes%2F1000%3Fseed%3D1").returncode, 0)
            with urllib.request.urlopen(url + "/bytes/1000?seed=1") as answer:
                self.assertSameFile(self.path("one/one"), answer.read())
            self.assertEqual(tool.run(*one, url.replace("://", "://me:secret@") + "/basic-auth/me/secret").returncode, 0)
            for path in ("status/404", "status/418", "redirect/25", "basic-auth/me/secret"):
                with self.subTest(path):
                    self.assertNotEqual(tool.run(*one, url + "/" + path, "--retries", "0").returncode, 0)
            if has("--auth"):
                for kind in ("MD5", "SHA-256"):
                    with self.subTest(kind):
                        ended = tool.run(*one, "--user", "me:secret", f"{url}/digest-auth/auth/me/secret/{kind}")
                        self.assertEqual(ended.returncode, 0, ended.stderr)

    def through(self, proxy, scheme, user=""):
        os.makedirs(self.path("proxy"), exist_ok=True)
        with self.serve(real_servers.nginx) as server, proxy(self.path("proxy"), user) as between:
            address = f"{scheme}://{user + '@' if user else ''}127.0.0.1:{between.port}"
            for way in ("http", "h1", "h2"):
                with self.subTest(f"{address} {way}"):
                    self.fetch_and_compare(server, way, "--proxy", address)
            if user:
                wrong = address.replace(user, "somebody:else")
                ended = tool.run("get", "-d", self.path("none"), "--retries", "0", "--proxy", wrong, server.url("http", "big"))
                self.assertNotEqual(ended.returncode, 0)
                self.assertEqual(os.listdir(self.path("none")), [])
                self.assertNotIn("else", ended.stderr)  # passwords are not for logs
        # It did go that way: each port is named in the proxy's log.
        seen = between.said
        if os.path.exists(self.path("proxy/tinyproxy.log")):
            with open(self.path("proxy/tinyproxy.log")) as file:
                seen += file.read()
        for way, port in server.ports.items():
            self.assertIn(f":{port}", seen, way)

    @unittest.skipUnless(has("--proxy"), "no --proxy yet")
    def test_through_tinyproxy(self):
        self.through(real_servers.tinyproxy, "http")

    @unittest.skipUnless(has("--proxy"), "no --proxy yet")
    def test_through_tinyproxy_with_a_password(self):
        self.through(real_servers.tinyproxy, "http", "me:secret")

    @unittest.skipUnless(has("--proxy"), "no --proxy yet")
    def test_through_microsocks(self):
        self.through(real_servers.microsocks, "socks5")

    @unittest.skipUnless(has("--proxy"), "no --proxy yet")
    def test_through_microsocks_with_a_password_and_its_names(self):
        self.through(real_servers.microsocks, "socks5h", "me:secret")


if __name__ == "__main__":
    tool.main()
