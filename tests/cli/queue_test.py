#!/usr/bin/env python3
"""leat queue, and leat get --queue: workers that share a list in a real Redis, some of which are killed."""

import http.server
import json
import os
import random
import re
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    """A redis-server in a directory of the test's own, on a port and a socket."""

    def __init__(self, place, password=None, lasting=False, tls=None):
        program = shutil.which("redis-server")
        if not program:
            raise unittest.SkipTest("redis-server is not installed")
        self.socket = os.path.join(place, "redis.sock")
        self.password = password
        self.port, self.tls_port = free_port(), free_port()
        self.command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", self.socket, "--save", "", "--dir", place]
        self.command += ["--appendonly", "yes", "--appendfsync", "always"] if lasting else ["--appendonly", "no"]
        self.command += ["--requirepass", password] if password else []
        if tls:
            self.command += ["--tls-port", str(self.tls_port), "--tls-cert-file", tls[0], "--tls-key-file", tls[1], "--tls-ca-cert-file", tls[0], "--tls-auth-clients", "no"]
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
        self.fields = []    # the header fields of each
        self.first = {}     # path -> [(status, fields)]: answered before the file is
        self.halves = set() # paths whose second half waits at the gate, rather than the answer
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
            self.server.fields.append(self.headers)
            first = self.server.first.get(self.path)
            refusal = first.pop(0) if first else None
        if self.path in self.server.halves:
            return self.send_halves(self.server.files[self.path])
        self.server.gate.go_through()
        content = self.server.files.get(self.path)
        status = refusal[0] if refusal else 404 if content is None else 304 if self.headers.get("If-Modified-Since") else 200
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)) if status == 200 else "0")
        self.send_header("Last-Modified", "Thu, 01 Jan 2015 00:00:00 GMT")
        for name, value in refusal[1].items() if refusal else ():
            self.send_header(name, value)
        self.end_headers()
        if status == 200:
            self.wfile.write(content)

    def send_halves(self, content):
        begin = int(self.headers["Range"].split("=")[1].split("-")[0]) if "Range" in self.headers else 0
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.send_header("ETag", '"one"')
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        half = len(content) // 2
        self.wfile.write(content[begin:half])
        self.wfile.flush()
        self.server.gate.go_through()
        self.wfile.write(content[max(begin, half):])

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
        consumers = redis.call("XINFO", "CONSUMERS", "leat", "leat")
        if isinstance(consumers, str):
            return found  # an error: the first worker has yet to make the group
        for fields in consumers:
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


