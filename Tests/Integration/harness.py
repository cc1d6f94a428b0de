"""What every check stands on: the list of checks, and servers on temporary installations.

A check is a function that takes the `World` and raises when something does not hold. Servers run
the binary that is tested, on copies of manifests/demo with a few made tools beside it.
"""

import contextlib
import http.client
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

import jwt  # comes with mcp

DEMO = pathlib.Path(__file__).resolve().parents[2] / "manifests" / "demo"
MANY_TOOLS = [f"many_{number:03}" for number in range(120)]


class Skipped(Exception):
    """The machine lacks what the check needs; the text says what."""


class Checks:
    """The checks in the order in which they stand in their files."""

    def __init__(self):
        self.all = []

    def __call__(self, function):
        self.all.append((function.__name__.replace("_", " "), function))
        return function

    def each(self, variants):
        """One check for each variant, which is passed as the second argument."""

        def register(function):
            for variant in variants:
                name = f"{function.__name__.replace('_', ' ')} [{variant}]"
                self.all.append((name, lambda world, v=variant: function(world, v)))
            return function

        return register


check = Checks()


def expect(actual, wanted, what="value"):
    if actual != wanted:
        raise AssertionError(f"{what}: got {shortened(actual)}, wanted {shortened(wanted)}")


def expect_in(part, whole, what="text"):
    if part not in whole:
        raise AssertionError(f"{what}: {shortened(part)} is not in {shortened(whole)}")


def expect_not_in(part, whole, what="text"):
    if part in whole:
        raise AssertionError(f"{what}: {shortened(part)} is in {shortened(whole)}")


def shortened(value):
    text = repr(value)
    return text if len(text) <= 400 else text[:400] + "…"


def eventually(condition, what, seconds=5.0):
    """Waits for `condition` to give something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Site:
    """One installation: a copy of the demo's manifests and a state directory."""

    def __init__(self, binary, demo, parent, name, made_tools=True, settings=None):
        self.binary = binary
        self.manifests = parent / name / "manifests"
        self.state = parent / name / "state"
        self.log_file = parent / name / "stderr.log"
        shutil.copytree(
            demo, self.manifests, ignore=shutil.ignore_patterns("*.db*", "data"))
        self._shorten_the_hold()
        if made_tools:
            self._make_tools()
        if settings:
            self._merge_settings(settings)

    def _shorten_the_hold(self):
        """Calls that wait for a person come back soon: one client after another makes them."""
        for path in (self.manifests / "policy").glob("shop.json"):
            path.write_text(path.read_text().replace('"hold": "10s"', '"hold": "1s"'))

    def _make_tools(self):
        slow = (
            "with recursive c(n) as (select 1 union all select n + 1 from c where n < :n) "
            "select count(*) as counted from c")
        made = {
            "tools/count": made_tool("count", "made.slow", slow, time="60s"),
            "tools/count_briefly": made_tool("count_briefly", "made.slow", slow, time="1s"),
            "policy/made": {"grants": [
                {"grant": ["made.slow"], "to": {"groups": ["support", "managers"]}},
                {"grant": ["made.many"], "to": {"groups": ["many"]}},
            ]},
        }
        for name in MANY_TOOLS:
            made[f"tools/{name}"] = made_tool(name, "made.many", "select :n as n")
        for name, content in made.items():
            (self.manifests / f"{name}.json").write_text(json.dumps(content))

    def add_tool(self, name, scope="made.slow"):
        path = self.manifests / "tools" / f"{name}.json"
        path.write_text(json.dumps(made_tool(name, scope, "select :n as n")))

    def _merge_settings(self, settings):
        # server.json has comments and trailing commas, so it is extended as text.
        path = self.manifests / "server.json"
        head, _, _ = path.read_text().rpartition("}")
        path.write_text(f"{head.rstrip().rstrip(',')},\n{json.dumps(settings)[1:]}\n")

    def arguments(self, command):
        return [self.binary, command, "--manifests", str(self.manifests), "--state", str(self.state)]

    def run(self, *words, check=True):
        return subprocess.run(
            [self.binary, *words], check=check, capture_output=True, text=True, timeout=60)

    def token(self, subject, groups):
        words = self.arguments("token")[1:]
        return self.run(*words, "--as", subject, "--groups", ",".join(groups)).stdout.strip()

    def altered_token(self, token, key=None, **claims):
        """`token` with other claims, signed by this installation's key or by `key`."""
        changed = jwt.decode(token, options={"verify_signature": False}) | claims
        pem = key or (self.state / "keys" / "token.pem").read_text()
        return jwt.encode(changed, pem, "ES256", headers=jwt.get_unverified_header(token))

    def rows(self, sql, *values):
        """What is really in the shop, past the server."""
        file = next(self.manifests.rglob("*.db"))
        with contextlib.closing(sqlite3.connect(file, timeout=10)) as database:
            return database.execute(sql, values).fetchall()


