"""The official Python client where it is told things unasked, is cut off, or is one of many."""

import asyncio
import contextlib
import os
import pathlib
import signal
import socket
import threading
import time

import anyio

from client_checks import SLOW_WAYS, WAYS, connected, rows_of
from harness import Server, check, expect
from wire import begin, call, post, stateless, stateless_headers

HANDSHAKES = [way for way in WAYS if way.transport == "http" and not way.is_stateless]


def run(awaitable):
    return asyncio.run(asyncio.wait_for(awaitable, 60))


def process_of(site):
    """The `toolserver stdio` that the client has started."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if words[1:2] == [b"stdio"] and str(site.manifests).encode() in words:
                return int(folder.name)
    return None


@check.each(SLOW_WAYS)
def client_hears_that_its_tools_have_changed(world, way):
    site = world.site("client-changes")

    async def main(server):
        events = []

        async def heard(message):
            events.append(type(message).__name__)

        async with connected(world, way, "support", site=site, url=server and server.url,
                             heard=heard) as client:
            before = [tool.name for tool in (await client.list_tools()).tools]
            process = server.process.pid if server else process_of(site)
            async with contextlib.AsyncExitStack() as stack:
                if way.is_stateless:
                    wanted = await stack.enter_async_context(client.listen(tools_list_changed=True))
                elif server:
                    # The client opens its GET stream by itself, some time after the handshake.
                    await anyio.sleep(0.5)
                site.add_tool("added")
                os.kill(process, signal.SIGHUP)
                if way.is_stateless:
                    await wanted.__anext__()
                else:
                    with anyio.fail_after(10):
                        while not any("ToolListChanged" in name for name in events):
                            await anyio.sleep(0.02)
            after = [tool.name for tool in (await client.list_tools()).tools]
        expect(sorted(set(after) - set(before)), ["added"], "the new tool")

    if way.transport == "http":
        with Server(site) as server:
            run(main(server))
    else:
        run(main(None))


class Cutter:
    """A proxy that hangs up on both sides of a connection when told to."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        self.is_mute = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                self.pairs.append((client, server))
                for source, sink in [(client, server), (server, client)]:
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                # What the server says is lost; what it is told arrives.
                if not (self.is_mute and source.getpeername()[1] == self.target):
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()
        self.cut()


@check.each([way for way in HANDSHAKES if way.revision == "2025-11-25"])
def client_gets_its_answer_over_a_connection_that_breaks(world, way):
    """It was given an id before anything else, so it comes back with that; twice here."""
    # The host of the proxy is none of ours, so it is made one.
    cutter = Cutter(0)
    site = world.site("cut")
    path = site.manifests / "server.json"
    path.write_text(path.read_text().replace("localhost:7070", f"127.0.0.1:{cutter.port}"))
    with Server(site) as server, contextlib.closing(cutter):
        cutter.target = server.port

        async def main():
            url = f"http://127.0.0.1:{cutter.port}/mcp"
            async with connected(world, way, "support", site=site, url=url) as client:
                results = []

                async def ask():
                    results.append(await client.call_tool("count", {"n": world.numbers_for(5)}))

                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(ask)
                    for _ in range(2):
                        await anyio.sleep(1.6)
                        cutter.cut()
                rows_of(way, results[0])

        run(main())


@check
def client_64_at_once_each_get_their_own_answers(world):
    """All revisions beside each other; ids collide, since each client counts from one."""
    ways = [way for way in WAYS if way.transport == "http"]

    async def one(number):
        way = ways[number % len(ways)]
        async with connected(world, way, "support", subject=f"caller-{number % 8}") as client:
            for step in range(4):
                id = (number * 4 + step) % 60 + 1
                rows = rows_of(way, await client.call_tool("customer_by_id", {"id": id}))
                expect(rows[0]["id"], id, f"answer to client {number}")

    async def main():
        # Which revision a client asks for is patched for the process, so they start in groups.
        for start in range(len(ways)):
            async with anyio.create_task_group() as tasks:
                for number in range(start, 64, len(ways)):
                    tasks.start_soon(one, number)

    run(main())


@check
def client_64_hanging_up_in_mid_call_leave_the_others_their_own_answers(world):
    """The faults of other servers: somebody else's rows for an id used again, or a long wait."""
    server = world.server
    token = world.token(server.site, "support", subject="leaver")
    for number in range(64):
        message = call("count", {"n": world.numbers_for(40)}, id=number)
        changes = stateless_headers(message)
        begin(server, token, stateless(message), changes).close()
    began = time.monotonic()
    for number in range(64):
        message = call("customer_by_id", {"id": number % 60 + 1}, id=number)
        answer = post(server, token, stateless(message), stateless_headers(message)).json
        expect(answer["id"], number, "id")
        expect(answer["result"]["structuredContent"]["rows"][0]["id"], number % 60 + 1, "row")
    seconds = time.monotonic() - began
    expect(seconds < 5, True, f"64 calls took {seconds:.1f} s, within 5 s")
