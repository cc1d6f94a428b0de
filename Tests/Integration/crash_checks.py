"""Kills the server with calls under way, and takes its disk away.

What must hold: whoever was answered finds their call in the record, whatever was changed was
announced there before, and the record proves itself with its public key alone.
"""

import asyncio
import contextlib
import json
import os
import random
import subprocess
import time

from harness import Server, Skipped, check, eventually, expect
from record import Record, verify
from wire import call, headers_for, post, send

CONNECTIONS = 64
# One call in so many changes a row.
WRITE_EVERY = 8
# Numbers that no customer has: the number is what tells one call from another.
FIRST_NUMBER = 1_000_000
DISK = "2m"


class Load:
    """64 connections that call as fast as they are answered, each call with its own number."""

    def __init__(self, server, token):
        self.port = server.port
        self.head = "".join(
            f"{name}: {value}\r\n" for name, value in headers_for(server, token)
            if name != "Content-Length")
        self.acknowledged = set()
        self._next = FIRST_NUMBER
        self._stop_at = 0
        self._reached = None

    def message(self, number):
        if number % WRITE_EVERY:
            return call("customer_by_id", {"id": number}, id=number)
        note = {"customer": number // WRITE_EVERY % 200 + 1, "note": f"call {number}."}
        return call("record_note", note, id=number)

    async def until(self, count, then):
        """Calls until `count` more are acknowledged, then does `then` with calls under way."""
        self._stop_at = len(self.acknowledged) + count
        self._reached = asyncio.Event()
        workers = [asyncio.create_task(self._work()) for _ in range(CONNECTIONS)]
        everyone = asyncio.gather(*workers)
        reached = asyncio.create_task(self._reached.wait())
        await asyncio.wait([everyone, reached], timeout=120, return_when=asyncio.FIRST_COMPLETED)
        was_reached = self._reached.is_set()
        then()
        await everyone
        reached.cancel()
        expect(was_reached, True, "the server answered until it was killed")

    async def _work(self):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            with contextlib.closing(writer):
                while True:
                    number, self._next = self._next, self._next + 1
                    await self._call(number, reader, writer)

    async def _call(self, number, reader, writer):
        body = json.dumps(self.message(number)).encode()
        writer.write(
            f"POST /mcp HTTP/1.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        answer = await reader.readexactly(length)
        # Only a tool's answer counts; nothing else is expected of these calls.
        if not head.startswith(b"HTTP/1.1 200") or b'"isError":false' not in answer:
            raise AssertionError(f"call {number}: {head[:60]!r} {answer[:300]!r}")
        self.acknowledged.add(number)
        if len(self.acknowledged) >= self._stop_at:
            self._reached.set()


class Account:
    """What the record says of the calls of a `Load`, by their numbers."""

    def __init__(self, site, log="record"):
        self.record = Record(site, log=log)
        self.intended = {}
        self.concluded = set()
        self._seen = 0

    def update(self):
        self.record.update()
        for call, intent in list(self.record.intents.items())[self._seen:]:
            arguments = intent["arguments"]
            text = arguments.get("id") or arguments.get("note", "").strip("call .")
            self.intended[int(text)] = call
        self._seen = len(self.record.intents)
        self.concluded = {
            number for number, call in self.intended.items() if call in self.record.outcomes}
        return self

    def expect_all(self, acknowledged):
        lost = acknowledged - self.concluded
        if lost:
            raise AssertionError(f"{len(lost)} answered calls are not on record: {sorted(lost)[:5]}")


def noted_numbers(site):
    """The calls whose change is in the data."""
    rows = site.rows("select notes from customers where notes like '%call %'")
    words = " ".join(notes for (notes,) in rows).replace("\n", " ").split(" ")
    return {
        int(word.rstrip(".")) for word in words
        if word.endswith(".") and word[:-1].isdigit() and int(word[:-1]) >= FIRST_NUMBER}


@check
def crash_every_answered_call_is_on_record_after_kill_9(world):
    options = world.options
    seed = options.seed if options.seed is not None else random.randrange(2**32)
    chance = random.Random(seed)
    site = world.site("crash", made_tools=False)
    server = Server(site)
    load = account = None
    restarts = []
    try:
        for wanted in shares(options.calls, options.kills, chance):
            start_and_time(server, restarts)
            if load is None:
                load = Load(server, site.token("crash-test", ["support"]))
                account = Account(site)
            asyncio.run(load.until(wanted, server.kill))
            start_and_time(server, restarts)
            verify(site)
            account.update().expect_all(load.acknowledged)
            server.kill()
        start_and_time(server, restarts)
        expect(server.stop(), 0, "exit code after SIGTERM")
        verify(site)
        changed = noted_numbers(site)
        expect(changed - set(account.update().intended), set(), "changes without an intent")
        noted = {number for number in load.acknowledged if number % WRITE_EVERY == 0}
        expect(noted - changed, set(), "acknowledged changes that are lost")
    except BaseException as error:
        raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
    open_intents = len(account.intended) - len(account.concluded)
    return (
        f"{len(load.acknowledged)} answered calls over {options.kills} kills all on record, "
        f"{account.record.lines} lines, {open_intents} intents without outcome, "
        f"restart {max(restarts) * 1000:.0f} ms at worst, seed {seed}")


def shares(whole, parts, chance):
    """`parts` numbers by chance that make `whole`."""
    cuts = sorted(chance.sample(range(1, whole), parts - 1))
    return [end - begin for begin, end in zip([0, *cuts], [*cuts, whole])]


def start_and_time(server, times):
    began = time.monotonic()
    server.start()
    server.wait_until_ready(30)
    times.append(time.monotonic() - began)


@contextlib.contextmanager
def small_disk(directory):
    if os.geteuid() != 0:
        raise Skipped("a small disk can only be mounted as root")
    directory.mkdir(parents=True)
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(directory)],
        capture_output=True, text=True)
    if mounting.returncode != 0:
        raise Skipped(f"no small disk can be mounted: {mounting.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


@check
def crash_a_full_disk_refuses_calls_until_there_is_room(world):
    site = world.site("full", made_tools=False)
    with small_disk(site.state), Server(site) as server:
        token = site.token("disk-test", ["support"])
        ask = lambda: post(server, token, call("customer_by_id", {"id": 1}))
        expect(ask().status, 200)
        filler = site.state / "filler"
        fill(filler)
        answered = 0
        while (answer := ask()).status == 200:
            answered += 1
            expect(answered < 20_000, True, "calls on a full disk end")
        expect((answer.status, answer.json["error"]["code"]), (503, -32603))
        expect(answer.json["error"]["data"]["code"], "record.unavailable")
        expect(int(answer.headers["Retry-After"]) > 0, True, "Retry-After")
        write = post(server, token, call("record_note", {"customer": 1, "note": "on a full disk"}))
        expect(write.status, 503, "status of a write")
        expect(site.rows("select 1 from customers where notes like '%full disk%'"), [], "effect")
        expect(send(server, "GET", "/readyz", headers=own_host(server)).status, 503, "readiness")
        filler.unlink()
        began = time.monotonic()
        eventually(lambda: ask().status == 200, "calls served once there is room", 30)
        recovered = time.monotonic() - began
        expect(send(server, "GET", "/readyz", headers=own_host(server)).status, 200, "readiness")
        expect(server.process.poll(), None, "the process went on")
        expect(server.stop(), 0, "exit code after SIGTERM")
        verify(site)
    return f"served {answered} calls from space it had, and again {recovered:.2f} s after"


def own_host(server):
    return [("Host", f"127.0.0.1:{server.port}")]


def fill(path):
    """Takes every last byte of the disk."""
    with open(path, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size):
                    pass
