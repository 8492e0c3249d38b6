"""What the tests of the examples share: finding them, and running one with a terminal for its output.

The terminal is what makes a program show each line as it comes, so that a test can wait for a line rather than for time.
"""

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tty
import unittest

SKIP = 77
END = b"\0end\0"  # follows the last line: a terminal whose last program has closed it may lose what was not read yet
PATIENCE = 60  # seconds until something is taken to hang
BUILD = os.environ.get("LEAT_BUILD") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release")


def path_of(name):
    return os.path.join(BUILD, "examples", "example_" + name)


class Example:
    """A running example, killed when the `with` block ends if it has not ended by itself."""

    def __init__(self, name, *arguments, cwd=None, environment=None):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LEAT_LOG")}
        self.lines = []      # of standard output, without line ends
        self.taken = 0       # how many of them wait_for() has passed
        self.changed = threading.Condition()
        self.ended = False
        self.errors_file = tempfile.TemporaryFile()
        master, slave = pty.openpty()
        tty.setraw(slave)    # '\n' stays '\n'
        try:
            self.process = subprocess.Popen([path_of(name), *arguments], stdin=subprocess.PIPE, stdout=slave, cwd=cwd,
                                            stderr=self.errors_file, env={**kept, "LC_ALL": "C.UTF-8", **(environment or {})})
        except BaseException:
            os.close(master)
            os.close(slave)
            raise
        self.reader = threading.Thread(target=self._read, args=(master,), daemon=True)
        self.reader.start()
        threading.Thread(target=self._mark_end, args=(slave,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.reader.join()
        self.errors_file.close()

    def _mark_end(self, slave):
        self.process.wait()
        with open(slave, "wb", buffering=0) as terminal:
            terminal.write(END)
            self.reader.join()  # and only then is the terminal closed

    def _read(self, master):
        with open(master, "rb", buffering=0) as output:
            rest = b""
            while not self.ended:
                rest += output.read(65536)
                text, end, _ = rest.partition(END)
                *whole, rest = text.split(b"\n")
                if end and rest:
                    whole.append(rest)
                with self.changed:
                    self.lines += [line.decode("utf-8", "backslashreplace") for line in whole]
                    self.ended = bool(end)
                    self.changed.notify_all()

    def wait_for(self, pattern):
        """The match of the next line that fits, which may come later."""
        with self.changed:
            while True:
                while self.taken < len(self.lines):
                    self.taken += 1
                    found = re.fullmatch(pattern, self.lines[self.taken - 1])
                    if found:
                        return found
                if self.ended or not self.changed.wait(PATIENCE):
                    raise AssertionError(f"no line {pattern!r} came, but {self.lines}; {self.errors()}")

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def stop(self, signal):
        """The exit status after a signal, which a program that has nothing left to do obeys at once."""
        self.process.send_signal(signal)
        began = time.monotonic()
        status = self.end()
        if time.monotonic() - began > 4:  # leat::run waits 5 s for connections that do not end
            raise AssertionError("it lingered for nothing")
        return status

    def end(self):
        """Waits for the end; the exit status."""
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return status

    def errors(self):
        self.errors_file.seek(0)
        return self.errors_file.read().decode("utf-8", "backslashreplace")


class Case(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="leat-example-")
        self.addCleanup(shutil.rmtree, self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    @contextlib.contextmanager
    def example(self, name, *arguments, **more):
        with Example(name, *arguments, cwd=self.directory, **more) as running:
            yield running

    def run_example(self, name, *arguments, **more):
        """The exit status, the lines of standard output, and standard error of one that ends by itself."""
        with self.example(name, *arguments, **more) as running:
            return running.end(), list(running.lines), running.errors()


def main():
    if not os.path.exists(path_of("6_3_2_echo_server")):
        print("the examples are not built")
        sys.exit(SKIP)
    unittest.main(verbosity=2)
