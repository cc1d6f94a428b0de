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
        return json.loads(self.body)


def send(server, method="POST", path="/mcp", body=b"", headers=()):
    """One request on its own connection; `headers` may repeat names, and nothing is added."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response, response.read())


def headers_for(server, token, changes=None, body=b""):
    """What an honest client sends; a change of None leaves that header out."""
    headers = {
        "Host": f"127.0.0.1:{server.port}", "Authorization": f"Bearer {token}",
        "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
    } | (changes or {})
    return [(name, value) for name, value in headers.items() if value is not None]


def post(server, token, message, changes=None):
    """Posts a message of the handshake era, or bytes as they are."""
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return send(server, body=body, headers=headers_for(server, token, changes, body))


def post_stateless(server, token, message, changes=None):
    message = stateless(message)
    return post(server, token, message, stateless_headers(message) | (changes or {}))


def session(server, token):
    """The id of a new session of the handshake era."""
    hello = request("initialize", {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"}})
    return post(server, token, hello).headers["Mcp-Session-Id"]


def begin_call(server, token, message, changes=None):
    """Sends a slow call and returns its connection once the server says that it is under way."""
    meta = message["params"].get("_meta", {}) | {"progressToken": "under-way"}
    message = message | {"params": message["params"] | {"_meta": meta}}
    body = json.dumps(message).encode()
    lines = ["POST /mcp HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers_for(server, token, changes, body)]
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    received = b""
    while b"notifications/progress" not in received:
        piece = connection.recv(65536)
        if not piece:
            raise AssertionError(f"the server hung up: {received!r}")
        received += piece
    return connection


class Pipe:
    """`toolserver stdio` with nothing between it and us."""

    def __init__(self, site, token):
        self.process = subprocess.Popen(
            site.arguments("stdio"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(site.log_file, "ab"), env=environment(token))
        self._received = b""

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
        self.process.stdin.write(data)
        self.process.stdin.flush()

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
        return json.loads(line)

    def receive_by_id(self, count):
        messages = [self.receive() for _ in range(count)]
        return {message["id"]: message for message in messages}

    def close_input(self):
        self.process.stdin.close()

    def end(self, seconds=10):
        """The rest of the messages and the exit code, after the input was closed."""
        rest = []
        while (message := self.receive(seconds)) is not None:
            rest.append(message)
        return rest, self.process.wait(timeout=seconds)
