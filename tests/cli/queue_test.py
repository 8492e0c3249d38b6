#!/usr/bin/env python3
"""leat queue, and leat get --queue: workers that share a list in a real Redis, some of which are killed."""

import http.server
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import tool

FILES = 200
WORKERS = 10
KILLS = 6


def wait_until(true, what, patience=tool.PATIENCE):
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for: {what}")
        time.sleep(0.01)


class Redis:
    """A redis-server in a directory of the test's own, on a port and a socket."""

    def __init__(self, place, password=None, lasting=False):
        program = shutil.which("redis-server")
        if not program:
            raise unittest.SkipTest("redis-server is not installed")
        self.socket = os.path.join(place, "redis.sock")
        self.password = password
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.socket, "--save", "", "--dir", place]
        self.command += ["--appendonly", "yes", "--appendfsync", "always"] if lasting else ["--appendonly", "no"]
        self.command += ["--requirepass", password] if password else []
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace")
        for line in self.process.stdout:
            if "eady to accept connections" in line:
                break
        else:
            raise unittest.SkipTest("redis-server does not start")
        self.reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.reader.start()

    def kill(self):
        self.process.kill()
        self.process.wait(tool.PATIENCE)
        self.reader.join(tool.PATIENCE)
        self.process.stdout.close()

    def url(self):
        return f"unix://{self.socket}"

    def call(self, *words):
        """One command over a connection of its own; arrays become lists."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(self.socket)
            stream = line.makefile("rwb")
            for command in ([["AUTH", self.password]] if self.password else []) + [words]:
                stream.write(b"*%d\r\n" % len(command))
                for word in command:
                    word = str(word).encode()
                    stream.write(b"$%d\r\n%s\r\n" % (len(word), word))
                stream.flush()
                answer = self.read(stream)
            return answer

    def read(self, stream):
        line = stream.readline()
        kind, rest = line[:1], line[1:].strip()
        if kind in b"+-":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if rest == b"-1":
            return None
        if kind == b"$":
            return stream.read(int(rest) + 2)[:-2].decode()
        return [self.read(stream) for _ in range(int(rest))]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class Gate:
    """Lets through as many as it is told to, or everybody."""

    def __init__(self):
        self.changed = threading.Condition()
        self.passed = 0
        self.most = float("inf")

    def let(self, more):
        """So many more than have passed."""
        with self.changed:
            self.most = self.passed + more
            self.changed.notify_all()
            return self.most

    def open(self):
        self.let(float("inf"))

    def close(self):
        self.let(0)

    def go_through(self):
        with self.changed:
            self.changed.wait_for(lambda: self.passed < self.most, tool.PATIENCE)
            self.passed += 1


class Files(http.server.ThreadingHTTPServer):
    """Serves the bytes it was given, and writes down what was asked for. Answers wait at the gate."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.gate = Gate()
        self.lock = threading.Lock()
        self.requests = []  # paths, as they began
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def handle_error(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gate.open()
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with self.server.lock:
            self.server.requests.append(self.path)
        self.server.gate.go_through()
        content = self.server.files.get(self.path)
        status = 404 if content is None else 304 if self.headers.get("If-Modified-Since") else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)) if status == 200 else "0")
        self.send_header("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")
        self.end_headers()
        if status == 200:
            self.wfile.write(content)

    def log_message(self, *_):
        pass


