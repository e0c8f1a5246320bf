"""A server with one desk: whoever comes waits for those before, then is served for a fixed time.

python -m tests.bench.one_desk PORT SERVICE_MS
"""

from __future__ import annotations

import asyncio
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"


async def main(port: int, service_s: float) -> None:
    free_at = 0.0  # first come, first served: when all who are here have been

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal free_at
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                free_at = max(free_at, time.perf_counter()) + service_s
                await asyncio.sleep(free_at - time.perf_counter())
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) / 1000))
