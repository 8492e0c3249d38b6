"""Rival: reads the files of a list with aiofiles, one after the other, and prints their count and bytes."""
import asyncio
import sys

import aiofiles


async def main(listing):
    with open(listing) as lines:
        paths = lines.read().split("\n")[:-1]
    total = 0
    for path in paths:
        async with aiofiles.open(path, "rb") as file:
            total += len(await file.read())
    print(len(paths), total)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
