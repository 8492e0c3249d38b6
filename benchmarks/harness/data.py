"""Generated input. It is kept between runs, since making it again costs more than most measurements."""
import hashlib
import os
import random
from dataclasses import dataclass
from pathlib import Path

from build import note
from project import DATA

BLOCK = 1024 * 1024


@dataclass
class Tree:
    """A folder of files: their names and sizes, all known beforehand so that what arrives can be compared."""
    directory: Path
    sizes: dict

    def total(self):
        return sum(self.sizes.values())


def _complete(tree):
    try:
        with os.scandir(tree.directory) as entries:
            return {entry.name: entry.stat().st_size for entry in entries} == tree.sizes
    except FileNotFoundError:
        return False


def _tree(name, sizes):
    tree = Tree(DATA / "www" / name, sizes)
    if not _complete(tree):
        note(f"bench: generating {len(sizes)} files, {tree.total() >> 20} MB")
        tree.directory.mkdir(parents=True, exist_ok=True)
        block = random.Random(name).randbytes(BLOCK)
        for file_name, size in sizes.items():
            with open(tree.directory / file_name, "wb") as file:
                while size > 0:
                    file.write(block[:size])
                    size -= BLOCK
    return tree


def small_files(count):
    """Files of 4 to 64 KB."""
    sizes = random.Random(count)
    return _tree(f"small-{count}", {f"f{i:05}.bin": sizes.randint(4 * 1024, 64 * 1024) for i in range(count)})


def equal_files(name, count, size):
    return _tree(f"{name}-{count}x{size >> 20}", {f"{name}{i:05}.bin": size for i in range(count)})


def sha256(path):
    """Of a file that does not change; kept beside it, since it takes seconds."""
    kept = DATA / (os.path.basename(path) + ".sha256")
    if not kept.exists() or kept.stat().st_mtime < os.stat(path).st_mtime:
        with open(path, "rb") as file:
            kept.write_text(hashlib.file_digest(file, "sha256").hexdigest())
    return kept.read_text()


def lines_file(size):
    """A file of lines of 64 bytes on average, 1 to 127 with the newline; returns its path and its count of lines."""
    path = DATA / f"lines-{size >> 20}.txt"
    lengths = random.Random("lines")
    block = bytearray()
    while len(block) < BLOCK:
        block += b"x" * (lengths.randint(1, 127) - 1) + b"\n"
    del block[BLOCK - 1:]
    block += b"\n"
    repeats = size // BLOCK
    if not path.exists() or path.stat().st_size != repeats * BLOCK:
        note(f"bench: generating a file of {size >> 20} MB")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            for _ in range(repeats):
                file.write(block)
    return path, repeats * block.count(b"\n")


def warm(paths):
    """Reads files once, so that every subject finds them in the page cache."""
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            while file.read(BLOCK):
                pass
