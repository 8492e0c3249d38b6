"""Processes under measurement: a server that is watched while it runs, a command that is measured as a whole."""
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

import build
from project import SERVER_CORE


class Failed(Exception):
    """A subject that did not do its work; the reason is reported in its place."""


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


def last_line(data):
    lines = data.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "no message"


class Server:
    """Runs a server that listens where it likes and prints its port as its first line."""

    def __init__(self, subject, core=SERVER_CORE):
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(subject.command, stdout=subprocess.PIPE, stderr=self._errors,
                                         env=subject.environment(), preexec_fn=pinned(core))
        ready, _, _ = select.select([self._process.stdout], [], [], 20)
        text = self._process.stdout.readline() if ready else b""
        if not text.strip().isdigit():
            self.stop()
            raise Failed(f"printed no port: {self.complaint()}")
        self.port = int(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def complaint(self):
        self._errors.seek(0)
        return last_line(self._errors.read())

    def cpu(self):
        """Seconds of CPU of all its threads, dead ones too: the process's own clock, which has nanoseconds."""
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def _field(self, file, name):
        with open(f"/proc/{self._process.pid}/{file}") as text:
            return int(re.search(rf"^{name}:\s+(\d+)", text.read(), re.M)[1]) * 1024

    def peak(self):
        return self._field("status", "VmHWM")

    def resident(self):
        return self._field("smaps_rollup", "Rss")

    def stop(self):
        """Killed: how long a server drains must not reach into the next measurement."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()


@dataclass
class Usage:
    cpu: float
    seconds: float
    peak: int
    output: str


def measure(subject, core=SERVER_CORE, cwd=None, limit=900, good_statuses=(0,)):
    """Runs a subject's command to its end."""
    with tempfile.NamedTemporaryFile() as report, tempfile.TemporaryFile() as errors:
        command = [str(build.program("load_measure")), str(core), report.name, *subject.command]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=cwd, env=subject.environment(),
                                   start_new_session=True)
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Failed(f"not done after {limit} s") from None
        text = report.read()
        errors.seek(0)
        if not text:
            raise Failed(last_line(errors.read()))
        used = json.loads(text)
        if used["status"] not in good_statuses:
            raise Failed(f"exit status {used['status']}: {last_line(errors.read() or output)}")
        return Usage(used["user"] + used["system"], used["seconds"], used["peak"], output.decode(errors="replace"))


def load(program, core, *arguments, limit=300):
    """Runs a load generator to its end and returns its report."""
    command = [str(build.program(program)), *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limit, preexec_fn=pinned(core))
    except subprocess.TimeoutExpired:
        raise Failed(f"load not done after {limit} s") from None
    if done.returncode != 0:
        raise Failed(last_line(done.stderr))
    return json.loads(done.stdout)
