"""The download suite: many small files, some of 1 MB, two of 1 GB, over HTTP, HTTPS and HTTP/2, from an nginx of our own; then what only leat has to show."""
import atexit
import mmap
import os
import shutil
from contextlib import contextmanager
from dataclasses import replace

import data
import fresh_disk
import nginx
from case import Case, Sample
from process import Failed, measure
from subject import built, installed, python, tool
from tls import CERTIFICATE, KEY, make_certificate

JOBS = "32"
_KEPT_EVERY = 1 << 19  # bytes: of each 2 MB that lie together some page is kept, also where the kernel has taken them from several places
KEEP_BELOW = 1 << 30  # targets up to this size stay until the end: creating after deleting many files is expensive

CURL = ["curl", "-q", "-Z", "--parallel-max", JOBS, "--silent", "--show-error", "--fail"]
WGET2 = ["wget2", "--no-config", "-q", "--progress=none", "--max-threads=" + JOBS, "--no-robots", "--no-hsts", "--no-netrc", "--no-compression", "-nd",
         "-P", "{directory}", "-i", "{list}"]
ARIA2 = ["aria2c", "--no-conf", "-j" + JOBS, "-x1", "-s1", "--file-allocation=none", "--quiet", "--summary-interval=0", "--download-result=hide",
         "--auto-save-interval=0", "--enable-dht=false", "-d", "{directory}", "-i", "{list}"]
LEAT = ["get", "-i", "{list}", "-d", "{directory}", "-j", JOBS, "--per-host", JOBS, "--quiet"]


def subjects(way):
    """Commands with {list}, {config} and {directory} still to be filled in."""
    trust = str(CERTIFICATE)
    if way == "http":
        modules = ["aiohttp", "aiofiles"]
        return [
            built("floor", "floor_download", "{list}", "{directory}"), *tool(LEAT), installed("curl", [*CURL, "--http1.1", "-K", "{config}"]),
            installed("wget2", WGET2), installed("aria2", ARIA2),
            python("aiohttp", "aiohttp_download.py", "{list}", "{directory}", modules=modules),
            python("aiohttp-uvloop", "aiohttp_download.py", "{list}", "{directory}", "--uvloop", modules=[*modules, "uvloop"]),
        ]
    if way == "https":
        return [*tool([*LEAT, "--cacert", trust, "--http1"]), installed("curl", [*CURL, "--http1.1", "--cacert", trust, "-K", "{config}"]),
                installed("wget2", [*WGET2, "--no-http2", f"--ca-certificate={trust}"]), installed("aria2", [*ARIA2, f"--ca-certificate={trust}"])]
    # aria2 has no HTTP/2.
    return [*tool([*LEAT, "--cacert", trust]), installed("curl", [*CURL, "--http2", "--cacert", trust, "-K", "{config}"]),
            installed("wget2", [*WGET2, f"--ca-certificate={trust}"])]


def verify(sizes, directory):
    """Every file under its name with its size, and nothing else."""
    with os.scandir(directory) as entries:
        found = {entry.name: entry.stat().st_size for entry in entries}
    if found == sizes:
        return
    missing = len(sizes.keys() - found.keys())
    more = len(found.keys() - sizes.keys())
    wrong = sum(found[name] != size for name, size in sizes.items() if name in found)
    raise Failed(f"{missing} files missing, {wrong} of a wrong size, {more} too many")


def _write_back(directory):
    """Nothing of this run is left to be written at the next one's cost, and the next finds the same memory free."""
    os.sync()
    with os.scandir(directory) as entries:
        for entry in entries:
            file = os.open(entry.path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


@contextmanager
def _warm_memory(size):
    """So much free memory has just been used. A virtual machine gives idle memory back to its host, and whoever runs then would pay for getting it again,
    more than all else that a run costs. What is given back are blocks of 2 MB: one page that is kept in each of these leaves the others where they are."""
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
    for begin in range(0, size, _KEPT_EVERY):
        end = min(begin + _KEPT_EVERY, size)
        if begin + mmap.PAGESIZE < end:
            pages.madvise(mmap.MADV_DONTNEED, begin + mmap.PAGESIZE, end - begin - mmap.PAGESIZE)
    try:
        yield
    finally:
        pages.close()


class Download:
    """One case: a tree of files, its server, and a target directory for every run. `prefix`: of the names in URLs."""

    def __init__(self, tree, way="http", prefix="", any_name="none"):
        self.tree, self.way = tree, way
        self._prefix, self._any = prefix, any_name
        self._server = None
        self._targets = None
        self._number = 0

    def _start(self):
        if self._server is not None:
            return
        self._targets = fresh_disk.directory()
        if not self._prefix:
            data.warm(self.tree.directory / name for name in self.tree.sizes)
        make_certificate()
        self._server = nginx.Nginx(self.tree.directory, (CERTIFICATE, KEY) if CERTIFICATE.exists() else None, self._any)
        atexit.register(self._server.stop)

    def command(self, subject, directory, names=None):
        """The subject's own, for these names or all; its lists lie beside the directory."""
        url = self._server.url(self.way) + self._prefix
        names = self.tree.sizes if names is None else names
        listing, config = directory + ".list", directory + ".curl"
        with open(listing, "w") as file:
            file.writelines(f"{url}{name}\n" for name in names)
        with open(config, "w") as file:
            file.writelines(f'url = "{url}{name}"\noutput = "{directory}/{name}"\n' for name in names)
        filled = {"{list}": listing, "{config}": config, "{directory}": directory}
        return replace(subject, command=[filled.get(word, word) for word in subject.command])

    def directory(self, subject):
        """A new one for a run."""
        self._start()
        self._number += 1
        made = os.path.join(self._targets, f"{self._number:03}-{subject.name}")
        os.mkdir(made)
        return made

    def clear(self, directory):
        if self.tree.total() > KEEP_BELOW:
            shutil.rmtree(directory)
        else:
            _write_back(directory)

    def run(self, subject, number):
        directory = self.directory(subject)
        command = self.command(subject, directory)
        try:
            with _warm_memory(2 * self.tree.total()):
                used = measure(command)
            verify(self.tree.sizes, directory)
        finally:
            self.clear(directory)
        return Sample(len(self.tree.sizes), used.cpu, used.seconds, used.peak, {"MB/s": self.tree.total() / used.seconds / 1e6})


def with_server(case):
    """The case, or all of it skipped where there is no nginx."""
    if nginx.missing():
        for subject in case.subjects:
            subject.skipped = nginx.missing()
    return case


def _case(name, title, tree, way="http"):
    return with_server(Case("download", name, title, "file", subjects(way), Download(tree, way).run, warm_up=True))


def cases(quick):
    import download_figures

    small, medium, big = (2_000, 100, 256 << 20) if quick else (10_000, 500, 1 << 30)
    many, some, two = data.small_files(small), data.equal_files("m", medium, 1 << 20), data.equal_files("b", 2, big)
    return [
        _case("small", f"{small} files of 4 to 64 KB, 32 connections", many),
        _case("small-https", f"{small} files of 4 to 64 KB over HTTPS (HTTP/1.1)", many, "https"),
        _case("small-h2", f"{small} files of 4 to 64 KB over HTTPS (HTTP/2)", many, "h2"),
        _case("medium", f"{medium} files of 1 MB", some),
        _case("big", f"2 files of {big >> 20} MB", two),
        _case("big-https", f"2 files of {big >> 20} MB over HTTPS (HTTP/1.1)", two, "https"),
        *download_figures.cases(quick, many, two),
    ]
