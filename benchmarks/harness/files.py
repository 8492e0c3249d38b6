"""The files suite: many small files, the lines of a big one, and many small writes."""
import os

import data
from case import Case, Sample
from process import Failed, measure
from project import DATA
from subject import built, engines, python


def _checked(expected, units):
    """Runs a reader that prints a count and a number of bytes, both of which must be right."""
    def run(subject, number):
        used = measure(subject)
        if used.output.split() != [str(value) for value in expected]:
            raise Failed(f"printed {used.output.strip()!r}, expected {expected}")
        return Sample(units, used.cpu, used.seconds, used.peak)
    return run


def _small_files(count):
    tree = data.small_files(count)
    paths = [str(tree.directory / name) for name in tree.sizes]
    listing = DATA / f"paths-{count}.txt"
    listing.write_text("".join(path + "\n" for path in paths))
    data.warm(paths)
    subjects = [
        built("floor", "floor_read_files", str(listing)), *engines("leat_read_files", str(listing)),
        python("python", "python_read.py", str(listing)),
        python("aiofiles", "aiofiles_read.py", str(listing), modules=["aiofiles"]),
    ]
    return Case("files", "small-files", f"reading {count} files of 4 to 64 KB, one after the other", "file", subjects,
                _checked((count, tree.total()), count), warm_up=True)


def _lines(size):
    path, count = data.lines_file(size)
    data.warm([path])
    subjects = [
        built("floor", "floor_read_lines", str(path)), *engines("leat_read_lines", str(path)),
        built("getline", "rival_getline_lines", str(path)),
        built("getline-256k", "rival_getline_lines", str(path), str(256 * 1024)),
        python("python", "python_lines.py", str(path)),
    ]
    return Case("files", "lines", f"the lines of a file of {size >> 20} MB", "line", subjects,
                _checked((count, path.stat().st_size), count), scale=1e9, cpu_name="ns", warm_up=True)


def _writes(count):
    target = DATA / "written.txt"

    def run(subject, number):
        try:
            used = measure(subject)
            if target.stat().st_size != count * 64:
                raise Failed(f"wrote {target.stat().st_size} bytes, expected {count * 64}")
            return Sample(count, used.cpu, used.seconds, used.peak)
        finally:
            # A new file for each, removed before the kernel has written much of it back.
            if target.exists():
                os.remove(target)

    arguments = (str(target), str(count))
    subjects = [
        built("floor", "floor_write_lines", *arguments), *engines("leat_write_lines", *arguments),
        built("fwrite", "rival_fwrite_lines", *arguments),
        built("fwrite-256k", "rival_fwrite_lines", *arguments, str(256 * 1024)),
    ]
    return Case("files", "writes", f"{count} writes of a line of 64 bytes", "line", subjects, run,
                scale=1e9, cpu_name="ns", warm_up=True)


def cases(quick):
    return [
        _small_files(2_000 if quick else 10_000),
        _lines((256 if quick else 1024) << 20),
        _writes(2_000_000 if quick else 10_000_000),
    ]
