"""Rival: the chapter's asyncio echo server behind TLS; `--uvloop` runs it on uvloop.

usage: asyncio_tls_echo.py PORT CERTIFICATE KEY [sink|source] [--uvloop]
sink: receive and drop; source: send as many MB as the peer's first line says
"""
import asyncio
import ssl
import sys


async def echo(reader, writer):
    while data := await reader.readline():
        writer.write(data)
        await writer.drain()


async def sink(reader, _writer):
    while await reader.read(65536):
        pass


async def source(reader, writer):
    piece = bytes(65536)
    for _ in range(int(await reader.readline()) * 16):
        writer.write(piece)
        await writer.drain()


async def main(port, certificate, key, work):
    async def handle_client(reader, writer):
        await work(reader, writer)
        writer.close()
        await writer.wait_closed()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = await asyncio.start_server(handle_client, "127.0.0.1", port, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.install()
    chosen = sink if "sink" in sys.argv else source if "source" in sys.argv else echo
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], chosen))
