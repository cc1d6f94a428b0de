"""Streams of the record to a sink that fails, loses, hangs and goes away, with the shipper killed.

What must hold: every line of the record arrives, in order, more than once only under the same id;
and calls are answered as if nobody listened.
"""

import contextlib
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time

from harness import Server, check, eventually, expect, free_port
from record import verify
from tls_checks import Authority, pem
from upstream import Upstream
from wire import call, post, send

SECRET = "0123456789abcdef-siem"
# A call that nothing holds up is answered in a few milliseconds.
SLOWEST_CALL = 1.0


class Sink:
    """A webhook that takes batches, and does with them as `behave` says."""

    def __init__(self):
        self.batches = []
        self.behave = lambda number: "ok"
        self._count = 0
        self._lock = threading.Lock()
        self.upstream = Upstream({"/siem": self._answer})

    def _answer(self, connection, request):
        with self._lock:
            self._count += 1
            manner = self.behave(self._count)
        if manner == "hang":
            time.sleep(1.5)
            return False
        if manner != "fail":
            self._check(request)
            with self._lock:
                self.batches.append(request)
        if manner == "lose":
            return False
        status = b"200 OK" if manner == "ok" else b"503 Service Unavailable"
        connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\n{}")
        return True

    def _check(self, request):
        signed = request.headers["toolserver-timestamp"].encode() + b"." + request.body
        wanted = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        expect(request.headers["toolserver-signature"], wanted, "signature")

    def lines(self):
        with self._lock:
            return [json.loads(line) for batch in self.batches for line in batch.body.splitlines()]


def hook(sink, **more):
    return {"stream": "hook", "webhook": f"http://127.0.0.1:{sink.upstream.port}/siem",
            "secret": {"file": "siem.key"}} | more


def site_with(world, name, *streams):
    site = world.site(name, made_tools=False, settings={"streams": list(streams)})
    (site.manifests / "siem.key").write_text(SECRET + "\n")
    return site


