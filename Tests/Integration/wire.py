"""MCP by hand, over HTTP and over a pipe: what no well-behaved client would send."""

import contextlib
import http.client
import json
import os
import select
import socket
import subprocess
import time

from harness import environment
from messages import ASSUMED, Conversation, record_http, sse_messages

STATELESS = "2026-07-28"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"


def request(method, params=None, id=1):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}


def call(tool, arguments=None, id=1, **params):
    return request("tools/call", {"name": tool, "arguments": arguments or {}} | params, id)


def stateless(message, version=STATELESS):
    """The message with the envelope of the stateless era."""
    meta = message["params"].get("_meta", {}) | {VERSION_KEY: version, CAPABILITIES_KEY: {}}
    return message | {"params": message["params"] | {"_meta": meta}}


def stateless_headers(message, version=STATELESS):
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": message["method"]}
    if name := message.get("params", {}).get("name"):
        headers["Mcp-Name"] = name
    return headers


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    @property
    def json(self):
        """The message; the last one of a stream, for what took longer than a moment."""
        if self.headers["Content-Type"] == "text/event-stream":
            return sse_messages(self.body)[-1]
        return json.loads(self.body)


def send(server, method="POST", path="/mcp", body=b"", headers=()):
    """One request on its own connection; `headers` may repeat names, and nothing is added."""
    with line_to(server) as line:
        return exchange(line, method, path, body, headers)


def line_to(server):
    """A connection for several requests: all that it carries runs on one loop of the server."""
    return contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=30))


def exchange(line, method, path, body, headers):
    line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        line.putheader(name, value)
    line.endheaders(body)
    response = line.getresponse()
    answer = Answer(response, response.read())
    record_http(body, headers, answer.headers, answer.body)
    return answer


def headers_for(server, token, changes=None, body=b""):
    """What an honest client sends; a change of None leaves that header out."""
    headers = {
        "Host": f"127.0.0.1:{server.port}", "Authorization": f"Bearer {token}",
        "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
    } | (changes or {})
    return [(name, value) for name, value in headers.items() if value is not None]


def post(server, token, message, changes=None, line=None):
    """Posts a message of the handshake era, or bytes as they are; on `line` where one is given."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    headers = headers_for(server, token, changes, body)
    if line is None:
        return send(server, body=body, headers=headers)
    return exchange(line, "POST", "/mcp", body, headers)


def post_stateless(server, token, message, changes=None):
    message = stateless(message)
    return post(server, token, message, stateless_headers(message) | (changes or {}))


def session(server, token):
    """The id of a new session of the handshake era."""
    hello = request("initialize", {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}})
    return post(server, token, hello).headers["Mcp-Session-Id"]


def begin(server, token, message, changes=None):
    """Sends a request and returns its connection, with nothing of the answer read."""
    body = json.dumps(message).encode()
    lines = ["POST /mcp HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers_for(server, token, changes, body)]
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return connection


def begin_call(server, token, message, changes=None):
    """Sends a slow call and returns its connection once the server says that it is under way."""
    meta = message["params"].get("_meta", {}) | {"progressToken": "under-way"}
    message = message | {"params": message["params"] | {"_meta": meta}}
    connection = begin(server, token, message, changes)
    received = b""
    while b"notifications/progress" not in received:
        piece = connection.recv(65536)
        if not piece:
            raise AssertionError(f"the server hung up: {received!r}")
        received += piece
    return connection


class Event:
    """An event of a stream, or the comments before one."""

    def __init__(self, fields):
        self.fields = fields

    def __getitem__(self, name):
        return self.fields.get(name)

    @property
    def json(self):
        return json.loads(self["data"])


class Stream:
    """An answer that is an event stream, read event by event; a context manager that hangs up."""

    def __init__(self, server, token, message=None, changes=None, method="POST", resumed=None):
        """`resumed` is the request whose answer is to come."""
        body = json.dumps(message).encode() if message else b""
        headers = headers_for(server, token, changes, body)
        self._conversation = Conversation("http", dict(headers).get("MCP-Protocol-Version", ASSUMED))
        if message or resumed:
            self._conversation.asked(message or resumed)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self._connection.putrequest(method, "/mcp", skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            self._connection.putheader(name, value)
        self._connection.endheaders(body)
        self._response = self._connection.getresponse()
        self.status = self._response.status
        self.headers = self._response.headers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hang_up()

    def hang_up(self):
        self._response.close()
        self._connection.close()

    def next(self, seconds=15):
        """The next event, or None at the end."""
        self._response.fp.raw._sock.settimeout(seconds)
        fields = {}
        while line := self._response.readline():
            name, colon, value = line.rstrip(b"\n").decode().partition(":")
            if name or colon:
                fields[name or "comment"] = value.removeprefix(" ")
            elif fields:
                if fields.get("data"):
                    self._conversation.told(json.loads(fields["data"]))
                return Event(fields)
        return None

    def messages(self):
        """The rest of the messages, to the end of the stream."""
        found = []
        while event := self.next():
            if event["data"]:
                found.append(event.json)
        return found


class Pipe:
    """`toolserver stdio` with nothing between it and us."""

    def __init__(self, site, token, environ=None):
        self.process = subprocess.Popen(
            site.arguments("stdio"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(site.log_file, "ab"), env=environment(token) | (environ or {}))
        self._received = b""
        self._sent = b""
        self._conversation = Conversation("stdio")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def send(self, message):
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def send_bytes(self, data):
        *lines, self._sent = (self._sent + data).split(b"\n")
        for line in lines:
            self._note(line)
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _note(self, line):
        with contextlib.suppress(ValueError, RecursionError):  # Sent broken on purpose.
            self._conversation.asked(json.loads(line))

    def receive(self, seconds=10):
        """The next message, or None at the end."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._received:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"nothing came within {seconds} s")
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            if not piece:
                if self._received:
                    raise AssertionError(f"half a line at the end: {self._received[:200]!r}")
                return None
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        message = json.loads(line)
        self._conversation.told(message)
        return message

    def receive_by_id(self, count):
        messages = [self.receive() for _ in range(count)]
        return {message["id"]: message for message in messages}

    def close_input(self):
        self._note(self._sent)
        self.process.stdin.close()

    def end(self, seconds=10):
        """The rest of the messages and the exit code, after the input was closed."""
        rest = []
        while (message := self.receive(seconds)) is not None:
            rest.append(message)
        return rest, self.process.wait(timeout=seconds)
