"""Rival: reads the files of a list with plain blocking Python and prints their count and bytes."""
import sys

with open(sys.argv[1]) as lines:
    paths = lines.read().split("\n")[:-1]
total = 0
for path in paths:
    with open(path, "rb", buffering=0) as file:
        total += len(file.read())
print(len(paths), total)