def made_tool(name, scope, sql, time=None):
    tool = {
        "tool": name, "title": name, "description": "Made for a test.", "backend": "shop",
        "scope": scope, "effect": "read", "sql": sql,
        "input": {"n": {"type": "integer", "minimum": 1, "description": "How far"}},
    }
    return tool | ({"limits": {"time": time}} if time else {})


class Server:
    """`toolserver serve` on a free port; a context manager that always ends it."""

    def __init__(self, site, port=None, descriptors=None):
        """`descriptors`: how many the process may have, instead of what the system gives."""
        self.site = site
        self.port = port or free_port()
        self.descriptors = descriptors
        self.process = None

    def __enter__(self):
        self.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        words = self.site.arguments("serve") + ["--http", f"127.0.0.1:{self.port}"]
        if self.descriptors:
            words = ["prlimit", f"--nofile={self.descriptors}", *words]
        with open(self.site.log_file, "ab") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_until_ready(self, seconds=10):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the server ended with {self.process.returncode}: "
                    + self.site.log_file.read_text()[-2000:])
            if self.is_ready():
                return
            time.sleep(0.005)
        raise AssertionError(f"the server was not ready within {seconds} s")

    def is_ready(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200

    def stop(self):
        """By SIGTERM, as a supervisor would; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=35)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/mcp"

    def reload(self):
        """By SIGHUP; returns when the new manifests hold."""
        before = self.site.log_file.read_text().count("reload: ok")
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: self.site.log_file.read_text().count("reload: ok") > before, "the reload")

    def status(self, field):
        """A line of /proc/PID/status, in KiB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {field} in /proc")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World:
    """What the checks share: one server over HTTP, one installation for pipes, and tokens."""

    def __init__(self, binary, options):
        self.binary = str(pathlib.Path(binary).resolve())
        self.options = options
        self._directory = tempfile.TemporaryDirectory(prefix="toolserver-")
        self.directory = pathlib.Path(self._directory.name)
        self._cleanup = contextlib.ExitStack()
        self._server = None
        self._pipes = None
        self._tokens = {}
        self._counts_per_second = None

    def close(self):
        self._cleanup.close()
        self._directory.cleanup()

    def kept(self, context):
        """Enters a context that ends with the run; several checks can share what it gives."""
        return self._cleanup.enter_context(context)

    def site(self, name, **options):
        demo = self.options.demo
        return Site(self.binary, demo, self.directory, f"{name}-{secrets.token_hex(3)}", **options)

    @property
    def server(self):
        if self._server is None:
            self._server = self._cleanup.enter_context(Server(self.site("http")))
        return self._server

    @property
    def pipes(self):
        """The installation of every server over stdio, which run one after the other."""
        if self._pipes is None:
            self._pipes = self.site("stdio")
        return self._pipes

    def token(self, site, *groups, subject="tester"):
        key = (site, groups, subject)
        if key not in self._tokens:
            self._tokens[key] = site.token(subject, groups)
        return self._tokens[key]

    def numbers_for(self, seconds):
        """How far `count` must count to take about that long here, a number not used before."""
        if self._counts_per_second is None:
            # The fastest of several: a call that is over too soon is never seen under way.
            self._counts_per_second = max(counts_per_second() for _ in range(5))
        return int(self._counts_per_second * seconds) + secrets.randbelow(100_000)


def counts_per_second():
    rows = 1_000_000
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        began = time.monotonic()
        database.execute(
            "with recursive c(n) as (select 1 union all select n + 1 from c where n < ?) "
            "select count(*) from c", (rows,)).fetchone()
    return rows / (time.monotonic() - began)


def environment(token=None):
    """The little that a server needs, so that nothing of the machine leaks in."""
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return kept | ({"TOOLSERVER_TOKEN": token} if token else {})
