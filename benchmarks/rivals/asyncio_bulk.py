"""Rival: bytes received and dropped by an asyncio stream reader, 64 KB at a time; `--uvloop` runs it on uvloop."""
import asyncio
import sys


async def handle_client(reader, writer):
    while await reader.read(65536):
        pass
    writer.close()


async def main(port):
    server = await asyncio.start_server(handle_client, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.install()
    asyncio.run(main(int(sys.argv[1])))