def recorded(site, log="record"):
    """Every numbered line, as it stands in the files."""
    lines = []
    for path in sorted((site.state / log).glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(ValueError):
                if "seq" in (content := json.loads(line)):
                    lines.append(content)
    return lines


def first_arrivals(sequences):
    seen, order = set(), []
    for sequence in sequences:
        if sequence not in seen:
            seen.add(sequence)
            order.append(sequence)
    return order


def expect_all_in_order(site, arrived):
    """`arrived`: (number, content) of what came, as often as it came."""
    content = {line["seq"]: line for line in recorded(site)}
    expect(first_arrivals([number for number, _ in arrived]), sorted(content), "lines in order")
    expect([number for number, line in arrived if line != content[number]], [], "changed lines")


def calls(server, token, count, start=1):
    slowest = 0
    for number in range(start, start + count):
        began = time.monotonic()
        expect(post(server, token, call("customer_by_id", {"id": number})).status, 200)
        slowest = max(slowest, time.monotonic() - began)
    expect(slowest < SLOWEST_CALL, True, "calls go on")
    return slowest


@check
def siem_a_sink_that_fails_loses_and_hangs_gets_every_line(world):
    sink = Sink()
    manners = ["ok", "fail", "lose", "hang", "ok", "lose", "fail"]
    sink.behave = lambda number: manners[number % len(manners)]
    slowest = 0
    with sink.upstream:
        site = site_with(world, "siem", hook(sink), {"stream": "file", "file": "siem.jsonl"})
        token = site.token("siem-test", ["support"])
        for kill in range(3):
            server = Server(site)
            server.start()
            server.wait_until_ready()
            slowest = max(slowest, calls(server, token, 150, 1 + 150 * kill))
            server.kill()
        # A torn line, as a kill within a write leaves it.
        with open(site.manifests / "siem.jsonl", "ab") as file:
            file.write(b'{"id":"torn')
        with Server(site):
            sink.behave = lambda number: "ok"
            count = eventually(lambda: caught_up(site, sink), "every line at the sink", 30)
        expect_all_in_order(site, [
            (line["line"]["seq"], line["line"]) for line in sink.lines() if drained(line, count)
        ] + rest(site, count))
        copied = (site.manifests / "siem.jsonl").read_text().splitlines()
        expect_prefix(site, [json.loads(line)["line"] for line in copied])
        verify(site)
    return f"{count} lines through {len(sink.batches)} batches, slowest call {slowest * 1000:.0f} ms"


def caught_up(site, sink):
    lines = recorded(site)
    there = {line["line"]["seq"] for line in sink.lines()}
    return len(lines) if len(there) >= len(lines) else None


def drained(line, count):
    return line["line"]["seq"] < count


def rest(site, count):
    """What the end of the server recorded after the last look."""
    return [(line["seq"], line) for line in recorded(site) if line["seq"] >= count]


def expect_prefix(site, arrived):
    content = recorded(site)
    order = first_arrivals([line["seq"] for line in arrived])
    expect(order, list(range(len(order))), "lines of the file in order")
    expect([line for line in arrived if line != content[line["seq"]]], [], "changed lines")


@check
def siem_calls_are_refused_beyond_the_bound_and_go_on_by_themselves(world):
    sink = Sink()
    sink.behave = lambda number: "fail"
    with sink.upstream:
        site = site_with(world, "siem-bound", hook(sink, behind={"lines": 1000}))
        token = site.token("siem-test", ["support"])
        with Server(site) as server:
            ask = lambda: post(server, token, call("customer_by_id", {"id": 1}))
            answered = 0
            while (answer := ask()).status == 200:
                answered += 1
                expect(answered < 2_000, True, "calls end at the bound")
            expect(answer.status, 503, "status beyond the bound")
            expect(answer.json["error"]["data"]["code"], "record.unavailable")
            note = {"customer": 1, "note": "beyond the bound"}
            expect(post(server, token, call("record_note", note)).status, 503)
            expect(site.rows("select 1 from customers where notes like '%beyond%'"), [], "effect")
            ready = lambda: send(
                server, "GET", "/readyz", headers=[("Host", f"127.0.0.1:{server.port}")]).status
            expect(ready(), 503, "readiness")
            sink.behave = lambda number: "ok"
            eventually(lambda: ask().status == 200, "calls go on once lines arrive", 90)
            expect(ready(), 200, "readiness")
    return f"{answered} calls before the bound"


@check
def siem_what_is_dropped_beyond_the_bound_is_said_in_the_record(world):
    sink = Sink()
    sink.behave = lambda number: "fail"
    with sink.upstream:
        stream = hook(sink, behind={"lines": 1000, "then": "drop"})
        site = site_with(world, "siem-drop", stream)
        token = site.token("siem-test", ["support"])
        with Server(site) as server:
            calls(server, token, 1200)
            gaps = lambda: [line for line in recorded(site) if line["event"] == "stream"]
            eventually(gaps, "a line about what was left out", 90)
            sink.behave = lambda number: "ok"
            eventually(sink.lines, "lines arrive again", 90)
            left_out = {number for gap in gaps() for number in range(gap["from"], gap["to"] + 1)}
            came = {line["line"]["seq"] for line in sink.lines()}
            expect(came & left_out, set(), "lines both left out and sent")
            expect(set(range(max(came))) - came, left_out & set(range(max(came))), "lines missing")
        verify(site)
    return f"{len(left_out)} lines left out, all named"


class SyslogSink:
    """Takes messages with their length in front; `drop` ends all connections without reading on.
    With `tls`, a context, it speaks no other language."""

    def __init__(self, port, tls=None):
        self.messages = []
        self.tls = tls
        self.listener = socket.create_server(("127.0.0.1", port), reuse_port=True)
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.open.append(connection)
                threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection):
        with contextlib.suppress(OSError, ValueError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self._take(connection)

    def _take(self, connection):
        with connection.makefile("rb") as stream:
            while length := stream.read(1):
                while (digit := stream.read(1)) != b" ":
                    length += digit
                message = stream.read(int(length))
                if len(message) == int(length):
                    self.messages.append(message)

    def drop(self):
        # To close it alone would leave it to the thread that waits for connections.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@check
def siem_syslog_goes_on_where_a_broken_connection_ended(world):
    port = free_port()
    sink = SyslogSink(port)
    site = site_with(
        world, "siem-syslog",
        {"stream": "syslog", "syslog": f"tcp://127.0.0.1:{port}", "format": "ocsf"})
    token = site.token("siem-test", ["support"])
    messages = []
    with Server(site) as server:
        for cut in range(3):
            calls(server, token, 40)
            eventually(lambda: sink.messages, "messages", 20)
            sink.drop()
            messages += sink.messages
            calls(server, token, 20)
            sink = SyslogSink(port)
        wanted = {line["call"] for line in recorded(site) if line["event"] == "outcome"}
        took = lambda: {
            event["query_info"]["uid"] for event in events(messages + sink.messages)
            if "query_info" in event}
        eventually(lambda: wanted <= took(), "every call at the sink", 60)
    sink.drop()
    order = first_arrivals([event["metadata"]["sequence"] for event in events(messages + sink.messages)])
    expect(order, sorted(order), "events in order")
    for event in events(messages + sink.messages):
        if event["class_uid"] in (6003, 6005):
            expect(event["actor"]["user"]["uid"], "siem-test", "who called")
    return f"{len(wanted)} calls in {len(messages) + len(sink.messages)} messages"


@check
def siem_syslog_over_tls_reaches_only_whom_its_authority_vouches_for(world):
    port = free_port()
    site = site_with(
        world, "siem-tls",
        {"stream": "syslog", "syslog": f"tls://localhost:{port}", "ca": "ca.pem",
         "networks": ["127.0.0.0/8", "::1/128"], "format": "ocsf"})
    ours, other = Authority(), Authority("Somebody else")
    (site.manifests / "ca.pem").write_bytes(pem(ours.certificate))
    contexts = []
    for name, authority in ("theirs", other), ("siem", ours):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(site.state.parent, name))
        contexts.append(context)
    sink = SyslogSink(port, contexts[0])
    token = site.token("siem-test", ["support"])
    with Server(site) as server:
        calls(server, token, 5)
        said = lambda: "stream syslog:" in site.log_file.read_text()
        eventually(said, "a word about the certificate", 10)
        expect(sink.messages, [], "messages to a stranger")
        sink.tls = contexts[1]
        eventually(lambda: len(sink.messages) >= 5, "messages", 20)
        wanted = {line["call"] for line in recorded(site) if line["event"] == "outcome"}
        took = lambda: {
            event["query_info"]["uid"] for event in events(sink.messages)
            if "query_info" in event}
        eventually(lambda: wanted <= took(), "every call at the sink", 20)
    sink.drop()
    return f"{len(sink.messages)} messages"


def events(messages):
    found = []
    for message in messages:
        head, _, body = message.partition(b" - ")
        expect(head.split(b" ")[0] in (b"<110>1", b"<108>1"), True, "priority and version")
        found.append(json.loads(body))
    return found
