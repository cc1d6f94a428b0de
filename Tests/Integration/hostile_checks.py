"""Clients that mean harm: every reading of HTTP that is not the only one, slowness, exhaustion."""

import http.client
import json
import multiprocessing
import os
import pathlib
import selectors
import socket
import subprocess
import sys
import time

from harness import Server, Skipped, check, eventually, expect, expect_in
from wire import call, headers_for, request

CORPORA = pathlib.Path(os.environ.get("TOOLSERVER_CORPORA") or
                       pathlib.Path(__file__).resolve().parents[3] / "shared" / "corpora")


def corpus(world, *words):
    """The last line of the corpus's own checker, which must be content."""
    script = CORPORA / "http1_check.py"
    if not script.exists():
        raise Skipped("the corpora are absent; TOOLSERVER_CORPORA names their folder")
    server, token = world.server, world.token(world.server.site, "support")
    result = subprocess.run(
        [sys.executable, str(script), "127.0.0.1", str(server.port),
         "--host-header", f"127.0.0.1:{server.port}", "--header", f"Authorization: Bearer {token}",
         "--pid", str(server.process.pid), *words],
        capture_output=True, text=True, timeout=300)
    lines = result.stdout.strip().splitlines()
    if result.returncode != 0:
        raise AssertionError(f"{lines[-8:]} {result.stderr[-500:]}")
    return lines[-1]


@check
def hostile_requests_have_one_reading(world):
    return corpus(world, "--levels", "MUST,STRICT,GW")


@check
def hostile_slow_requests_of_the_corpus_end(world):
    return corpus(world, "--levels", "STRICT", "--cat", "slow", "--slow", "--slow-limit", "40")


@check
def hostile_mutants_of_requests_do_no_harm(world):
    return corpus(world, "--fuzz", "3000", "--seed", str(int(time.time())))


# --- Slow clients --------------------------------------------------------------------------------

SLOW_OF_EACH_KIND = 170
KINDS = ["header", "body", "reader"]
SENDER_DEADLINE = 10
READER_DEADLINE = 31
# Sweeps, and the attacker's own pace.
LATE = 4


class SlowClient:
    """One that never gets done: with its header, its body, or with reading its answers."""

    def __init__(self, kind, port, token):
        self.kind = kind
        self.socket = socket.socket()
        if kind == "reader":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.connect(("127.0.0.1", port))
        self.opened = time.monotonic()
        self.closed = None
        fields = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        json_fields = f"{fields}Content-Type: application/json\r\n"
        if kind == "header":
            self.send(f"POST /mcp HTTP/1.1\r\n{fields}X: ".encode())
        elif kind == "body":
            self.send(f"POST /mcp HTTP/1.1\r\n{json_fields}Content-Length: 8192\r\n\r\n".encode())
        else:
            body = json.dumps(request("tools/list"))
            one = f"POST /mcp HTTP/1.1\r\n{json_fields}Content-Length: {len(body)}\r\n\r\n{body}"
            self.socket.setblocking(False)
            self.send(one.encode() * 900)

    def send(self, data):
        try:
            self.socket.send(data)
        except BlockingIOError:
            pass
        except OSError:
            self.end()

    def tick(self):
        """A byte a second."""
        if self.closed:
            return
        if self.kind != "reader":
            self.send(b"x")
            return
        try:
            self.socket.recv(5)
        except BlockingIOError:
            pass
        except OSError:
            self.end()

    def end(self):
        self.closed = self.closed or time.monotonic() - self.opened
        self.socket.close()


