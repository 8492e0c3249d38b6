"""The download suite: many small files, some of 1 MB, two of 1 GB, from an nginx of our own."""
import atexit
import os
import shutil
import tempfile
from dataclasses import replace

import data
import nginx
from case import Case, Sample
from process import Failed, measure
from project import DATA
from subject import built, installed, python, tool

JOBS = "32"
KEEP_BELOW = 1 << 30  # targets up to this size stay until the end: creating after deleting many files is expensive


def _subjects():
    """Commands with {list}, {config} and {directory} still to be filled in."""
    modules = ["aiohttp", "aiofiles"]
    return [
        built("floor", "floor_download", "{list}", "{directory}"),
        *tool(["get", "-i", "{list}", "-d", "{directory}", "-j", JOBS, "--per-host", JOBS, "--quiet"]),
        installed("curl", ["curl", "-q", "-Z", "--parallel-max", JOBS, "--http1.1", "--silent", "--show-error",
                           "--fail", "-K", "{config}"]),
        installed("wget2", ["wget2", "--no-config", "-q", "--progress=none", "--max-threads=" + JOBS, "--no-robots",
                            "--no-hsts", "--no-netrc", "--no-compression", "-nd", "-P", "{directory}", "-i", "{list}"]),
        installed("aria2", ["aria2c", "--no-conf", "-j" + JOBS, "-x1", "-s1", "--file-allocation=none", "--quiet",
                            "--summary-interval=0", "--download-result=hide", "--auto-save-interval=0",
                            "--enable-dht=false", "-d", "{directory}", "-i", "{list}"]),
        python("aiohttp", "aiohttp_download.py", "{list}", "{directory}", modules=modules),
        python("aiohttp-uvloop", "aiohttp_download.py", "{list}", "{directory}", "--uvloop",
               modules=[*modules, "uvloop"]),
    ]


def _verify(tree, directory):
    """Every file under its name with its size, and nothing else."""
    with os.scandir(directory) as entries:
        sizes = {entry.name: entry.stat().st_size for entry in entries}
    if sizes == tree.sizes:
        return
    missing = len(tree.sizes.keys() - sizes.keys())
    more = len(sizes.keys() - tree.sizes.keys())
    wrong = sum(sizes[name] != size for name, size in tree.sizes.items() if name in sizes)
    raise Failed(f"{missing} files missing, {wrong} of a wrong size, {more} too many")


def _write_back(directory):
    """Nothing of this run is left to be written at the next one's cost, and the next finds the same memory free."""
    os.sync()
    with os.scandir(directory) as entries:
        for entry in entries:
            file = os.open(entry.path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


class Download:
    """One case: a tree of files, its server, and a target directory for every run."""

    def __init__(self, tree):
        self._tree = tree
        self._server = None
        self._targets = None
        self._number = 0

    def _start(self):
        if self._server is not None:
            return
        self._targets = tempfile.mkdtemp(prefix="targets-", dir=DATA)
        atexit.register(shutil.rmtree, self._targets, ignore_errors=True)
        data.warm(self._tree.directory / name for name in self._tree.sizes)
        self._server = nginx.Nginx(self._tree.directory)
        atexit.register(self._server.stop)

    def _command(self, subject, directory):
        url = f"http://127.0.0.1:{self._server.port}/"
        listing, config = directory + ".list", directory + ".curl"
        with open(listing, "w") as file:
            file.writelines(f"{url}{name}\n" for name in self._tree.sizes)
        with open(config, "w") as file:
            file.writelines(f'url = "{url}{name}"\noutput = "{directory}/{name}"\n' for name in self._tree.sizes)
        names = {"{list}": listing, "{config}": config, "{directory}": directory}
        return replace(subject, command=[names.get(word, word) for word in subject.command])

    def run(self, subject, number):
        self._start()
        self._number += 1
        directory = os.path.join(self._targets, f"{self._number:03}-{subject.name}")
        os.mkdir(directory)
        command = self._command(subject, directory)
        try:
            used = measure(command)
            _verify(self._tree, directory)
        finally:
            if self._tree.total() > KEEP_BELOW:
                shutil.rmtree(directory)
            else:
                _write_back(directory)
        return Sample(len(self._tree.sizes), used.cpu, used.seconds, used.peak,
                      {"MB/s": self._tree.total() / used.seconds / 1e6})


def _case(name, title, tree):
    case = Case("download", name, title, "file", _subjects(), Download(tree).run, warm_up=True)
    if nginx.missing():
        for subject in case.subjects:
            subject.skipped = nginx.missing()
    return case


def cases(quick):
    small, medium, big = (2_000, 100, 256 << 20) if quick else (10_000, 500, 1 << 30)
    return [
        _case("small", f"{small} files of 4 to 64 KB, 32 connections", data.small_files(small)),
        _case("medium", f"{medium} files of 1 MB", data.equal_files("m", medium, 1 << 20)),
        _case("big", f"2 files of {big >> 20} MB", data.equal_files("b", 2, big)),
    ]