class TakenOver(QueueCase):
    def large(self):
        return random.Random(7).randbytes(3 << 20)

    def part(self):
        """The part file of /large, once the journal knows of it."""
        found = [name for name in os.listdir(self.path("out")) if name.endswith("part")]
        return found[0] if found and os.path.getsize(self.path("out", found[0])) >= (3 << 19) else None

    def test_a_file_goes_on_where_a_killed_worker_has_left_it(self):
        with Redis(self.path("redis")) as redis, Files({"/large": self.large()}) as server:
            server.halves.add("/large")
            server.gate.close()
            self.add(redis, server.url("/large"))
            first = self.worker(redis)
            wait_until(self.part, "a part that is written down")
            second = self.worker(redis)  # is there already when the first one dies
            wait_until(lambda: len(self.status(redis)["workers"]) == 2, "the second worker")
            first.kill()
            first.wait(tool.PATIENCE)
            server.gate.open()
            self.end_of(second)
            self.assertSameFile(self.path("out", "large"), self.large())
            self.assertEqual(len(server.requests), 2)
            self.assertRegex(server.fields[1].get("Range", "none"), r"bytes=[1-9]\d+-")
            self.assertEqual(os.listdir(self.path("out")), ["large"])

    def test_a_file_goes_on_where_an_interrupted_worker_has_left_it(self):
        with Redis(self.path("redis")) as redis, Files({"/large": self.large()}) as server:
            server.halves.add("/large")
            server.gate.close()
            self.add(redis, server.url("/large"))
            for requests, (how, status) in enumerate(((signal.SIGINT, 130), (signal.SIGTERM, 143))):
                worker = self.worker(redis, "--claim-after", "600")
                wait_until(lambda: len(server.requests) == requests + 1 and self.part(), "a part")
                worker.send_signal(how)
                self.end_of(worker, status)
                self.assertEqual(self.counts(redis), (1, 0, 0, 0))
            server.gate.open()
            self.end_of(self.worker(redis, "--claim-after", "600"))
            self.assertSameFile(self.path("out", "large"), self.large())
            self.assertEqual(len(server.requests), 3)
            for fields in server.fields[1:]:
                self.assertRegex(fields.get("Range", "none"), r"bytes=[1-9]\d+-")
            self.assertEqual(os.listdir(self.path("out")), ["large"])

    def test_the_journal_of_a_killed_worker_goes_when_it_says_nothing(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            server.gate.close()
            self.add(redis, server.url("/a"))
            first = self.worker(redis)
            wait_until(lambda: server.requests, "the request")
            consumer = redis.call("XPENDING", "leat", "leat", "-", "+", 1)[0][1]
            first.kill()
            first.wait(tool.PATIENCE)
            shutil.copy(self.a_journal(), self.path("out", ".leat-journal-" + consumer))
            server.gate.open()
            self.end_of(self.worker(redis))
            self.assertEqual(os.listdir(self.path("out")), ["a"])

    def a_journal(self):
        """Of a run in which one file was fetched, and another was not."""
        with Files({"/there": b"x"}) as server:
            done = tool.run("get", server.url("/there"), server.url("/missing"), server.url("/gone"), "-d", self.path("other"), "--retries", "0", "--starts-per-second", "2")
            self.assertEqual(done.returncode, 8)
        return self.path("other", ".leat-journal")

    def test_a_slow_file_stays_with_a_worker_that_lives(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            server.gate.close()
            self.add(redis, server.url("/a"))
            workers = [self.worker(redis, "--claim-after", "0.5")]
            wait_until(lambda: server.requests, "the request")
            workers.append(self.worker(redis, "--claim-after", "0.5"))
            # It says that it lives three times in this time.
            beats = re.compile(r"cmdstat_xclaim:calls=(\d+)")
            wait_until(lambda: int((beats.search(redis.call("INFO", "commandstats")) or [0, 0])[1]) > 9, "thrice the time")
            server.gate.open()
            for worker in workers:
                self.end_of(worker)
            self.assertEqual(server.requests, ["/a"])

    def abandon(self, redis):
        """All that is new goes to a worker that is no more."""
        redis.call("XGROUP", "CREATE", "leat", "leat", "0", "MKSTREAM")
        for entry in redis.call("XREADGROUP", "GROUP", "leat", "gone-1-00000000", "STREAMS", "leat", ">")[0][1]:
            redis.call("XCLAIM", "leat", "leat", "gone-1-00000000", 0, entry[0], "IDLE", 3600_000, "RETRYCOUNT", 1, "JUSTID")

    def test_an_older_file_of_the_name_is_not_taken_for_what_a_killed_worker_has_saved(self):
        for age, content in ((0, b"what is there"), (-100, b"new")):
            with self.subTest(age=age), Redis(self.path("redis")) as redis, Files({"/a": b"new"}) as server:
                # So many seconds ago it was added, as Redis sees it.
                redis.call("XADD", "leat", f"{int(time.time() - age) * 1000}-1", "key", server.url("/a"), "name", "a", "item", json.dumps({"url": server.url("/a")}))
                self.abandon(redis)
                self.write("out/a", b"what is there")
                self.end_of(self.worker(redis))
                self.assertSameFile(self.path("out", "a"), content)
                self.assertEqual(["If-Modified-Since" in fields for fields in server.fields], [age == 0])

    def test_what_was_left_behind_does_not_wait_for_the_end_of_the_list(self):
        with Redis(self.path("redis")) as redis, Files({f"/{i}": b"x" for i in range(50)}) as server:
            self.add(redis, server.url("/0"))
            self.abandon(redis)
            self.add(redis, *[server.url(f"/{i}") for i in range(1, 50)])
            self.end_of(self.worker(redis, "-j", "1"))
            self.assertLess(server.requests.index("/0"), 10)

    def test_a_worker_does_not_give_up_what_it_is_fetching_itself(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            server.gate.close()
            self.add(redis, server.url("/a"))
            worker = self.worker(redis, "--claim-after", "600")
            wait_until(lambda: server.requests, "the request")
            for _ in range(4):
                (entry, consumer, _, _), = redis.call("XPENDING", "leat", "leat", "-", "+", 10)
                redis.call("XCLAIM", "leat", "leat", consumer, 0, entry, "IDLE", 700_000, "JUSTID")
                wait_until(lambda: redis.call("XPENDING", "leat", "leat", "IDLE", 600_000, "-", "+", 10) == [], "its claim")
            server.gate.open()
            self.end_of(worker)
            self.assertEqual(self.counts(redis), (0, 0, 1, 0))
            self.assertEqual(server.requests, ["/a"])

    def test_nothing_is_taken_from_a_worker_because_redis_was_away(self):
        with Redis(self.path("redis"), lasting=True) as redis, Files({"/a": b"a"}) as server:
            server.gate.close()
            self.add(redis, server.url("/a"))
            workers = [self.worker(redis, "--claim-after", "0.2")]
            wait_until(lambda: server.requests, "the request")
            workers += [self.worker(redis, "--claim-after", "0.2") for _ in range(3)]
            wait_until(lambda: len(self.status(redis)["workers"]) == 4, "the others")
            for _ in range(3):
                redis.kill()
                redis.start()
                wait_until(lambda: redis.call("CLIENT", "LIST").count("cmd=xreadgroup") == 4, "everybody")
            server.gate.open()
            for worker in workers:
                self.end_of(worker)
            self.assertEqual(server.requests, ["/a"])


class Shared(QueueCase):
    def test_a_worker_leaves_to_others_what_it_cannot_begin(self):
        with Redis(self.path("redis")) as redis, Files({f"/{i}": b"x" for i in range(40)}) as server:
            server.gate.close()
            self.add(redis, *[server.url(f"/{i}") for i in range(40)])
            workers = [self.worker(redis, "-j", "32", "--per-host", "16")]
            wait_until(lambda: len(server.requests) == 16, "as many as it may begin")
            self.assertLessEqual(self.counts(redis)[1], 19)
            workers.append(self.worker(redis, "-j", "32", "--per-host", "16"))
            wait_until(lambda: len(server.requests) == 32, "the other one's")
            server.gate.open()
            for worker in workers:
                self.end_of(worker)
            self.assertEqual(self.counts(redis), (0, 0, 40, 0))


class Again(QueueCase):
    def test_what_failed_and_comes_again_keeps_its_name(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a", "/b": b"b"}) as server:
            server.first = {"/a": [(503, {}), (503, {})], "/b": [(429, {})]}
            self.add(redis, server.url("/a"), server.url("/b"))
            worker = self.worker(redis, "--retries", "0", "--claim-after", "0.1", "--deliveries", "5")
            self.end_of(worker, 1)  # failures of two kinds
            self.assertEqual(self.counts(redis), (0, 0, 2, 0))
            self.assertEqual(sorted(os.listdir(self.path("out"))), ["a", "b"])

    def test_what_is_added_again_keeps_its_name(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            worker = self.worker(redis, "--queue-follow")
            for done in range(2):
                self.add(redis, server.url("/a"))
                wait_until(lambda: len(server.requests) == done + 1 and self.counts(redis) == (0, 0, 1, 0), "the file")
                os.unlink(self.path("out", "a"))
            worker.send_signal(signal.SIGINT)
            self.end_of(worker, 130)
            self.assertEqual(os.listdir(self.path("out")), [])

    def test_a_file_that_waits_for_its_next_attempt_does_not_hold_up_others(self):
        with Redis(self.path("redis")) as redis, Files({f"/{i}": b"x" for i in range(30)}) as server:
            server.first = {f"/{i}": [(503, {"Retry-After": "100"})] for i in range(3)}
            self.add(redis, *[server.url(f"/{i}") for i in range(30)])
            worker = self.worker(redis, "-j", "4")
            wait_until(lambda: self.counts(redis)[2] == 27, "the others", 30)
            worker.send_signal(signal.SIGINT)
            self.end_of(worker, 130)
            self.assertEqual(self.counts(redis), (3, 0, 27, 0))

    def test_a_file_that_fails_at_each_worker_is_given_up(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            server.first = {"/a": [(503, {})] * 3}
            self.add(redis, server.url("/a"))
            workers = [self.worker(redis, "--retries", "0", "--claim-after", "0.1") for _ in range(3)]
            for worker in workers:
                worker.wait(tool.PATIENCE)
            self.assertEqual(self.counts(redis), (0, 0, 0, 1))
            self.assertEqual(len(server.requests), 3)
            self.assertIn("503", self.status(redis)["failures"][0]["reason"])


class Lost(QueueCase):
    """What a worker was using in Redis is gone, or something else is there."""

    def test_a_stream_that_was_removed_does_not_keep_its_items_out(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            self.add(redis, server.url("/a"))
            redis.call("DEL", "leat")
            self.assertIn("1 added", self.add(redis, server.url("/a")))
            self.end_of(self.worker(redis))
            self.assertSameFile(self.path("out", "a"), b"a")

    def test_a_dead_letter_is_not_lost_with_the_stream(self):
        with Redis(self.path("redis")) as redis, Files({}) as server:
            self.add(redis, server.url("/a"))
            self.worker(redis).wait(tool.PATIENCE)
            self.add(redis, server.url("/a"))
            redis.call("DEL", "leat")
            self.assertIn("1 put back", tool.run("queue", "retry", redis.url()).stdout)
            self.assertEqual(self.counts(redis), (1, 0, 0, 0))

    def test_a_worker_that_waits_outlives_the_stream(self):
        for loss in (["DEL", "leat"], ["XGROUP", "DESTROY", "leat", "leat"], ["FLUSHALL"]):
            with self.subTest(loss=loss), Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
                worker = self.worker(redis, "--queue-follow")
                wait_until(lambda: "cmd=xreadgroup" in redis.call("CLIENT", "LIST"), "a worker that waits")
                redis.call(*loss)
                self.add(redis, server.url("/a"))
                wait_until(lambda: self.counts(redis) == (0, 0, 1, 0), "the file")
                worker.send_signal(signal.SIGINT)
                self.end_of(worker, 130)

    def test_a_redis_that_remembers_nothing_is_filled_anew(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a", "/b": b"b"}) as server:
            server.gate.close()
            self.add(redis, server.url("/a"))
            worker = self.worker(redis, "--queue-follow")
            wait_until(lambda: server.requests, "the request")
            redis.kill()
            redis.start()
            server.gate.open()
            self.add(redis, server.url("/b"))
            wait_until(lambda: self.counts(redis) == (0, 0, 2, 0), "both files")
            worker.send_signal(signal.SIGINT)
            self.end_of(worker, 130)

    def test_a_file_may_fail_while_the_group_is_gone(self):
        with Redis(self.path("redis")) as redis, Files({}) as server:
            server.gate.close()
            self.add(redis, server.url("/a"))
            worker = self.worker(redis, "-j", "1")
            wait_until(lambda: server.requests, "the request")
            redis.call("XGROUP", "DESTROY", "leat", "leat")
            server.gate.open()
            self.end_of(worker, 8)
            self.assertEqual(self.counts(redis), (0, 0, 0, 1))

    def test_a_key_of_another_type_is_told_and_spoils_nothing(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            redis.call("SET", "leat", "of somebody else")
            for words in (["queue", "add", redis.url(), server.url("/a")], ["queue", "status", redis.url()], ["get", "--queue", redis.url()]):
                done = tool.run(*words)
                self.assertEqual(done.returncode, 1, words)
                self.assertIn("WRONGTYPE", done.stderr)
            redis.call("DEL", "leat")
            self.assertIn("1 added", self.add(redis, server.url("/a")))

    def test_a_redis_that_takes_no_writes_for_a_while_is_waited_for(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            server.gate.close()
            self.add(redis, server.url("/a"))
            worker = self.worker(redis)
            wait_until(lambda: server.requests, "the request")
            redis.call("CONFIG", "SET", "maxmemory", "1")
            server.gate.open()
            wait_until(lambda: "errorstat_OOM" in redis.call("INFO", "errorstats"), "a refusal")
            redis.call("CONFIG", "SET", "maxmemory", "0")
            self.end_of(worker)
            self.assertEqual(self.counts(redis), (0, 0, 1, 0))


class Hostile(QueueCase):
    def test_entries_that_cannot_be_used_are_given_up_and_harm_nobody(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            url = server.url("/a")
            entries = [("../up", {"url": url}), ("/tmp/leat-absolute", {"url": url}), ("a/../../up", {"url": url}), ("x" * 256, {"url": url}), ("\x1b[2J", {"url": url}),
                       ("b", {"url": url, "checksum": "sha256:zz"}), ("c", {"url": url, "size": -1}), ("d", {"url": url, "segments": 10**9}), ("e", {"url": 1}), ("f", []),
                       ("g", {"url": url, "headers": [["X\r\nY", "z"]]}), ("h", {"url": url, "headers": [["X", "z\r\nEvil: 1"]]}), ("i", {"url": url, "later\x1b": 1}),
                       ("j", {"url": url, "existing": "x"})]
            for name, item in entries:
                redis.call("XADD", "leat", "*", "key", "k" + name, "name", name, "item", json.dumps(item))
            redis.call("XADD", "leat", "*", "nothing", "of ours")
            self.add(redis, url)
            said = self.end_of(self.worker(redis), 1)
            self.assertNotIn("\x1b", said + tool.run("queue", "status", redis.url()).stdout)
            self.assertEqual(self.counts(redis), (0, 0, 1, len(entries) + 1))
            self.assertEqual(os.listdir(self.path("out")), ["a"])
            self.assertEqual(server.requests, ["/a"])

    def test_the_name_of_whoever_had_an_entry_leads_nowhere(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            self.add(redis, server.url("/a"))
            redis.call("XGROUP", "CREATE", "leat", "leat", "0")
            entry = redis.call("XREADGROUP", "GROUP", "leat", "x/../../other", "STREAMS", "leat", ">")[0][1][0][0]
            redis.call("XCLAIM", "leat", "leat", "x/../../other", 0, entry, "IDLE", 100_000, "RETRYCOUNT", 1, "JUSTID")
            self.end_of(self.worker(redis))
            self.assertEqual(self.counts(redis), (0, 0, 1, 0))


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

    def test_an_answer_that_cannot_be_written_is_a_failure(self):
        """What was asked for is done all the same; a reader that has gone is none."""
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server, open("/dev/full", "w") as full:
            for words in (["add", redis.url(), server.url("/a")], ["status", redis.url()], ["status", redis.url(), "--json"], ["retry", redis.url()]):
                with self.subTest(words):
                    done = subprocess.run([tool.TOOL, "queue", *words], stdout=full, stderr=subprocess.PIPE, env=tool.environment(), encoding="utf-8")
                    self.assertEqual((done.returncode, done.stderr), (1, "leat: queue: write standard output: No space left on device (errno 28)\n"))
                    reading, writing = os.pipe()
                    os.close(reading)
                    done = subprocess.run([tool.TOOL, "queue", *words], stdout=writing, stderr=subprocess.PIPE, env=tool.environment(), encoding="utf-8")
                    os.close(writing)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(self.counts(redis), (1, 0, 0, 0))
            done = subprocess.run([tool.TOOL, "get", "--queue", redis.url(), "-d", self.path("out")], stdout=full, stderr=subprocess.PIPE, env=tool.environment(),
                                  encoding="utf-8")
            self.assertEqual((done.returncode, done.stderr), (1, "leat: get: write standard output: No space left on device (errno 28)\n"))
            self.assertEqual(self.counts(redis), (0, 0, 1, 0))

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

    def test_over_tls_the_server_is_verified(self):
        certificate, key = self.path("certificate.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-days", "2",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        with Redis(self.path("redis"), tls=(certificate, key)) as redis:
            url = f"rediss://127.0.0.1:{redis.tls_port}"
            refused = tool.run("queue", "status", url)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("certificate", refused.stderr)
            for words in (["--queue-cacert", certificate], ["--queue-insecure"]):
                done = tool.run("queue", "status", url, *words)
                self.assertEqual(done.returncode, 0, done.stderr)
            worker = tool.run("get", "--queue", url, "--queue-cacert", certificate, "-d", self.path("out"), "-q")
            self.assertEqual(worker.returncode, 0, worker.stderr)

    def test_wrong_usage(self):
        for words in (["queue"], ["queue", "add"], ["queue", "status"], ["queue", "add", "redis://h"], ["queue", "status", "redis://h", "redis://g"],
                      ["queue", "status", "http://h"], ["queue", "add", "http://h", "redis://g"], ["get", "--queue"], ["get", "--queue", "http://h"],
                      ["get", "--queue", "redis://h", "http://x/y"], ["queue", "retry", "redis://h", "--queue-name", "a b"]):
            done = tool.run(*words)
            self.assertEqual(done.returncode, 2, (words, done.stderr))
        done = tool.run("queue", "add", "redis://127.0.0.1:1", "ftp://h/x")
        self.assertEqual(done.returncode, 1)

    def test_options_that_make_no_sense_are_refused(self):
        for words in (["--queue", "redis://h", "--content-disposition"], ["--queue", "redis://h", "--mirror-path"], ["--queue", "redis://h", "--checksums", "/dev/null"],
                      ["--queue", "redis://h", "--dry-run"], ["--queue", "redis://h", "-o", "x"], ["--queue", "redis://h", "--mirror", "http://h/x"],
                      ["--queue-follow", "http://h/x"], ["--claim-after", "5", "http://h/x"], ["--deliveries", "5", "http://h/x"], ["--queue-name", "n", "http://h/x"]):
            done = tool.run("get", *words)
            self.assertEqual(done.returncode, 2, (words, done.stderr))

    def test_fields_of_the_command_line_are_sent_beside_those_of_a_file(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            self.add(redis, "--input-format", "json", "-i", "-", stdin=json.dumps({"url": server.url("/a"), "headers": {"X-One": "own"}}) + "\n")
            self.end_of(self.worker(redis, "-H", "X-One: common", "-H", "X-Two: common"))
            self.assertEqual((server.fields[0].get_all("X-One"), server.fields[0].get_all("X-Two")), (["own"], ["common"]))

    def test_what_cannot_be_fetched_is_told_and_the_rest_is_added(self):
        with Redis(self.path("redis")) as redis:
            lines = [json.dumps(line) + "\n" for line in ({"url": "ftp://user:hidden@h/x"}, {"url": "http://h/ok"}, {"url": "http://h/up", "name": "../up"})]
            done = tool.run("queue", "add", redis.url(), "--input-format", "json", "-i", "-", stdin="".join(lines))
            self.assertEqual(done.returncode, 1)
            self.assertIn("1 added", done.stdout)
            self.assertIn("ftp://h/x", done.stderr)
            self.assertIn("../up", done.stderr)
            self.assertNotIn("hidden", done.stderr)
            self.assertEqual(self.counts(redis), (1, 0, 0, 0))

    def test_a_list_is_added_while_it_comes(self):
        with Redis(self.path("redis")) as redis:
            adding = subprocess.Popen([tool.TOOL, "queue", "add", redis.url(), "-i", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      env=tool.environment(), encoding="utf-8")
            self.started.append(adding)
            for count in (1, 2):
                adding.stdin.write(f"http://h/{count}\n")
                adding.stdin.flush()
                wait_until(lambda: self.counts(redis)[0] == count, "what was written")
            self.assertIn("2 added", adding.communicate()[0])

    def test_who_lists_the_processes_sees_no_password(self):
        with Redis(self.path("redis"), password="hush-hush") as redis:
            adding = subprocess.Popen([tool.TOOL, "queue", "add", f"redis://:hush-hush@127.0.0.1:{redis.port}", "-i", "-"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=tool.environment(), encoding="utf-8")
            self.started.append(adding)
            adding.stdin.write("http://h/x\n")
            adding.stdin.flush()
            wait_until(lambda: redis.call("XLEN", "leat") == 1, "what was written")
            with open(f"/proc/{adding.pid}/cmdline", encoding="utf-8") as file:
                shown = file.read()
            self.assertIn("queue\0add\0*", shown)
            self.assertNotIn("hush", shown)

    def test_a_file_is_on_the_disk_before_it_is_acknowledged(self):
        strace = shutil.which("strace")
        if not strace or subprocess.run([strace, "-qq", "-o", os.devnull, "true"], capture_output=True).returncode != 0:
            self.skipTest("strace is not there, or not allowed")
        for words, synced in (([], True), (["--no-sync"], False)):
            with Redis(self.path("redis")) as redis, Files({"/small": b"x", "/larger": b"x" * 500_000}) as server:
                self.add(redis, server.url("/small"), server.url("/larger"))
                command = [strace, "-f", "-qq", "-e", "trace=fdatasync,fsync,linkat,renameat,write,writev,sendto,sendmsg", "-s", "4096", "-o", self.path("trace"), tool.TOOL,
                           "get", "--queue", redis.url(), "-d", self.path("out"), "-q", "-j", "1", "--no-resume", *words]  # a journal would be synced too
                done = subprocess.run(command, capture_output=True, timeout=tool.PATIENCE, env=tool.environment(ASAN_OPTIONS="detect_leaks=0"))  # not under ptrace
                self.assertEqual(done.returncode, 0, done.stderr)
                with open(self.path("trace"), encoding="utf-8") as file:
                    calls = [line.split()[1].split("(")[0] for line in file if "(" in line]
                self.assertEqual(calls.count("fdatasync"), 2 if synced else 0, calls)
                named = calls.index("linkat") if "linkat" in calls else calls.index("renameat")
                self.assertEqual("fdatasync" in calls[:named], synced)
                self.assertEqual("fsync" in calls[named:], synced)  # of the directory
            for name in os.listdir(self.path("out")):
                os.unlink(self.path("out", name))

    def test_names_are_never_too_long(self):
        with Redis(self.path("redis")) as redis:
            lines = "".join(json.dumps({"url": f"http://h/{i}", "name": "sub/" + "n" * 255}) + "\n" for i in range(12))
            self.add(redis, "--input-format", "json", "-i", "-", stdin=lines)
            names = redis.call("HVALS", "leat:items")
            self.assertEqual(len(set(names)), 12)
            self.assertTrue(all(len(each) <= 4 + 255 and each.startswith("sub/n") for each in names), names)

    def test_databases_are_queues_of_their_own(self):
        with Redis(self.path("redis")) as redis:
            for url in (f"redis://127.0.0.1:{redis.port}/3", f"unix://{redis.socket}?db=4"):
                done = tool.run("queue", "add", url, "http://h/x")
                self.assertIn("1 added", done.stdout, done.stderr)
            self.assertEqual(self.counts(redis), (0, 0, 0, 0))
            self.assertRegex(redis.call("INFO", "keyspace"), r"(?s)db3:.*db4:")
            done = tool.run("queue", "status", f"redis://127.0.0.1:{redis.port}/99")
            self.assertEqual(done.returncode, 1)
            self.assertIn("SELECT", done.stderr)

    def test_a_user_with_few_rights_is_enough(self):
        with Redis(self.path("redis")) as redis, Files({"/a": b"a"}) as server:
            redis.call("ACL", "SETUSER", "worker", "on", ">pa%ss/word", "~leat", "~leat:*", "+@all", "-@admin", "-@dangerous")
            url = f"redis://worker:pa%25ss%2Fword@127.0.0.1:{redis.port}"
            for words in (["queue", "add", url, server.url("/a")], ["get", "--queue", url, "-d", self.path("out"), "-q"], ["queue", "status", url], ["queue", "retry", url]):
                done = tool.run(*words)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertSameFile(self.path("out", "a"), b"a")
            refused = tool.run("queue", "add", url, "--queue-name", "other", server.url("/a"))
            self.assertEqual(refused.returncode, 1)
            self.assertIn("NOPERM", refused.stderr)


if __name__ == "__main__":
    tool.main()