def attack(port, token, ready, ends, seconds):
    """`ends` receives when the last of those who send slowly was cut off. Slow readers find out
    much later, behind all that they have not read."""
    clients = [SlowClient(kind, port, token) for kind in KINDS for _ in range(SLOW_OF_EACH_KIND)]
    senders = [client for client in clients if client.kind != "reader"]
    ready.set()
    selector = selectors.DefaultSelector()
    for client in senders:
        if not client.closed:
            client.socket.setblocking(False)
            selector.register(client.socket, selectors.EVENT_READ, client)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        tick = time.monotonic() + 1
        while (left := tick - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                try:
                    received = key.fileobj.recv(65536)
                except OSError:
                    received = b""
                if not received:
                    selector.unregister(key.fileobj)
                    key.data.end()
        for client in clients:
            client.tick()
        if senders and all(client.closed for client in senders):
            ends.put(max(client.closed for client in senders))
            senders = []


def connections(server):
    """Open sockets of the server, its listeners among them."""
    links = pathlib.Path(f"/proc/{server.process.pid}/fd").iterdir()
    return sum(target(link).startswith("socket:") for link in links)


def target(link):
    """Empty for a descriptor that was closed since it was listed."""
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return ""


def times_of_calls(server, token, seconds):
    """Milliseconds of honest calls, one after the other, with pauses."""
    body = json.dumps(call("customer_by_id", {"id": 7})).encode()
    headers = dict(headers_for(server, token, None, body))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        connection.request("POST", "/mcp", body, headers)
        answer = connection.getresponse()
        answer.read()
        expect(answer.status, 200)
        times.append((time.perf_counter() - began) * 1_000)
        time.sleep(0.004)
    connection.close()
    return sorted(times)


def p99(times):
    return times[len(times) * 99 // 100]


@check
def hostile_slow_clients_hold_up_nobody(world):
    site = world.site("slow")
    with Server(site) as server:
        token = world.token(site, "support")
        quiet = p99(times_of_calls(server, token, 4))
        size, open_before = server.status("VmRSS"), connections(server)
        ready, ends = multiprocessing.Event(), multiprocessing.Queue()
        attacker = multiprocessing.Process(
            target=attack, args=(server.port, token, ready, ends, READER_DEADLINE + LATE),
            daemon=True)
        attacker.start()
        expect(ready.wait(30), True, "the attack stands")
        began = time.monotonic()
        # The kernel has them before the server does.
        eventually(
            lambda: connections(server) - open_before >= SLOW_OF_EACH_KIND, "they are let in")
        attacked = p99(times_of_calls(server, token, 8))
        growth = server.status("VmRSS") - size
        expect(ends.get(timeout=60) < SENDER_DEADLINE + LATE, True, "slow senders end in time")
        left = READER_DEADLINE + LATE - (time.monotonic() - began)
        eventually(
            lambda: connections(server) <= open_before, "slow readers end", seconds=left)
        attacker.terminate()
        attacker.join()
        expect(growth < 64 << 10, True, f"{growth} KiB more memory")
        # The machine's own noise is more than what quiet calls take.
        expect(attacked < 2 * quiet + 10, True, f"p99 {attacked:.1f} ms, quiet {quiet:.1f} ms")
        count = len(KINDS) * SLOW_OF_EACH_KIND
        return f"{count} clients, p99 {quiet:.1f} to {attacked:.1f} ms, {growth:+} KiB"


# --- Descriptors ---------------------------------------------------------------------------------


def processor_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@check
def hostile_no_descriptors_left_is_no_spin_and_heals(world):
    with Server(world.site("descriptors"), descriptors=40) as server:
        held = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(60)]
        time.sleep(0.5)
        answers = b""
        for connection in held:
            connection.setblocking(False)
            try:
                answers += connection.recv(4096)
            except BlockingIOError:
                pass
        expect_in(b"HTTP/1.1 503 ", answers, "what those are told for whom there is none")
        before = processor_seconds(server)
        time.sleep(2)
        used = processor_seconds(server) - before
        expect(used < 0.2, True, f"{used:.2f} s of processor time in 2 s")
        for connection in held:
            connection.close()
        eventually(server.is_ready, "the server answers again", seconds=3)
        expect(server.process.poll(), None, "still runs")
