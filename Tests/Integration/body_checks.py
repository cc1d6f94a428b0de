"""Answers that are kept beside the record: over kills, and until their keys are destroyed."""

import json
import shutil
import subprocess

from harness import Server, Skipped, check, eventually, expect, expect_in
from record import verified
from recorder_retention_checks import LATER, later
from wire import call, post

CALLS = 12


def ask(site, server, subject, count=CALLS):
    token = site.token(subject, ["support"])
    for number in range(count):
        expect(post(server, token, call("customer_by_id", {"id": 1 + number})).status, 200)


def log(site):
    return site.state / "record"


def outcomes(site, subject):
    lines = (json.loads(line) for line in (log(site) / "000001.jsonl").read_text().splitlines() if line.strip())
    return [line for line in lines if line["event"] == "outcome" and line["caller"]["subject"] == subject]


def proved(site, code=0):
    result = site.run(
        "audit", "verify", str(log(site)), "--key", str(log(site) / "record.pub"), "--keys",
        str(site.state / "keys" / "record"), "--json", check=False)
    expect(result.returncode, code, f"exit code: {result.stderr}")
    return json.loads(result.stdout) if code == 0 else result.stderr


def answer(site, outcome):
    result = site.run(
        "audit", "show", outcome["call"], "--body", "--json", "--manifests", str(site.manifests),
        "--state", str(site.state))
    return json.loads(result.stdout.splitlines()[-1])


@check
def bodies_every_answer_that_was_told_is_kept_over_kill_9(world):
    site = world.site("bodies-kill", settings={"bodies": {"days": 30}})
    for round in range(3):
        with Server(site) as server:
            ask(site, server, "kill-test")
            server.kill()
    with Server(site):
        pass
    kept = outcomes(site, "kill-test")
    expect(len(kept), 3 * CALLS, "answered calls on record")
    expect(proved(site)["bodies"], 3 * CALLS, "answers that can be read")
    told = answer(site, kept[-1])["answer"]["rows"][0]
    expect(told["id"], CALLS, "the customer that was asked for")
    expect_in("*", told["email"], "a masked value stays masked")
    stored = b"".join(path.read_bytes() for path in (log(site) / "bodies").iterdir())
    expect(told["name"].encode() in stored, False, "the files hold it in clear")
    body = kept[0]["body"]
    path = log(site) / "bodies" / body["file"]
    bytes = bytearray(path.read_bytes())
    bytes[body["offset"] + 30] ^= 1
    path.write_bytes(bytes)
    expect_in("not what its line says", proved(site, code=1), "a changed byte")


@check
def bodies_are_unreadable_when_their_time_is_over_but_for_what_is_held(world):
    if not shutil.which("cc"):
        raise Skipped("no C compiler to make a later day with")
    site = world.site("bodies-later", settings={
        "bodies": {"days": 30},
        "retention": {"days": 400, "holds": [{"hold": "case-12", "caller": "held-test"}]}})
    library = site.state.parent / "later.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(LATER)], check=True)
    with later(library, 0), Server(site) as server:
        ask(site, server, "gone-test")
        ask(site, server, "held-test", count=2)
    expect(proved(site)["bodies"], CALLS + 2, "answers")
    before = (log(site) / "000001.jsonl").read_text()
    with later(library, 40), Server(site):
        eventually(lambda: proved(site)["destroyedBodies"] == CALLS, "the key is destroyed", 20)
    facts = proved(site)
    expect((facts["bodies"], facts["destroyedBodies"]), (2, CALLS), "what is held, and what is gone")
    expect("unreadable" in answer(site, outcomes(site, "gone-test")[0]), True, "gone")
    expect(answer(site, outcomes(site, "held-test")[0])["answer"]["rows"][0]["id"], 1, "held")
    names = sorted(path.suffix for path in (site.state / "keys" / "record").glob("body-*"))
    expect(names, [".held"], "keys that are left")
    expect_in(before.splitlines()[2], (log(site) / "000001.jsonl").read_text(), "lines stay")
    alone = verified(site, log(site))
    expect(alone.returncode, 0, "without any key")
    expect_in(f"; {CALLS} more destroyed, as the record says", alone.stdout, "how many are told")
    exported = site.run("audit", "export", "--bodies", "--manifests", str(site.manifests), "--state", str(site.state))
    expect(exported.stdout.count(',"answer":{'), 2, "answers that are exported when asked for")
