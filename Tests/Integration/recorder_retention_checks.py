"""Retention, streams and figures where a recorder of its own keeps the record, with two users."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

from harness import Server, Skipped, check, eventually, expect, expect_in, free_port
from record import verified
from recorder_checks import ApartSite
from siem_checks import SECRET, Sink, hook
from wire import call, post, send

LATER = pathlib.Path(__file__).with_name("later.c")
DAY = 86_400


@contextlib.contextmanager
def later(library, days):
    """Every process that is started within lives so many days later."""
    before = dict(os.environ)
    os.environ |= {"LD_PRELOAD": str(library), "LATER_SECONDS": str(days * DAY)}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def apart(site, days, library):
    """The recorder and a server beside it."""
    with later(library, days):
        try:
            site.start_recorder()
            with Server(site) as server:
                yield server
            site.stop_recorder()
        finally:
            site.kill_recorder()


def ask(site, server, *subjects, count=3):
    for subject in subjects:
        token = site.token(subject, ["support"])
        for number in range(count):
            expect(post(server, token, call("customer_by_id", {"id": 1 + number})).status, 200)


def status(site, code=0):
    result = site.as_server(
        "recorder", "--status", "--json", "--manifests", str(site.manifests))
    expect(result.returncode, code, f"exit code: {result.stderr}")
    return json.loads(result.stdout)


def text(site):
    return "".join(path.read_text() for path in sorted(site.log.glob("*.jsonl")))


def numbers(site):
    lines = (json.loads(line) for line in text(site).splitlines())
    return {line["seq"] for line in lines if "seq" in line}


def listed(site):
    return site.as_server(
        "audit", "list", "--manifests", str(site.manifests), "--state", str(site.state)).stdout


def figures(site):
    result = verified(site, site.log)
    expect(result.returncode, 0, f"the record proves itself: {result.stdout}{result.stderr}")
    return result.stdout


@check
def recorder_removes_what_is_over_but_nothing_held_or_unsent(world):
    if not shutil.which("cc"):
        raise Skipped("no C compiler to make a later day with")
    sink = Sink()
    sink.behave = lambda number: "fail"
    port = free_port()
    site = ApartSite(world, "apart-retention", {
        "streams": [hook(sink)], "metrics": {"listen": f"127.0.0.1:{port}"},
        "retention": {"days": 30, "holds": [{"hold": "case-12", "caller": "held-test"}]}})
    (site.manifests / "siem.key").write_text(SECRET + "\n")
    library = site.folder / "later.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(LATER)], check=True)
    with sink.upstream:
        with apart(site, 0, library) as server:
            ask(site, server, "gone-test", "held-test")
            eventually(lambda: status(site)["unheardStreams"] == [], "the server told of it", 20)
            page = send(Figures(port), "GET", "/metrics", headers=[("Host", f"127.0.0.1:{port}")]).body.decode()
            expect_in("toolserver_recorder_up 1\n", page, "figures")
            expect_in('toolserver_stream_unsent_lines{stream="hook"}', page, "figures")
        with apart(site, 40, library) as server:
            ask(site, server, "young-test")
            eventually(lambda: status(site)["unheardStreams"] == [], "the server told of it", 20)
            expect_in("gone-test", text(site), "nothing goes that was not sent")
            expect_in("gone-test", listed(site), "the index has it")
            sink.behave = lambda number: "ok"
            behind = lambda: site.as_server(
                "audit", "streams", "--manifests", str(site.manifests), "--state",
                str(site.state)).stdout
            eventually(lambda: " 0 to come" in behind(), "all is sent", 90)
        before = len(text(site).splitlines())
        recorded = numbers(site) & set(range(before - 10))
        with apart(site, 40, library) as server:
            eventually(lambda: status(site)["rewrittenFiles"] > 0, "what is over goes", 40)
            expect_in("held-test", text(site), "what is held stays")
            expect_in("young-test", text(site), "what is young stays")
            expect("gone-test" in text(site), False, "what is over is gone")
            expect("gone-test" in listed(site), False, "from the index too")
            ask(site, server, "young-test")
            eventually(lambda: " 0 to come" in behind(), "streams go on", 90)
    expect(len(text(site).splitlines()) > before, True, "a hash stands in place of each line")
    figures(site)
    arrived = {line["line"]["seq"] for line in sink.lines() if "seq" in line["line"]}
    expect(recorded - arrived, set(), "every line is at the receiver, also those that are gone")
    expect(any("gone-test" in json.dumps(line) for line in sink.lines()), True, "as it was")


class Figures:
    """Where figures are read, as `send` wants it."""

    def __init__(self, port):
        self.port = port
