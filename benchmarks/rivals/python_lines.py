"""Rival: iterates over the lines of a file with plain blocking Python and prints their count and bytes."""
import sys

count = total = 0
with open(sys.argv[1], "rb", buffering=256 * 1024) as file:
    for line in file:
        count += 1
        total += len(line)
print(count, total)
