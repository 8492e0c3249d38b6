"""Rival: many downloads with aiohttp and aiofiles in 64 KB chunks; `--uvloop` runs it on uvloop.

A fixed set of workers takes URLs from one iterator, which is cheaper than a task and a semaphore for each URL.
"""
import asyncio
import os
import sys

import aiofiles
import aiohttp

JOBS = 32
CHUNK = 64 * 1024


async def worker(session, urls, directory):
    for url in urls:
        async with session.get(url) as response:
            response.raise_for_status()
            async with aiofiles.open(os.path.join(directory, url.rsplit("/", 1)[1]), "wb") as file:
                async for chunk in response.content.iter_chunked(CHUNK):
                    await file.write(chunk)


async def main(listing, directory):
    with open(listing) as lines:
        urls = iter(lines.read().split())
    timeout = aiohttp.ClientTimeout(total=None)
    connector = aiohttp.TCPConnector(limit=JOBS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, read_bufsize=CHUNK) as session:
        await asyncio.gather(*(worker(session, urls, directory) for _ in range(JOBS)))


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.install()
    asyncio.run(main(sys.argv[1], sys.argv[2]))
