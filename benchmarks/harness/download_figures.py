"""What downloads cost beside CPU a file: system calls, the memory and the first moments of a long list, and what a checksum adds."""
import os
import re
import shutil
import threading
import time
from dataclasses import replace

import data
from case import Case, Sample
from download import ARIA2, CURL, LEAT, WGET2, Download, verify, with_server
from process import Failed, measure
from project import DATA
from subject import Subject, installed, tool

CALLS = 200, 1_200  # files; the difference is what a file costs, without the start of the program


def _count(of, subject, names):
    """(system calls, what it cost) of one run."""
    directory = of.directory(subject)
    report = directory + ".strace"
    traced = of.command(subject, directory, names)
    used = measure(replace(traced, command=["strace", "-f", "-c", "-U", "name,calls", "-o", report, *traced.command]))
    verify({name: of.tree.sizes[name] for name in names}, directory)
    of.clear(directory)
    with open(report) as text:
        total = re.search(r"^\s*total\s+(\d+)", text.read(), re.M)
    if not total:
        raise Failed("strace counted nothing")
    return int(total[1]), used


def _calls(tree):
    of = Download(tree)
    names = list(tree.sizes)

    def run(subject, number):
        few, _ = _count(of, subject, names[:CALLS[0]])
        many, used = _count(of, subject, names[:CALLS[1]])
        return Sample(CALLS[1], used.cpu, used.seconds, used.peak, {"calls_each": (many - few) / (CALLS[1] - CALLS[0])})

    subjects = [*tool(LEAT), installed("curl", [*CURL, "--http1.1", "-K", "{config}"]), installed("wget2", WGET2), installed("aria2", ARIA2)]
    if not shutil.which("strace"):
        for subject in subjects:
            subject.skipped = "strace is not installed"
    return with_server(Case("download", "calls", f"system calls for each file of 4 to 64 KB, counted by strace over {CALLS[1] - CALLS[0]} of them", "file", subjects, run,
                            figures_only=True))


class FirstFile:
    """Looks, a thousand times a second, whether anything lies in a directory."""

    def __init__(self, directory):
        self.directory, self.after = directory, None
        self.stopping = threading.Event()
        self.started = time.monotonic()
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        while not self.stopping.wait(0.001):
            try:
                with os.scandir(self.directory) as entries:
                    if any(not e.name.startswith(".leat-journal") and e.stat().st_size > 0 for e in entries):
                        self.after = time.monotonic() - self.started
                        return
            except FileNotFoundError:  # one that was renamed between the two calls
                pass

    def stop(self):
        self.stopping.set()
        self.thread.join()


def _long_list(count):
    place = DATA / "www" / "any"
    of = Download(data.Tree(place, {f"n{i:06}": 4096 for i in range(count)}), prefix="any/", any_name="small.bin")

    def run(subject, number):
        place.mkdir(parents=True, exist_ok=True)
        (place / "small.bin").write_bytes(bytes(4096))
        directory = of.directory(subject)
        command = of.command(subject, directory)
        first = FirstFile(directory)
        try:
            used = measure(command)
        finally:
            first.stop()
        try:
            verify(of.tree.sizes, directory)
        finally:
            shutil.rmtree(directory)
        return Sample(count, used.cpu, used.seconds, used.peak, {"first_ms": (first.after or used.seconds) * 1000})

    return with_server(Case("download", "list", f"a list of {count} URLs of 4 KB: peak memory, and the time until the first file is there", "file",
                            [*tool(LEAT), installed("curl", [*CURL, "--http1.1", "-K", "{config}"]), installed("wget2", WGET2), installed("aria2", ARIA2)], run))


def _hashing(tree):
    """The same file fetched without a checksum, with one, and hashed by openssl."""
    name = next(iter(tree.sizes))
    one = data.Tree(tree.directory, {name: tree.sizes[name]})
    of = Download(one)
    spent = {}

    def run(subject, number):
        if subject.name == "openssl":
            used = measure(replace(subject, command=[*subject.command, str(tree.directory / name)]))
            spent["openssl"] = used.cpu
            return Sample(1, used.cpu, used.seconds, used.peak)
        plain = subject.name.removesuffix("-sha256")
        command = subject.command
        if plain != subject.name:
            command = [*command, "--checksum", "sha256:" + data.sha256(tree.directory / name)]
        directory = of.directory(subject)
        # A checksum goes with a URL, not with a list.
        filled = of.command(replace(subject, command=command), directory)
        listing = directory + ".list"
        with open(listing) as file:
            url = file.read().strip()
        at = filled.command.index("-i")
        filled.command[at:at + 2] = [url]
        try:
            used = measure(filled)
            verify(one.sizes, directory)
        finally:
            shutil.rmtree(directory)
        figures = {}
        if plain == subject.name:
            spent[plain] = used.cpu
        elif plain in spent and "openssl" in spent:
            figures["added_x_openssl"] = (used.cpu - spent[plain]) / spent["openssl"]
        return Sample(1, used.cpu, used.seconds, used.peak, figures)

    both = tool(LEAT)
    hashed = [Subject(s.name + "-sha256", s.command, s.env, s.skipped) for s in both]
    return with_server(Case("download", "hashing", f"one file of {one.total() >> 20} MB with --checksum and without, and openssl dgst -sha256 on it", "file",
                            [installed("openssl", ["openssl", "dgst", "-sha256"]), *both, *hashed], run, scale=1, cpu_name="s", warm_up=True))


def cases(quick, many, two):
    return [_calls(many), _long_list(10_000 if quick else 100_000), _hashing(two)]
