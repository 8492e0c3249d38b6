#!/usr/bin/env python3
"""leat get, killed with SIGKILL at random moments and begun again until everything is there: right bytes, and what the journal had is not fetched again.

The server paces the bodies: it sends what the test allows, so that a kill comes behind a number of bytes and not behind a time. After each kill the journal is
read (from a copy); what it says has been written must not be sent again in the next run. So a kill costs at most what had come since the last record.
LEAT_SOAK=1 makes 100 kills of 10. LEAT_SEED chooses the moments.
"""

import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

import tool

sys.path.insert(0, os.path.join(tool.HERE, "../hostile"))
from case import Case, content  # noqa: E402
from server import Server  # noqa: E402

ROUNDS = 100 if os.environ.get("LEAT_SOAK") else 10
SEED = os.environ.get("LEAT_SEED", "kill")
PIECE = 16 * 1024
JOURNAL = ".leat-journal"
BEFORE_LONG = 20  # seconds until what has come has to be in the journal, with much to spare
ON_ITS_WAY = 256 * 1024  # bytes that a connection may lose when its part is split among others; one that is alone loses none
RECORD = 24  # bytes of one finished file in the journal
HELP = tool.run("get", "--help").stdout


class Gated:
    """Serves files by ranges, and sends no more bytes of bodies in all than are allowed so far."""

    def __init__(self, files):
        self.files = files
        self.caps = {}  # of single files: no byte behind that one
        self.allowed = self.sent = 0
        self.run = 0  # which run of the tool may get something: a connection of a killed one may look open for a while
        self.changed = threading.Condition()
        self.server = Server([Case("gated", "sends what the test allows", self.answer)])

    def url(self, name):
        return self.server.url("kill", "gated", name)

    def answer(self, talk, request):
        body = self.files[request.file]
        asked = request.range()
        first, end = 0, len(body)
        marks = ("Accept-Ranges: bytes", f'ETag: "{request.file}"')
        if asked and request.fields.get("if-range") in (None, f'"{request.file}"'):
            first, end = asked[0], min(len(body), (asked[1] if asked[1] is not None else len(body)) + 1)
            talk.head("206 Partial Content", f"Content-Range: bytes {first}-{end - 1}/{len(body)}", f"Content-Length: {end - first}", *marks)
        else:
            talk.head("200 OK", f"Content-Length: {len(body)}", *marks)
        at, run = first, self.run
        while at < end:
            at += self.take_turn(talk, body, at, min(end, at + PIECE), run)

    def take_turn(self, talk, body, at, end, run):
        with self.changed:
            while run == self.run and (self.sent >= self.allowed or at >= self.caps.get(talk.request.file, 1 << 60)) and not self.server.closing.is_set():
                self.changed.wait(0.2)
                if self.gone(talk):
                    talk.close()
            if run != self.run:
                talk.close()
            end = max(at, min(end, at + self.allowed - self.sent, self.caps.get(talk.request.file, end)))
            self.sent += end - at
            self.changed.notify_all()
        if end == at:
            talk.close()  # the test is over
        talk.body(body[at:end])
        return end - at

    def gone(self, talk):
        """Has the client left? Nothing else can have come: it waits for the body."""
        try:
            return talk.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def allow(self, total):
        with self.changed:
            self.allowed = total
            self.caps.clear()
            self.changed.notify_all()

    def next_run(self):
        with self.changed:
            self.run += 1
            self.changed.notify_all()

    def spent(self, process):
        """Waits until all that is allowed has been sent, or the client has ended."""
        with self.changed:
            while self.sent < self.allowed and process.poll() is None:
                self.changed.wait(0.05)

    def brought(self, since):
        """What the requests from the log's number `since` on have got: (file, first, end)."""
        pieces = []
        for r in self.server.requests("kill")[since:]:
            asked = r.range() if r.status == 206 else None
            first = asked[0] if asked else 0
            pieces.append((r.file, first, first + r.sent))
        return pieces