class QueueCase(tool.Case):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("redis"))
        os.mkdir(self.path("out"))
        self.started = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def worker(self, redis, *more, directory="out", env=None):
        command = [tool.TOOL, "get", "--queue", redis.url(), "-d", self.path(directory), "-q", "--claim-after", "1", *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env or tool.environment(), encoding="utf-8", errors="replace")
        self.started.append(process)
        return process

    def end_of(self, process, status=0):
        out, errors = process.communicate(timeout=tool.PATIENCE)
        self.assertEqual(process.returncode, status, out + errors)
        return errors

    def status(self, redis):
        done = tool.run("queue", "status", redis.url(), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def counts(self, redis):
        now = self.status(redis)
        return now["waiting"], now["running"], now["done"], now["failed"]

    def add(self, redis, *words, stdin=None):
        done = tool.run("queue", "add", redis.url(), *words, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


class Killed(QueueCase):
    def test_no_file_is_lost_and_none_is_fetched_twice_without_need(self):
        chance = random.Random(20260101)
        files = {f"/{i % 20}/f{i // 20}": chance.randbytes(chance.randrange(0, 60000)) for i in range(FILES)}
        with Redis(self.path("redis")) as redis, Files(files) as server:
            said = self.add(redis, "-i", "-", stdin="".join(server.url(path) + "\n" for path in files))
            self.assertIn(f"{FILES} added", said)
            at_risk = set()
            server.gate.close()
            workers = [self.worker(redis, "-j", "3") for _ in range(WORKERS)]
            for kill in range(KILLS):
                # However fast they are, there is something left to do when the last one is killed.
                until = server.gate.let(chance.randrange(1, FILES // KILLS // 2))
                victim = workers.pop(chance.randrange(len(workers)))
                wait_until(lambda: self.pending_of(redis, victim), "entries of the victim")
                if kill % 2 == 0:
                    wait_until(lambda: server.gate.passed >= until, "answers")
                victim.kill()
                victim.wait(tool.PATIENCE)
                at_risk |= self.pending_of(redis, victim)
                workers.append(self.worker(redis, "-j", "3"))
            server.gate.open()
            for process in workers:
                self.end_of(process)

            self.assertEqual(self.counts(redis), (0, 0, FILES, 0))
            self.assertEqual(redis.call("XPENDING", "leat", "leat")[0], 0)
            names = redis.call("HGETALL", "leat:items")
            names = dict(zip(names[::2], names[1::2]))
            self.assertEqual(sorted(names.values()), sorted(name for name in os.listdir(self.path("out")) if not name.startswith(".")))
            for path, content in files.items():
                self.assertSameFile(self.path("out", names[server.url(path)]), content)
            again = {path for path in files if server.requests.count(path) > 1}
            self.assertLessEqual({server.url(path) for path in again}, at_risk)
            self.assertTrue(at_risk)
            self.assertEqual(set(server.requests), set(files))

    def pending_of(self, redis, process):
        """The URLs of the entries that a worker has."""
        found = set()
        for fields in redis.call("XINFO", "CONSUMERS", "leat", "leat"):
            name = fields[fields.index("name") + 1]
            if f"-{process.pid}-" not in name:
                continue
            for pending in redis.call("XPENDING", "leat", "leat", "-", "+", 1000, name):
                for entry in redis.call("XRANGE", "leat", pending[0], pending[0]):
                    found.add(entry[1][entry[1].index("key") + 1])
        return found


class Handed(QueueCase):
    def test_an_interrupted_worker_hands_back_what_it_has(self):
        files = {f"/{i}": b"x" * 1000 for i in range(30)}
        with Redis(self.path("redis")) as redis, Files(files) as server:
            self.add(redis, *[server.url(path) for path in files])
            server.gate.close()
            worker = self.worker(redis, "-j", "8", "--claim-after", "600")
            wait_until(lambda: len(server.requests) >= 8, "requests")
            self.assertGreaterEqual(self.counts(redis)[1], 8)
            worker.send_signal(signal.SIGINT)
            self.end_of(worker, 130)
            self.assertEqual(self.counts(redis), (30, 0, 0, 0))
            self.assertEqual(self.status(redis)["workers"], [])
            self.assertEqual(os.listdir(self.path("out")), [])
            server.gate.open()
            self.end_of(self.worker(redis, "--claim-after", "600"))
            self.assertEqual(self.counts(redis), (0, 0, 30, 0))

    def test_what_is_there_is_not_fetched_again(self):
        files = {"/a": b"content"}
        with Redis(self.path("redis")) as redis, Files(files) as server:
            for requests, there_before in ((1, False), (1, True), (2, False)):
                if not there_before and os.path.exists(self.path("out", "a")):
                    os.unlink(self.path("out", "a"))
                self.assertIn("1 added", self.add(redis, server.url("/a")))
                self.assertIn("0 added", self.add(redis, server.url("/a")))
                self.end_of(self.worker(redis))
                self.assertSameFile(self.path("out", "a"), b"content")
                self.assertEqual(len(server.requests), requests)

    def test_redis_may_go_away_for_a_while(self):
        files = {f"/{i}": b"x" * 1000 for i in range(4)}
        with Redis(self.path("redis"), lasting=True) as redis, Files(files) as server:
            self.add(redis, *[server.url(path) for path in files])
            server.gate.close()
            worker = self.worker(redis, "-j", "4")
            wait_until(lambda: len(server.requests) == 4, "requests")
            redis.kill()
            server.gate.open()
            wait_until(lambda: len(os.listdir(self.path("out"))) >= 4, "files, without Redis")
            redis.start()
            self.end_of(worker)
            self.assertEqual(self.counts(redis), (0, 0, 4, 0))
            self.assertEqual(len(server.requests), 4)

    def test_a_worker_that_follows_gets_what_is_added_later(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a", "/b": b"b"}) as server:
            worker = self.worker(redis, "--queue-follow")
            self.add(redis, server.url("/a"))
            wait_until(lambda: os.path.exists(self.path("out", "a")), "the first file")
            self.add(redis, server.url("/b"))
            wait_until(lambda: self.counts(redis)[2] == 2, "the second file")
            worker.send_signal(signal.SIGINT)
            self.end_of(worker, 130)
            self.assertEqual(self.status(redis)["workers"], [])


class Commands(QueueCase):
    def test_what_fails_is_listed_and_can_be_put_back(self):
        with Redis(self.path("redis")) as redis, Files({"/good": b"good"}) as server:
            self.add(redis, server.url("/good"), server.url("/bad").replace("//", "//user:hidden@"))
            worker = self.worker(redis)
            self.assertNotEqual(worker.wait(tool.PATIENCE), 0)
            now = self.status(redis)
            self.assertEqual((now["done"], now["failed"]), (1, 1))
            self.assertEqual(now["failures"][0]["url"], server.url("/bad"))
            self.assertIn("404", now["failures"][0]["reason"])
            shown = tool.run("queue", "status", redis.url()).stdout
            self.assertIn("404", shown)
            self.assertNotIn("hidden", shown + json.dumps(now))
            server.files["/bad"] = b"not so bad"
            self.assertIn("1 put back", tool.run("queue", "retry", redis.url()).stdout)
            self.assertEqual(self.counts(redis), (1, 0, 1, 0))
            self.end_of(self.worker(redis))
            self.assertEqual(self.counts(redis), (0, 0, 2, 0))
            self.assertSameFile(self.path("out", "bad"), b"not so bad")

    def test_items_arrive_with_all_that_was_said_of_them(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"abc"}) as server:
            line = json.dumps({"url": server.url("/a"), "name": "sub/named", "size": 3, "headers": {"X-Test": "1"},
                               "checksum": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"})
            self.add(redis, "--input-format", "json", "-i", "-", stdin=line + "\n")
            self.end_of(self.worker(redis))
            self.assertSameFile(self.path("out", "sub", "named"), b"abc")
            record = json.loads(redis.call("HVALS", "leat:done")[0])
            self.assertEqual((record["size"], record["checksum"][:9]), (3, "sha256:ba"))

    def test_a_queue_has_a_name_of_its_own(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            self.add(redis, "--queue-name", "other", server.url("/a"))
            self.assertEqual(self.counts(redis), (0, 0, 0, 0))
            self.end_of(self.worker(redis))
            self.assertFalse(os.path.exists(self.path("out", "a")))
            self.end_of(self.worker(redis, "--queue-name", "other"))
            self.assertSameFile(self.path("out", "a"), b"a")

    def test_a_password_is_not_printed(self):
        with Redis(self.path("redis"), password="hush-hush") as redis:
            for url, status in ((f"redis://:hush-hush@127.0.0.1:{redis.port}/0", 0), (f"redis://:wrong-one@127.0.0.1:{redis.port}", 1),
                                (f"redis://:hush-hush@127.0.0.1:{redis.port}/x", 2), ("redis://:hush-hush@127.0.0.1:1", 1)):
                for command in (["status"], ["status", "--json"], ["retry"], ["add", "http://127.0.0.1:1/x"]):
                    given = tool.run("queue", command[0], url, *command[1:])
                    from_environment = tool.run("queue", *command, env=tool.environment(LEAT_QUEUE=url))
                    for done in (given, from_environment):
                        self.assertEqual(done.returncode, status, done.stderr)
                        self.assertNotIn("hush", done.stdout + done.stderr)
                        self.assertNotIn("wrong-one", done.stdout + done.stderr)
            worker = tool.run("get", "--queue", env=tool.environment(LEAT_QUEUE=f"redis://:wrong-one@127.0.0.1:{redis.port}"))
            self.assertEqual(worker.returncode, 1)
            self.assertIn("AUTH at redis 127.0.0.1", worker.stderr)

    def test_wrong_usage(self):
        for words in (["queue"], ["queue", "add"], ["queue", "status"], ["queue", "add", "redis://h"], ["queue", "status", "redis://h", "redis://g"],
                      ["queue", "status", "http://h"], ["queue", "add", "http://h", "redis://g"], ["get", "--queue"], ["get", "--queue", "http://h"],
                      ["get", "--queue", "redis://h", "http://x/y"], ["queue", "retry", "redis://h", "--queue-name", "a b"]):
            done = tool.run(*words)
            self.assertEqual(done.returncode, 2, (words, done.stderr))
        done = tool.run("queue", "add", "redis://127.0.0.1:1", "ftp://h/x")
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    tool.main()
