"""Builds the programs. What cannot be built is remembered with its reason, and its subjects are reported as skipped."""
import os
import subprocess
import sys

from project import RELEASE, ROOT, SOURCES, STANDALONE

_bin = None
_problem = ""


def note(text):
    print(text, file=sys.stderr, flush=True)


def _run(command, log):
    """Runs a build step quietly; its output is kept in a log beside the build and shown only in part on failure."""
    with open(log, "ab") as output:
        return subprocess.run(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT).returncode == 0


def install_packages():
    script = ROOT / "scripts" / "install-packages"
    if not os.access(script, os.X_OK):
        return
    if subprocess.run([script, "bench"], cwd=ROOT, stdout=sys.stderr).returncode != 0:
        note("bench: some packages are missing; what needs them is skipped")


def build():
    """Configures build/release with the benchmarks and builds them; without a library, the rivals alone."""
    global _bin, _problem
    log = ROOT / "build" / "bench.log"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b"")
    note("bench: building (log in build/bench.log)")
    configure = ["cmake", "--preset", "release", "-DLEAT_BUILD_BENCHMARKS=ON"]
    whole = (ROOT / "CMakeLists.txt").exists() and _run(configure, log)
    if whole:
        _bin = RELEASE / "benchmarks" / "bin"
        tree = RELEASE
    else:
        _problem = "the project does not configure (build/bench.log)"
        _bin = STANDALONE / "bin"
        tree = STANDALONE
        flags = ["-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG"]
        if not _run(["cmake", "-S", SOURCES, "-B", tree, *flags], log):
            sys.exit("bench: cmake failed, see build/bench.log")
    if not _run(["cmake", "--build", tree, "--target", "bench_programs", "--", "-k", "0"], log):
        note("bench: some rivals did not build, see build/bench.log")
    if whole and not _run(["cmake", "--build", tree, "--target", "bench_subjects", "bench_tool", "--", "-k", "0"], log):
        _problem = "did not build (build/bench.log)"
        note("bench: leat's own subjects did not all build, see build/bench.log")


def program(name):
    return _bin / name


def missing(path):
    """Why a program is not there, or None if it is."""
    if os.access(path, os.X_OK):
        return None
    return f"{path.relative_to(ROOT)} is not built" + (f": {_problem}" if _problem else "")
