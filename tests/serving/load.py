"""A client that never stops asking: a connection a request, no retries, at a fixed pace.

    python -m tests.serving.load URL [REQUESTS_PER_SECOND]

Ends on SIGTERM or SIGINT and prints what it counted as one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from urllib.parse import urlsplit


class Load:
    def __init__(self, url: str, rate: float) -> None:
        parts = urlsplit(url)
        self.host, self.port, self.path = parts.hostname or "", parts.port or 80, parts.path or "/"
        self.rate = rate
        self.asked = 0
        self.failures: list[str] = []
        self.answers: Counter[str] = Counter()
        self.slowest_s = 0.0

    async def go(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        tasks: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            # Open loop: a slow answer does not make it ask less.
            while self.asked < (loop.time() - begun) * self.rate:
                self.asked += 1
                task = asyncio.create_task(self._ask())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(1 / self.rate)
        if tasks:
            await asyncio.wait(tasks)

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            async with asyncio.timeout(120):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    head = f"GET {self.path} HTTP/1.1\r\nHost: {self.host}\r\n"
                    writer.write(f"{head}Connection: close\r\n\r\n".encode())
                    answer = await reader.read()
                finally:
                    writer.close()
            head_bytes, _, body = answer.partition(b"\r\n\r\n")
            status = head_bytes.split(b" ", 2)[1:2]
            if status == [b"200"] and body:
                self.answers[body.decode().split()[1]] += 1
            else:
                self.failures.append(f"answered {answer[:80]!r}")
        except (OSError, TimeoutError, ValueError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        self.slowest_s = max(self.slowest_s, loop.time() - begun)

    def report(self) -> dict[str, object]:
        return {
            "asked": self.asked,
            "failed": len(self.failures),
            "failures": self.failures[:10],
            "versions": dict(self.answers),
            "slowest_s": round(self.slowest_s, 3),
        }


async def main(url: str, rate: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    load = Load(url, rate)
    print("asking", flush=True)
    await load.go(stop)
    print(json.dumps(load.report()), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 50.0))
