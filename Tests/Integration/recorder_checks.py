"""A recorder of its own: what whoever has the server's user can do to the record, and what kills
leave of it.

Two users stand in for two services: `nobody` runs the server, `daemon` the recorder.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

from crash_checks import Account, Load, noted_numbers, own_host
from harness import Server, Skipped, Site, check, eventually, expect, expect_in
from record import Record, verify
from wire import call, post, send

SERVER_USER = "nobody"
RECORDER_USER = "daemon"
ATTACK = pathlib.Path(__file__).with_name("recorder_attack.py")


def as_user(user, group=None):
    words = ["setpriv", "--reuid", user, "--regid", user if group is None else "nogroup"]
    return words + (["--groups", group] if group else ["--clear-groups"])


class ApartSite(Site):
    """A server of one user, and the recorder of another beside it."""

    def __init__(self, world, name, settings=None):
        if os.geteuid() != 0:
            raise Skipped("only root can be two users")
        if not shutil.which("setpriv"):
            raise Skipped("no setpriv (util-linux) to change users with")
        super().__init__(world.binary, world.options.demo, world.directory, name, made_tools=False)
        self.folder = self.manifests.parent
        self.records = self.folder / "records"
        self.log = self.records / "record"
        self._merge_settings({"record": {
            "recorder": str(self.records / "recorder.sock"), "directory": str(self.records),
            "user": SERVER_USER}} | (settings or {}))
        self._open_to_both(world)
        self.recorder = None

    def _open_to_both(self, world):
        self.binary = str(self.folder / "toolserver")
        shutil.copy(world.binary, self.binary)
        for folder in (world.directory, self.folder):
            folder.chmod(0o755)
        self.records.mkdir()
        self.state.mkdir()
        self.log_file.touch()
        self.log_file.chmod(0o666)
        shutil.chown(self.records, RECORDER_USER, RECORDER_USER)
        shutil.chown(self.state, SERVER_USER, "nogroup")
        for path in [self.manifests, *self.manifests.rglob("*")]:
            shutil.chown(path, SERVER_USER, "nogroup")
        if self.as_server("version").returncode != 0:
            raise Skipped(f"`{SERVER_USER}` cannot run the binary")

    def as_server(self, *words, program=None):
        return subprocess.run(
            [*as_user(SERVER_USER, RECORDER_USER), *(program or [self.binary]), *words],
            capture_output=True, text=True, timeout=120)

    def arguments(self, command):
        return [*as_user(SERVER_USER, RECORDER_USER), *super().arguments(command)]

    def token(self, subject, groups):
        words = [*self.arguments("token"), "--as", subject, "--groups", ",".join(groups)]
        return subprocess.run(
            words, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def start_recorder(self):
        socket = self.records / "recorder.sock"
        with open(self.log_file, "ab") as log:
            self.recorder = subprocess.Popen(
                [*as_user(RECORDER_USER), self.binary, "recorder", "--manifests",
                 str(self.manifests)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(lambda: self.is_recording(socket), "the recorder listens", 15)

    def is_recording(self, path):
        import socket

        if self.recorder.poll() is not None:
            raise AssertionError(f"the recorder ended: {self.log_file.read_text()[-1000:]}")
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return True

    def kill_recorder(self):
        if self.recorder and self.recorder.poll() is None:
            self.recorder.kill()
            self.recorder.wait()

    def stop_recorder(self):
        self.recorder.send_signal(signal.SIGTERM)
        expect(self.recorder.wait(timeout=10), 0, "the recorder's exit code")

    def account(self):
        return Account(self, log=self.log)


@contextlib.contextmanager
def apart(world, name):
    site = ApartSite(world, name)
    try:
        site.start_recorder()
        yield site
    finally:
        site.kill_recorder()


def attack(site):
    """What whoever has the server's user brought about; empty where nothing."""
    facts = {"records": str(site.records), "log": str(site.log), "pid": site.recorder.pid,
             "socket": str(site.records / "recorder.sock")}
    result = site.as_server(str(ATTACK), json.dumps(facts), program=["/usr/bin/python3"])
    expect(result.returncode, 0, f"the attack ran: {result.stderr[-500:]}")
    return json.loads(result.stdout)


