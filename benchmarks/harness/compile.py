"""The compile-time case: one translation unit with the echo server, the same compiler and flags, no cache."""
from case import Case, Sample
from process import measure
from project import ROOT, SOURCES
from subject import installed

FLAGS = ["-std=c++20", "-O2", "-DNDEBUG", "-c"]


def _compiled(name, source, *flags, needs=None):
    subject = installed(name, ["/usr/bin/g++", *FLAGS, *flags, str(source), "-o", "/dev/null"])
    if needs and not needs.exists():
        subject.skipped = f"{needs.relative_to(ROOT)} is not there"
    return subject


def _run(subject, number):
    used = measure(subject)
    return Sample(1, used.cpu, used.seconds, used.peak)


def compile_case():
    asio = SOURCES / "rivals" / "asio_echo.cpp"
    include = ROOT / "include"
    return Case(
        "echo", "compile", "compiling the echo server (g++ -std=c++20 -O2 -c)", "program",
        [_compiled("leat", SOURCES / "leat" / "echo.cpp", f"-I{include}", needs=include / "leat" / "leat.hpp"),
         _compiled("asio", asio),
         _compiled("asio-separate", asio, "-DASIO_SEPARATE_COMPILATION")],
        _run, scale=1, cpu_name="s")
