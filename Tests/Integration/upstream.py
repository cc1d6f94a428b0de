"""An HTTP server that answers as a check says, rightly or wrongly, and keeps what it was sent."""

import contextlib
import json
import socket
import threading


class Received:
    """One request, byte for byte, and the number of the connection on which it came."""

    def __init__(self, connection, head, body):
        self.connection = connection
        self.head = head
        self.body = body
        line, *fields = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = line.split(" ")
        self.headers = {
            name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}

    @property
    def path(self):
        return self.target.partition("?")[0]


class Upstream:
    """`answers` maps a path to bytes, or to a function of the socket and the request that answers
    itself and says whether the connection goes on."""

    def __init__(self, answers, context=None):
        self.answers = answers
        self.requests = []
        self.connections = 0
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = set()
        self._lock = threading.Lock()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def drop(self):
        """Ends every connection without a word."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def at(self, path):
        return [request for request in self.requests if request.path == path]

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(
                target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection, number):
        with contextlib.suppress(OSError, ValueError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            reader = connection.makefile("rb")
            while request := read_request(reader, number):
                self.requests.append(request)
                answer = self.answers.get(request.path, NOT_FOUND)
                goes_on = answer(connection, request) if callable(answer) else connection.sendall(answer)
                if goes_on is False:
                    break
        with self._lock:
            self._open.discard(connection)
        with contextlib.suppress(OSError):
            connection.close()


def read_request(reader, number):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline(65536)
        if not line:
            return None
        head += line
    request = Received(number, head[:-4], b"")
    request.body = reader.read(int(request.headers.get("content-length", 0)))
    return request


def answer(body, status="200 OK", **headers):
    """A right answer. Names of headers are written with underscores."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    fields = {"Content-Length": len(body), "Content-Type": "application/json"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


NOT_FOUND = answer({"error": "secret detail of the upstream"}, "404 Not Found")


def api(site, upstream, tools, host="127.0.0.1", scheme="http", **backend):
    """Adds a backend `api` at the upstream, and tools on it; `tools` maps names to their `http`
    and whatever else differs."""
    directory = site.manifests
    base = f"{scheme}://{host}:{upstream.port}"
    settings = {"backend": "api", "kind": "http"} | (
        {} if "hosts" in backend else {"baseURL": base}) | backend
    (directory / "backends" / "api.json").write_text(json.dumps(settings))
    for name, tool in tools.items():
        http = {"method": "GET"} | tool["http"]
        effect = "read" if http["method"] == "GET" else "write"
        whole = {
            "tool": name, "title": name, "description": "Made for a test.", "backend": "api",
            "scope": "made.slow", "effect": effect, "input": {}} | tool | {"http": http}
        (directory / "tools" / f"{name}.json").write_text(json.dumps(whole))