@check
def recorder_a_taken_over_server_cannot_touch_the_record(world):
    with apart(world, "apart") as site:
        with Server(site) as server:
            token = site.token("apart-test", ["support"])
            ask = lambda: post(server, token, call("customer_by_id", {"id": 1}))
            for _ in range(20):
                expect(ask().status, 200)
            before = Record(site, log=site.log).update().lines
            done = attack(site)
            expect(done["succeeded"], [], "what the attack brought about")
            expect(done["refused"] > 10, True, "the attack tried")
            expect(ask().status, 200)
            verify(site, log=site.log)
            record = Record(site, log=site.log).update()
            expect(record.lines > before, True, "every line is there, and more")
            expect(isolations(site), {"recorder"}, "every checkpoint says")
            expect((site.state / "record").exists(), False, "a record of the server's own")
            listed = site.as_server(
                "audit", "list", "--last", "5", "--manifests", str(site.manifests), "--state",
                str(site.state))
            expect_in("customer_by_id", listed.stdout + listed.stderr, "what the server can read")
        site.stop_recorder()
        verify(site, log=site.log)
    # The same attack where the files belong to the server's user: it must be seen to succeed.
    with apart(world, "mutant") as site:
        for path in [site.records, *site.records.rglob("*")]:
            shutil.chown(path, SERVER_USER, RECORDER_USER)
        expect(len(attack(site)["succeeded"]) > 5, True, "an attack that is let succeeds")
    return f"{done['refused']} attempts refused"


def isolations(site):
    lines = (json.loads(line) for path in site.log.glob("*.jsonl") for line in path.open()
             if line.strip())
    return {line["isolation"] for line in lines if line["event"] == "checkpoint"}


class PatientLoad(Load):
    """Counts what is answered; what cannot be recorded is refused, and asked again later."""

    refused = 0

    async def _call(self, number, reader, writer):
        try:
            await super()._call(number, reader, writer)
        except AssertionError as error:
            if "record.unavailable" not in str(error):
                raise
            self.refused += 1
            await asyncio.sleep(0.05)
            # Whoever waits for a number of answers must not wait for a server that gives none.
            if self._reached.is_set():
                raise ConnectionError from error


@check
def recorder_every_answered_call_is_on_record_after_kill_9_of_either(world):
    chance = random.Random(world.options.seed)
    with apart(world, "kills") as site:
        server = Server(site)
        server.start()
        server.wait_until_ready(30)
        load, account = PatientLoad(server, site.token("kill-test", ["support"])), site.account()
        try:
            for round in range(4):
                kills_recorder = round % 2 == 0
                kill = site.kill_recorder if kills_recorder else server.kill
                asyncio.run(load.until(chance.randrange(200, 500), kill))
                if kills_recorder:
                    expect_away(server)
                    site.start_recorder()
                    eventually(server.is_ready, "the server goes on by itself", 10)
                else:
                    server.start()
                    server.wait_until_ready(30)
                account.update().expect_all(load.acknowledged)
            expect(server.stop(), 0, "exit code after SIGTERM")
            eventually(lambda: not open_calls(site), "open calls end as unknown", 30)
        finally:
            if server.process.poll() is None:
                server.kill()
        site.stop_recorder()
        verify(site, log=site.log)
        account.update().expect_all(load.acknowledged)
        expect(noted_numbers(site) - set(account.intended), set(), "changes without an intent")
    return f"{len(load.acknowledged)} answered calls over 4 kills, {load.refused} refused"


def expect_away(server):
    """A recorder that is away is no reason to wait."""
    token = server.site.token("kill-test", ["support"])
    eventually(lambda: not server.is_ready(), "readiness says that the recorder is away", 5)
    began = time.monotonic()
    answer = post(server, token, call("customer_by_id", {"id": 1}))
    expect((answer.status, answer.json["error"]["data"]["code"]), (503, "record.unavailable"))
    expect(time.monotonic() - began < 1, True, "refused at once")
    expect_in("cannot be recorded", send(server, "GET", "/readyz", headers=own_host(server)).body.decode())


def open_calls(site):
    record = Record(site, log=site.log).update()
    return set(record.intents) - set(record.outcomes)