def numbers(blob):
    """Varints, as the journal keeps ranges."""
    value = shift = 0
    for byte in blob:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            yield value
            value = shift = 0


def spans(blob):
    found, at = [], 0
    values = list(numbers(blob))
    for distance, size in zip(values[::2], values[1::2]):
        found.append((at + distance, at + distance + size))
        at += distance + size
    return found


class Journal:
    """What a journal says, read from a copy: the tool's own is not touched."""

    def __init__(self, directory):
        self.partial, self.finished = {}, 0
        copy = directory + ".journal"
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        for ending in ("", "-wal"):
            if os.path.exists(os.path.join(directory, JOURNAL + ending)):
                shutil.copy(os.path.join(directory, JOURNAL + ending), os.path.join(copy, JOURNAL + ending))
        path = os.path.join(copy, JOURNAL)
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            return
        connection = sqlite3.connect(path)
        try:
            self.partial = {os.path.basename(name.decode() if isinstance(name, bytes) else name): spans(written)
                            for name, written in connection.execute("SELECT name, written FROM partial")}
            self.finished = sum(len(records) // RECORD for records, in connection.execute("SELECT records FROM finished"))
        finally:
            connection.close()

    def total(self, name):
        return sum(end - first for first, end in self.partial.get(name, []))

    def __eq__(self, other):
        return (self.partial, self.finished) == (other.partial, other.finished)


@unittest.skipUnless("--no-resume" in HELP, "nothing is resumed yet")
class Kill(tool.Case):
    def start(self, gate, *options):
        process = subprocess.Popen([tool.TOOL, "get", "-d", self.path("out"), "--no-progress", "--retries", "0", *options, *(gate.url(n) for n in gate.files)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=tool.environment(), encoding="utf-8")
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        """For a test that failed."""
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()

    def await_journal(self, good):
        """Waits until a running tool's journal is so, and returns it."""
        for _ in range(BEFORE_LONG * 20):
            try:
                if good(now := Journal(self.path("out"))):
                    return now
            except sqlite3.DatabaseError:
                pass  # copied while it was written
            time.sleep(0.05)
        self.fail(f"the journal has {Journal(self.path('out')).finished} finished files and {Journal(self.path('out')).partial}")

    def kill(self, gate, process):
        process.send_signal(signal.SIGKILL)
        said = process.communicate(timeout=tool.PATIENCE)[0]
        gate.next_run()
        self.assertIn(process.returncode, (0, -signal.SIGKILL), said)
        return process.returncode == 0

    def not_again(self, gate, since, before, where):
        """Nothing that the journal had as written was sent again since."""
        for file, first, end in gate.brought(since):
            for from_, to in before.partial.get(file, []):
                overlap = min(end, to) - max(first, from_)
                self.assertLessEqual(overlap, 0, f"{where}: bytes {first} to {end} of {file} were sent, but the journal had {from_} to {to}")

    def until_complete(self, files, name, *options, connections=None):
        """Kills it ROUNDS times, then lets it end. `connections`: of the one large file."""
        chance = random.Random(f"{SEED} {name}")
        size = sum(map(len, files.values()))
        gate = Gated(files)
        with gate.server:
            before = Journal(self.path("out"))
            for number in range(ROUNDS):
                where = f"seed {SEED!r}, {name}, kill {number + 1}"
                since, sent = len(gate.server.requests("kill")), gate.sent
                step = chance.randrange(1, max(2, 2 * size // (ROUNDS + 2)))
                gate.allow(sent + step)
                process = self.start(gate, *options)
                gate.spent(process)
                how = chance.random()
                if process.poll() is None and how < 0.6:
                    # What has come is in the journal before long, and then a kill costs nothing.
                    if connections:
                        self.await_journal(lambda now: now.total("big") >= before.total("big") + gate.sent - sent - (connections - 1) * ON_ITS_WAY or process.poll() is not None)
                    else:
                        time.sleep(0.3)
                elif how < 0.8:
                    time.sleep(chance.random() * 0.03)  # somewhere while it writes; what is right does not depend on it
                ended = self.kill(gate, process)
                self.not_again(gate, since, before, where)
                after = Journal(self.path("out"))
                for file in before.partial:
                    if file in after.partial:  # what is noted stays noted
                        self.assertGreaterEqual(after.total(file), before.total(file), where)
                self.assertGreaterEqual(after.finished, 0 if ended else before.finished, where)
                before = after
                if ended:
                    break
            since = len(gate.server.requests("kill"))
            gate.allow(1 << 60)
            process = self.start(gate, *options)
            said = process.communicate(timeout=tool.PATIENCE)[0]
            self.assertEqual(process.returncode, 0, said)
            self.not_again(gate, since, before, f"seed {SEED!r}, {name}, the end")
            asked = {r.file for r in gate.server.requests("kill")[since:]}
            self.assertLessEqual(len(asked), len(files) - before.finished)
        for file, body in files.items():
            self.assertSameFile(self.path("out", file), body)
        print(f"{name}: {gate.sent} bytes sent for {size}, {number + 1} kills", flush=True)
        self.assertEqual(sorted(os.listdir(self.path("out"))), sorted(files))  # no journal, no part

    def test_one_file(self):
        self.until_complete({"big": content("killed", 6_000_000)}, "one file", "--segments", "1", connections=1)

    def test_one_file_in_segments(self):
        self.until_complete({"big": content("killed", 6_000_000)}, "segments", "--segments", "4", "--segment-size", "256K", connections=4)

    def test_many_files(self):
        files = {f"f{i}": content(f"killed {i}", 1000 + i * 1500) for i in range(120)}
        self.until_complete(files, "many files")

    def test_many_files_and_a_large_one(self):
        files = {f"f{i}": content(f"killed {i}", 20_000) for i in range(60)}
        files["big"] = content("killed", 3_000_000)
        self.until_complete(files, "mixed", "--segment-size", "256K")

    def finish(self, gate, *options):
        gate.allow(1 << 60)
        process = self.start(gate, *options)
        said = process.communicate(timeout=tool.PATIENCE)[0]
        self.assertEqual(process.returncode, 0, said)
        for file, body in gate.files.items():
            self.assertSameFile(self.path("out", file), body)
        self.assertEqual(sorted(os.listdir(self.path("out"))), sorted(gate.files))

    def test_a_kill_costs_nothing_once_the_journal_was_written(self):
        gate = Gated({"big": content("killed", 6_000_000)})
        with gate.server:
            for allowed in (2_000_000, 4_000_000):
                had = Journal(self.path("out")).total("big")
                sent = gate.sent
                gate.allow(allowed)
                process = self.start(gate, "--segments", "1")
                gate.spent(process)
                self.await_journal(lambda now: now.total("big") >= had + gate.sent - sent)
                self.kill(gate, process)
            self.finish(gate, "--segments", "1")
        self.assertEqual(gate.sent, 6_000_000)  # each byte once

    def test_finished_files_are_not_asked_for_again(self):
        gate = Gated({**{f"f{i}": content(f"killed {i}", 5000) for i in range(50)}, "last": content("last", 100_000)})
        with gate.server:
            gate.allow(1 << 60)
            gate.caps["last"] = 50_000
            process = self.start(gate)
            self.await_journal(lambda now: now.finished == 50)
            self.kill(gate, process)
            since = len(gate.server.requests("kill"))
            self.finish(gate)
            self.assertEqual([r.file for r in gate.server.requests("kill")[since:]], ["last"])


if __name__ == "__main__":
    print(f"LEAT_SEED={SEED}, {ROUNDS} kills a test", flush=True)
    tool.main()
