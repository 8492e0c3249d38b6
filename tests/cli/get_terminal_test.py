#!/usr/bin/env python3
"""leat get on a terminal: what the bars look like while they are drawn, and that nothing is left of them."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import tool
from scripted import Scripted, trickle, whole
from vt import Screen


END = b"\0end\0"  # follows what the tool has written last: a terminal whose programs have all gone may lose what was not read yet


class Terminal:
    """The tool with a pseudo-terminal as standard error, and as standard output too unless that is piped.

    A process in between is the leader of the terminal's session: it waits for the tool's end, writes the mark, and stays until that has been read.
    """

    def __init__(self, arguments, columns=80, rows=24, pipe_stdout=False, **changes):
        self.screen = Screen(columns, rows)
        self.master, slave = pty.openpty()
        self.set_size(columns, rows)
        fcntl.fcntl(self.master, fcntl.F_SETFL, os.O_NONBLOCK)
        self.raw = b""
        self.undecoded = b""
        self.ended = False
        held, self.release = os.pipe()
        env = tool.environment(**{"TERM": "xterm-256color", **changes})
        self.process = subprocess.Popen([tool.TOOL, *arguments], stdin=slave, stdout=subprocess.PIPE if pipe_stdout else slave, stderr=slave,
                                        env=env, start_new_session=True, preexec_fn=lambda: self.lead(held))
        os.close(slave)
        os.close(held)

    def lead(self, held):
        """In the child: its own child goes on to be the tool."""
        fcntl.ioctl(2, termios.TIOCSCTTY, 0)
        child = os.fork()
        if child == 0:
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        os.dup2(held, 0)
        os.closerange(1, 2)
        os.closerange(3, 1024)
        _, status = os.waitpid(child, 0)
        os.write(2, END)
        os.read(0, 1)
        os._exit(os.waitstatus_to_exitcode(status) % 256)

    def set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.read(0)
        self.screen.resize(columns, rows)
        self.set_size(columns, rows)

    def send_signal(self, number):
        os.killpg(self.process.pid, number)

    def read(self, wait=0.05):
        """Shows some of what has been drawn; False at the end."""
        if self.ended:
            return False
        if not select.select([self.master], [], [], wait)[0]:
            return True
        try:
            data = os.read(self.master, 100)  # a part of a drawing, as a busy machine gives it now and then
        except BlockingIOError:
            return True
        data, mark, _ = (self.undecoded + data).partition(END)
        self.ended = bool(mark)
        held = 0  # a character, or the mark, may come in two reads
        while not mark and held < len(END) and held < len(data) and data[len(data) - held - 1] not in (0x0A, 0x0D):
            held += 1
            if END.startswith(data[len(data) - held :]):
                break
        else:
            held = 0
        text = None
        for cut in range(held, held + 4):
            try:
                text = data[: len(data) - cut].decode()
                break
            except UnicodeDecodeError:
                continue
        self.raw += data[: len(data) - cut]
        self.undecoded = data[len(data) - cut :]
        self.screen.feed(text)
        return not self.ended

    def until(self, seen):
        """Draws until the lines of a whole drawing satisfy `seen`."""
        end = time.monotonic() + tool.PATIENCE
        while time.monotonic() < end:
            going = self.read()
            if seen(self.screen.drawn):
                return self.screen.drawn
            if not going:
                break
        raise AssertionError(f"never seen; last: {self.screen.lines()} {self.raw[-500:]!r}")

    def finish(self):
        """Everything it has drawn is on the screen then."""
        end = time.monotonic() + tool.PATIENCE
        while self.read():
            if time.monotonic() > end:
                raise AssertionError(f"it does not end; last: {self.screen.lines()}")
        os.write(self.release, b".")
        return self.process.wait(tool.PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.release)
        os.close(self.master)


def file_lines(lines):
    return [line for line in lines if "%" in line and " files" not in line]


class Bars(tool.Case):
    def slow_server(self, names, size=400_000, delay=0.02):
        server = Scripted({})
        for name in names:
            server.answers["/" + name] = trickle(size, 10_000, delay, lambda: server.closing)
        return server

    def arguments(self, server, names, *more):
        return ["get", "-d", self.path("out"), *more, *(server.url("/" + name) for name in names)]

    def test_bars_run_and_go(self):
        names = [f"file{i}" for i in range(4)]
        with self.slow_server(names) as server, Terminal(self.arguments(server, names)) as terminal:
            lines = terminal.until(lambda lines: len(file_lines(lines)) == 4 and all("█" in line and "░" in line for line in file_lines(lines)))
            for name, line in zip(names, lines):
                self.assertRegex(line, rf"^{name} +█+░* +\d+% +[\d.]+ k?B +[\d.]+ [kM]?B/s$")
            self.assertRegex(lines[4], r"^0/4 files  [\d.]+ [kM]?B/s  ETA (\d+:\d\d|--:--)  [\d.]+ [kM]?B  █*░+ \d+%$")
            self.assertEqual(len(lines), 5)
            self.assertEqual(terminal.finish(), 0)
            self.assertFalse(terminal.screen.wrapped)
            lines = terminal.screen.lines()
            self.assertEqual(len(lines), 1)
            self.assertRegex(lines[0], r"^4 files, 1\.60 MB in [\d.]+ s, [\d.]+ [kM]B/s$")
            self.assertEqual(terminal.screen.scrolled, [])
            # About ten times a second: no faster.
            drawings = terminal.raw.count(b"\x1b[J")
            self.assertGreater(drawings, 3)
            self.assertLess(drawings, 40)

    def test_failures_are_listed_below(self):
        with self.slow_server(["slow"]) as server, Terminal(self.arguments(server, ["slow", "missing"])) as terminal:
            terminal.until(lambda lines: any(re.match(r"1/2 files  1 failed", line) for line in lines))
            self.assertEqual(terminal.finish(), 8)
            lines = "".join(terminal.screen.lines())  # the list may be longer than a line
            self.assertIn("; 1 failed", lines)
            self.assertIn("leat: get: 1 of 2 files failed:", lines)
            self.assertIn("/missing: 404 Not Found", lines)

    def test_narrow_and_low(self):
        names = [f"a-rather-long-name-{i}.tar.gz" for i in range(9)]
        for columns, rows in ((40, 24), (25, 10), (12, 5), (5, 3), (1, 1), (200, 4)):
            with self.subTest((columns, rows)), self.slow_server(names, 60_000) as server:
                with Terminal(self.arguments(server, names), columns, rows) as terminal:
                    lines = terminal.until(lambda lines: len(lines) == max(1, min(rows - 1, 10)) and lines[-1])
                    self.assertLessEqual(max(map(len, lines)), max(columns - 1, 1))
                    if rows < 10 and columns > 100:
                        self.assertIn("more", lines[-1])
                    self.assertTrue(lines[-1].startswith("0/9 files"[: max(columns - 2, 0)]))
                    # While it runs nothing wraps and nothing leaves at the top.
                    self.assertFalse(terminal.screen.wrapped)
                    self.assertEqual(terminal.screen.scrolled, [])
                    self.assertEqual(terminal.finish(), 0)

    def test_wide_characters(self):
        names = ["日本語のとても長い名前のファイルです全部で四十文字くらいあるはずなので切られます", "e\u0301te\u0301.txt", "\U0001f600\U0001f600"]
        from urllib.parse import quote
        quoted = [quote(name) for name in names]
        with self.slow_server(quoted) as server, Terminal(self.arguments(server, quoted), 60, 10) as terminal:
            lines = terminal.until(lambda lines: len(file_lines(lines)) == 3)
            self.assertFalse(terminal.screen.wrapped)
            self.assertIn("…", lines[0])
            self.assertTrue(lines[0].startswith("日本語の"))
            # The columns behind the names stand below each other.
            ends = {sum(2 if ord(c) > 0x2E80 else 1 for c in line[: line.index("%")]) for line in lines[:3]}
            self.assertEqual(len(ends), 1)
            self.assertEqual(terminal.finish(), 0)

    def test_another_locale(self):
        with self.slow_server(["plain"]) as server, Terminal(self.arguments(server, ["plain"]), LC_ALL="C") as terminal:
            terminal.until(lambda lines: file_lines(lines) and "#" in lines[0])
            self.assertEqual(terminal.finish(), 0)
            self.assertEqual([byte for byte in terminal.raw if byte >= 0x80], [])

    def test_the_window_changes_its_size(self):
        names = [f"name{i}" for i in range(6)]
        with self.slow_server(names, 2_000_000) as server, Terminal(self.arguments(server, names), 100, 30) as terminal:
            terminal.until(lambda lines: len(file_lines(lines)) == 6)
            for columns, rows in ((50, 30), (30, 5), (120, 40)):
                terminal.resize(columns, rows)
                terminal.screen.wrapped = False
                before = len(terminal.raw)
                count = min(7, rows - 1)
                # A drawing that was under way when the size changed may still be of the old one.
                terminal.until(lambda lines: len(terminal.raw) > before + 2000 and sum(1 for line in lines if line) == count)
                self.assertLess(max(map(len, terminal.screen.lines())), columns)
            terminal.send_signal(signal.SIGINT)
            self.assertEqual(terminal.finish(), 130)

    def test_hundreds_of_files_on_narrow_terminals(self):
        names = [f"file-{i:03}" for i in range(300)]
        for columns in (40, 20):
            with self.subTest(columns), Scripted({}) as server:
                # Half of them stay; so do all others until there has been something to see.
                for i, name in enumerate(names):
                    server.answers["/" + name] = whole("x" * 1000) if i % 2 else trickle(50_000, 500, 0.2, lambda: server.closing)
                arguments = self.arguments(server, names, "-j", "300", "--per-host", "300", "--no-resume")
                with Terminal(arguments, columns, 12) as terminal:
                    lines = terminal.until(lambda lines: len(lines) == 11 and re.match(r"150/300 ", lines[-1]))
                    self.assertEqual([line.split()[0] for line in lines[:10]], names[:20:2])
                    self.assertLess(max(map(len, lines)), columns)
                    self.assertFalse(terminal.screen.wrapped)
                    self.assertEqual(terminal.screen.scrolled, [])
                    terminal.send_signal(signal.SIGINT)
                    self.assertEqual(terminal.finish(), 130)

    def test_a_retry_begins_again(self):
        with Scripted({}) as server:
            body = b"x" * 100_000

            def breaks(connection, number):
                head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n"
                connection.sendall(head + (body[:80_000] if number == 1 else body[:20_000]))
                seen[number].wait(tool.PATIENCE)
                if number > 1:
                    connection.sendall(body[20_000:])

            seen = {1: threading.Event(), 2: threading.Event()}
            server.answers["/file"] = breaks
            with Terminal(self.arguments(server, ["file"], "--retry-delay", "0.01", "--no-resume")) as terminal:
                terminal.until(lambda lines: lines and " 80% " in lines[0])
                seen[1].set()
                terminal.until(lambda lines: len(lines) > 1 and re.match(r"file \(try 2\) .* 20% ", lines[0]) and " 20%" in lines[1])
                seen[2].set()
                self.assertEqual(terminal.finish(), 0)
                self.assertRegex(terminal.screen.lines()[-1], "^1 file, 100 kB")

    def test_a_list_that_is_open(self):
        with Scripted({}) as server:
            server.answers["/a"] = trickle(100_000, 1000, 0.05, lambda: server.closing)
            os.mkfifo(self.path("list"))
            with Terminal(["get", "-d", self.path("out"), "-i", self.path("list")]) as terminal, open(self.path("list"), "w") as pipe:
                pipe.write(server.url("/a") + "\n\n")
                pipe.flush()
                terminal.until(lambda lines: lines and lines[-1].startswith("0/1+ files"))
                pipe.close()
                terminal.until(lambda lines: lines and lines[-1].startswith("0/1 files"))
                terminal.send_signal(signal.SIGINT)
                self.assertEqual(terminal.finish(), 130)

    def test_control_c(self):
        names = [f"name{i}" for i in range(5)]
        with self.slow_server(names, 10_000_000) as server, Terminal(self.arguments(server, names)) as terminal:
            terminal.until(lambda lines: len(file_lines(lines)) == 5)
            os.write(terminal.master, b"\x03")
            self.assertEqual(terminal.finish(), 130)
            lines = [line.replace("^C", "") for line in terminal.screen.lines()]
            self.assertEqual([line for line in lines if line], ["leat: get: interrupted; 0 of 5 files are complete"])
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_names_cannot_reach_the_terminal(self):
        evil = "%1b%5b2J%07%9b31m%e2%80%aename"
        server = self.slow_server([evil], 100_000)
        with server, Terminal(self.arguments(server, [evil])) as terminal:  # the screen itself refuses what is not the tool's own
            terminal.until(lambda lines: len(file_lines(lines)) == 1)
            self.assertEqual(terminal.finish(), 0)
            self.assertNotIn(b"\x1b[2J", terminal.raw)
            self.assertNotIn(b"\x07", terminal.raw)
            self.assertNotIn("\u202e".encode(), terminal.raw)

    def test_log_lines_stand_above_the_bars(self):
        names = ["one", "two"]
        with self.slow_server(names) as server:
            arguments = ["--log-level", "debug", *self.arguments(server, [*names, "busy"], "--retries", "1")]
            server.answers["/busy"] = whole("", "503 Busy", "Retry-After: 0\r\n")
            with Terminal(arguments, NO_COLOR="1") as terminal:
                self.assertEqual(terminal.finish(), 9)
                lines = terminal.screen.scrolled + terminal.screen.lines()
                self.assertTrue(any("debug" in line or "info" in line for line in lines), lines)
                self.assertFalse(any("█" in line or "░" in line for line in lines), lines)

    def test_who_wants_no_bars(self):
        with Scripted({"/a": whole("a")}) as server:
            for more, changes, shown in ((["--quiet"], {}, ""), (["--no-progress"], {}, "saved"), ([], {"TERM": "dumb"}, "saved")):
                with self.subTest((more, changes)), Terminal(self.arguments(server, ["a"], *more), **changes) as terminal:
                    self.assertEqual(terminal.finish(), 0)
                    self.assertNotIn(b"\x1b", terminal.raw)
                    self.assertIn(shown.encode(), terminal.raw)
                    if not shown:
                        self.assertEqual(terminal.raw, b"")

    def test_lines_into_the_pipe_and_bars_on_the_terminal(self):
        with self.slow_server(["a"]) as server, Terminal(self.arguments(server, ["a"]), pipe_stdout=True) as terminal:
            terminal.until(lambda lines: len(file_lines(lines)) == 1)
            self.assertEqual(terminal.finish(), 0)
            self.assertRegex(terminal.process.stdout.read(), rb"^saved .*/out/a \(400 kB, [\d.]+ s\)\n$")
            terminal.process.stdout.close()

    def test_a_terminal_that_is_stopped_holds_nothing_up(self):
        names = [f"f{i}" for i in range(3)]
        with self.slow_server(names, 300_000) as server, Terminal(self.arguments(server, names)) as terminal:
            terminal.until(lambda lines: len(file_lines(lines)) == 3)
            os.write(terminal.master, b"\x13")  # Ctrl-S
            end = time.monotonic() + tool.PATIENCE
            while time.monotonic() < end and sorted(os.listdir(self.path("out"))) != names:
                time.sleep(0.05)
            self.assertEqual(sorted(os.listdir(self.path("out"))), names)
            os.write(terminal.master, b"\x11")  # Ctrl-Q
            self.assertEqual(terminal.finish(), 0)
            self.assertRegex(terminal.screen.lines()[-1], "^3 files, 900 kB")


if __name__ == "__main__":
    tool.main()
