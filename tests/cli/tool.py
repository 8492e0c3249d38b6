"""What the tests of the command-line tool share: finding it, running it, servers of its own.

A test is run as `NAME_test.py [PATH OF THE TOOL]`, with LEAT_ENGINE to choose an engine; without that it runs under both.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SKIP = 77
HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE = 60  # seconds until something is taken to hang


def find_tool():
    for argument in sys.argv[1:]:
        if not argument.startswith("-") and os.access(argument, os.X_OK) and os.path.isfile(argument):
            sys.argv.remove(argument)
            return os.path.abspath(argument)
    return os.environ.get("LEAT_TOOL") or os.path.join(HERE, "../../build/release/leat")


TOOL = os.path.normpath(find_tool())


def environment(**changes):
    """The tests' own, without what would change the tool's output."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LEAT_LOG") and k not in ("COLUMNS", "LINES")}
    kept.update({"LC_ALL": "C.UTF-8"}, **changes)
    return kept


def run(*arguments, stdin=None, env=None, cwd=None, timeout=PATIENCE):
    """Runs the tool to its end; the outputs are text."""
    return subprocess.run([TOOL, *arguments], input=stdin, capture_output=True, timeout=timeout, cwd=cwd,
                          env=env or environment(), encoding="utf-8", errors="surrogateescape")


@contextlib.contextmanager
def stuck_pipe():
    """The writing end of a pipe that is full, and that nobody reads."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 512)
        os.set_blocking(writing, True)
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


class Process:
    """The tool as a server, until the `with` block ends; then it is stopped with SIGINT and must end with 0."""

    def __init__(self, *arguments, env=None, expect=r"127\.0\.0\.1:(\d+)", status=0):
        self.status = status
        self.interrupted = False
        self.process = subprocess.Popen([TOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env=env or environment(), encoding="utf-8", errors="surrogateescape")
        self.first_line = self.process.stdout.readline()
        found = re.search(expect, self.first_line)
        if not found:
            self.process.kill()
            raise AssertionError(f"said {self.first_line!r}: {self.process.communicate()}")
        self.port = int(found.group(1))
        # A pipe that is full would hold nothing but the log, which then drops lines.
        self.log = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def interrupt(self, with_signal=signal.SIGINT):
        """Once only: a second signal would not wait for anything."""
        if not self.interrupted and self.process.poll() is None:
            self.process.send_signal(with_signal)
        self.interrupted = True

    def stop(self, with_signal=signal.SIGINT):
        self.interrupt(with_signal)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            code = self.stop()
            if kind is None and code != self.status:
                raise AssertionError(f"ended with {code}: {''.join(self.log)}")
        finally:
            self.process.kill()
            self.process.stdout.close()
            self.reader.join(1)
            self.process.stderr.close()


def serve(directory, *arguments, **more):
    return Process("serve", directory, "--listen", "127.0.0.1:0", *arguments, **more)


class Case(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="leat-cli-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, content=b""):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def wait_for(self, condition):
        for _ in range(PATIENCE * 100):
            if condition():
                return
            time.sleep(0.01)
        self.fail("it did not come to that")

    def assertSameFile(self, path, content):
        with open(path, "rb") as file:
            found = file.read()
        if found != content:
            self.fail(f"{path!r}: {len(found)} bytes differ from the {len(content)} expected")


@contextlib.contextmanager
def small_disk(size):
    """A directory on a file system of that many bytes; skips the test where none can be mounted."""
    place = tempfile.mkdtemp(prefix="leat-disk-")
    try:
        if os.geteuid() != 0:
            raise unittest.SkipTest("mounting needs root")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "leat-test", place], capture_output=True)
        if mounted.returncode != 0:
            raise unittest.SkipTest("mount is not allowed here")
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", place], check=False)
    finally:
        os.rmdir(place)


def main():
    if not os.access(TOOL, os.X_OK):
        sys.exit(f"{TOOL} is not there: build it, or name it on the command line")
    if "LEAT_ENGINE" in os.environ:
        unittest.main()
    status = 0
    for engine in ("uring", "epoll"):
        print(f"LEAT_ENGINE={engine}", flush=True)
        again = subprocess.run([sys.executable, *sys.argv], env={**os.environ, "LEAT_ENGINE": engine, "LEAT_TOOL": TOOL})
        status = status or again.returncode
    sys.exit(status)
