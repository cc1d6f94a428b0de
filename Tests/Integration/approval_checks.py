"""Calls that wait for a person: the official client in both eras, the command line beside it, and
kills in between."""

import asyncio
import contextlib
import email
import hashlib
import hmac
import http.client
import json
import os
import re
import subprocess
import time

from client_checks import Way, connected, refusal_of
from harness import (
    DEMO, Server, Site, check, environment, eventually, expect, expect_in, expect_not_in,
    free_port)
from record import verify
from upstream import Upstream
from wire import Stream, call, line_to, post

WAYS = [
    Way(transport, mode, revision)
    for transport in ("stdio", "http")
    for mode, revision in [("auto", "2026-07-28"), ("legacy", "2025-11-25")]
]
HANDLE = re.compile(r"apr_[A-Za-z0-9_-]{20}")
# What a rule of each tool adds; a call of it changes one payment.
TOOLS = {
    "held": {"hold": "20s"}, "handed": {"hold": "0s"}, "brief": {"hold": "4s", "expires": "2s"},
    "twice": {"hold": "0s", "approvers": {"groups": ["finance"], "count": 2}},
    "task": {"hold": "0s"},
    "urgent": {"hold": "0s", "force": {"groups": ["oncall"]}, "callerReason": "required",
               "approvers": {"groups": ["finance"], "count": 2}},
}


def approval_site(world, name, **asked):
    site = Site(world.binary, DEMO, world.directory, f"{name}-{os.urandom(3).hex()}",
                made_tools=False)
    rules = []
    for tool, parts in TOOLS.items():
        manifest = {
            "tool": tool, "title": tool, "description": "Made for a test.", "backend": "shop",
            "scope": "billing.write", "effect": "write",
            "input": {"payment": {"type": "integer"}, "email": {"type": "string"}},
            "sql": "update payments set state = 'refunded' where id = :payment "
                   "and :email is not null"}
        if tool == "task":
            manifest["task"] = "allowed"
        (site.manifests / "tools" / f"{tool}.json").write_text(json.dumps(manifest))
        rules.append({"rule": f"hold-{tool}", "effect": "approve", "when": {"tool.name": tool},
                      "approvers": {"groups": ["finance"]}, "reason": "money leaves"} | parts | asked)
    (site.manifests / "policy" / "made.json").write_text(json.dumps({"rules": rules}))
    return site


class Desk:
    """One person at the command line."""

    def __init__(self, world, site, subject="fin", groups=("finance",)):
        self.site = site
        self.token = world.token(site, *groups, subject=subject)

    def run(self, *words):
        words = [self.site.binary, "approvals", *words, "--manifests", str(self.site.manifests),
                 "--state", str(self.site.state)]
        return subprocess.run(
            words, capture_output=True, text=True, timeout=30, env=environment(self.token))

    def listed(self, *words):
        return [json.loads(line) for line in self.run("list", "--json", *words).stdout.splitlines()]

    def waiting(self):
        """The one request, as soon as there is one."""
        found = []
        eventually(lambda: found.extend(self.listed()) or found, "a request that waits")
        return found[0]["handle"]

    def approve(self, handle):
        done = self.run("approve", handle)
        expect((done.returncode, done.stderr), (0, ""))


class Approving:
    """A server on such a site; one for all checks here that kill nothing."""

    _server = None

    @classmethod
    def server(cls, world):
        if cls._server is None:
            cls._server = world._cleanup.enter_context(Server(approval_site(world, "approving")))
        return cls._server


def approving(subject_of=None):
    """A check of each way: `async def …(world, way, client, desk, site)`; each has its own caller,
    so that each sees its own requests."""

    def decorate(function):
        async def run(world, way):
            server = Approving.server(world)
            subject = f"{function.__name__}-{way}".replace(" ", "-")
            async with connected(
                world, way, "support", site=server.site, url=server.url, subject=subject,
            ) as client:
                await function(world, way, client, Desk(world, server.site), server.site)

        def checked(world, way):
            asyncio.run(asyncio.wait_for(run(world, way), 60))

        checked.__name__ = "approve_" + function.__name__
        return check.each(WAYS)(checked)

    return decorate


ARGUMENTS = {"payment": 3, "email": "carla@shop.example"}


def handle_in(result):
    text = refusal_of(result)
    expect_in("approval.pending", text)
    expect_in("approval_result", text)
    return HANDLE.search(text).group()


async def held_handle(client, tool="handed", arguments=None):
    return handle_in(await client.call_tool(tool, arguments or ARGUMENTS))


def done(result):
    expect(result.is_error, False, str(result.content))
    return json.loads(result.content[0].text)


@approving()
async def a_call_that_waits_runs_when_it_is_approved(world, way, client, desk, site):
    seen = []

    async def on_progress(progress, total, message):
        seen.append(message or "")

    waiting = asyncio.create_task(
        client.call_tool("held", ARGUMENTS, progress_callback=on_progress))
    handle = await asyncio.to_thread(desk.waiting)
    expect_in("waiting for approval by finance", " ".join(seen))
    await asyncio.to_thread(desk.approve, handle)
    approved = time.monotonic()
    expect(done(await waiting), {"changed": 1})
    # The command has ended; what is left is the way to the server and back.
    expect(time.monotonic() - approved < 0.5, True, "in time")


@approving()
async def a_handle_is_picked_up_later(world, way, client, desk, site):
    handle = await held_handle(client)
    expect(handle_in(await client.call_tool("approval_result", {"handle": handle})), handle)
    waiting = asyncio.create_task(
        client.call_tool("approval_result", {"handle": handle, "wait": 20}))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(desk.approve, handle)
    expect(done(await waiting), {"changed": 1})
    again = refusal_of(await client.call_tool("approval_result", {"handle": handle}))
    expect_in("approval.over", again)


@approving()
async def the_same_call_picks_it_up_and_no_other(world, way, client, desk, site):
    handle = await held_handle(client)
    await asyncio.to_thread(desk.approve, handle)
    other = await held_handle(client, arguments=ARGUMENTS | {"payment": 4})
    expect(other != handle, True, "another request")
    expect(done(await client.call_tool("handed", ARGUMENTS)), {"changed": 1})
    expect(await held_handle(client) != handle, True, "a new request")


@approving()
async def a_no_is_told_with_its_reason(world, way, client, desk, site):
    handle = await held_handle(client)
    await asyncio.to_thread(desk.run, "reject", handle, "--reason", "not this month")
    for tool, arguments in [("handed", ARGUMENTS), ("approval_result", {"handle": handle})]:
        text = refusal_of(await client.call_tool(tool, arguments))
        expect_in("approval.rejected", text)
        expect_in("not this month", text)


@approving()
async def what_nobody_decides_expires(world, way, client, desk, site):
    text = refusal_of(await client.call_tool("brief", ARGUMENTS))
    expect_in("approval.expired", text)


@approving()
async def two_people_are_two_people(world, way, client, desk, site):
    handle = await held_handle(client, "twice")
    await asyncio.to_thread(desk.approve, handle)
    second = await asyncio.to_thread(desk.run, "approve", handle)
    expect_in("another person", second.stderr)
    expect(await held_handle(client, "twice"), handle)
    await asyncio.to_thread(Desk(world, site, "fio").approve, handle)
    expect(done(await client.call_tool("twice", ARGUMENTS)), {"changed": 1})


@approving()
async def a_change_is_told_and_run_by_its_number(world, way, client, desk, site):
    handle = await held_handle(client)
    await asyncio.to_thread(desk.run, "modify", handle, '{"payment": 4}')
    other = Desk(world, site, "fio")
    await asyncio.to_thread(other.run, "approve", handle, "--edit", "1")
    told = refusal_of(await client.call_tool("approval_result", {"handle": handle}))
    expect_in("approval.modified", told)
    expect_in('"payment": 3 → 4', told)
    answer = await client.call_tool("approval_result", {"handle": handle, "edit": 1})
    expect(done(answer), {"changed": 1})


@check.each([way for way in WAYS if way.transport == "http"])
def approve_a_handle_is_good_after_a_restart(world, way):
    site = approval_site(world, "restart")
    desk = Desk(world, site)

    async def ask(server, tool, arguments):
        async with connected(world, way, "support", site=site, url=server.url) as client:
            return await client.call_tool(tool, arguments)

    with Server(site) as server:
        handle = handle_in(asyncio.run(ask(server, "handed", ARGUMENTS)))
        server.stop()
        desk.approve(handle)
        server.start()
        server.wait_until_ready()
        answer = asyncio.run(ask(server, "approval_result", {"handle": handle}))
        expect(done(answer), {"changed": 1})
    verify(site)


# MARK: From outside


def hold_one(server, token, tool="handed", arguments=None):
    answer = post(server, token, call(tool, arguments or ARGUMENTS)).json
    text = answer["result"]["content"][0]["text"]
    expect_in("approval.pending", text)
    return HANDLE.search(text).group()


def lines_of(site):
    """Of the server, and of the commands beside it."""
    return [
        json.loads(line) for log in ("record", "record-2")
        for path in sorted((site.state / log).glob("*.jsonl"))
        for line in path.read_text().splitlines()]


def result_of(server, token, handle):
    answer = post(server, token, call("approval_result", {"handle": handle})).json
    return answer["result"]["content"][0]["text"]


@check
def approve_nobody_decides_who_must_not(world):
    server = Approving.server(world)
    site = server.site
    token = world.token(site, "support", "finance", subject="ana")
    handle = hold_one(server, token)
    behind = site.run(*site.arguments("token")[1:], "--as", "bot", "--for", "ben",
                      "--groups", "support,finance").stdout.strip()
    of_agent = hold_one(server, behind)
    cases = [
        (Desk(world, site, "ana"), handle, "their own call"),
        (Desk(world, site, "ben"), of_agent, "their own call"),
        (Desk(world, site, "sue", ("support",)), handle, "only members of finance"),
    ]
    agent = Desk(world, site)
    agent.token = behind
    cases.append((agent, handle, "only a person"))
    for desk, of, told in cases:
        refused = desk.run("approve", of)
        expect(refused.returncode, 1)
        expect_in(told, refused.stderr)
    nobody = Desk(world, site)
    nobody.token = site.altered_token(nobody.token, exp=1)
    expect(nobody.run("list").returncode, 1)
    expect_in("approval.pending", result_of(server, token, handle))
    expect_in("approval.unknown_handle", result_of(server, token, of_agent))


@check
def approve_a_change_runs_as_it_is_once_all_have_seen_it(world):
    server = Approving.server(world)
    site = server.site
    token = world.token(site, "support", subject="mona")
    handle = hold_one(server, token)
    editor, other = Desk(world, site), Desk(world, site, "fio")
    changed = editor.run("modify", handle, '{"payment": 4}')
    expect((changed.returncode, changed.stderr), (0, ""))
    expect_in('"payment": 3 → 4', changed.stdout)
    expect_in("another person", editor.run("approve", handle, "--edit", "1").stderr)
    expect_in("--edit 1", other.run("approve", handle).stderr)
    expect(other.run("approve", handle, "--edit", "1").returncode, 0)
    told = result_of(server, token, handle)
    expect_in("approval.modified", told)
    expect_in('"payment": 3 → 4', told)
    answer = post(server, token, call("approval_result", {"handle": handle, "edit": 1})).json
    expect(json.loads(answer["result"]["content"][0]["text"]), {"changed": 1})
    expect_in("approval.over", result_of(server, token, handle))
    verify(site)


def signed(key, moment, body, before=b""):
    told = before + moment.encode() + b"." + body
    return "v1=" + hmac.new(key, told, hashlib.sha256).hexdigest()


@check
def approve_a_place_outside_is_told_and_says_back(world):
    key, told = b"0123456789abcdef-desk", []

    def take(connection, request):
        told.append(request)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        return True

    with Upstream({"/asks": take}) as upstream:
        site = approval_site(world, "notices")
        (site.manifests / "desk.key").write_bytes(key)
        site._merge_settings({"notices": [{
            "notice": "desk", "webhook": f"http://127.0.0.1:{upstream.port}/asks",
            "secret": {"file": "desk.key"},
            "people": [{"id": "U1", "issuer": "local", "subject": "fin", "groups": ["finance"]}]}]})
        with Server(site) as server:
            token = world.token(site, "support", subject="mona")
            handle = hold_one(server, token)
            eventually(lambda: told, "a notice")
            moment = told[0].headers["toolserver-timestamp"]
            expect(told[0].headers["toolserver-signature"], signed(key, moment, told[0].body))
            notice = json.loads(told[0].body)
            expect((notice["event"], notice["handle"], notice["edit"]),
                   ("approval.asked", handle, 0))
            expect_not_in("carla@shop.example", told[0].body.decode())
            eventually(lambda: "delivered" in Desk(world, site).run("notices").stdout, "delivered")

            body = json.dumps({"handle": handle, "decision": "approve", "person": "U1"}).encode()
            now = str(int(time.time()))

            def say(signature):
                with line_to(server) as line:
                    line.request("POST", "/approvals/desk", body, {
                        "toolserver-timestamp": now, "toolserver-signature": signature})
                    return line.getresponse().status

            genuine = signed(key, now, body, b"reply.")
            answers = [say(signed(b"forged", now, body, b"reply.")), say(signed(key, now, body)),
                       say(genuine), say(genuine)]
            expect(answers, [404, 404, 200, 404])
            expect(json.loads(result_of(server, token, handle)), {"changed": 1})
        verify(site)


@check
def approve_at_the_console_whoever_was_told_by_mail(world):
    site = approval_site(world, "console")
    port = free_port()
    program = site.state.parent / "sendmail"
    program.write_text(f"#!/bin/sh\necho \"$@\" > '{program}.words'; cat > '{program}.message'\n")
    program.chmod(0o755)
    site._merge_settings({
        "console": {"listen": f"127.0.0.1:{port}"},
        "notices": [{"notice": "mail", "sendmail": str(program), "from": "tools@shop.example",
                     "to": ["finance@shop.example"]}]})
    ours = site.arguments("token")[1:] + ["--as", "fin", "--groups", "finance", "--console"]
    person = site.run(*ours).stdout.strip()

    def say(method, path, token, body=None):
        with contextlib.closing(
                http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as line:
            line.request(method, "/v1/approvals" + path, body and json.dumps(body), {
                "Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())

    with Server(site) as server:
        token = world.token(site, "support", subject="mona")
        empty = say("GET", "", person)[1]
        expect(empty["requests"], [])
        handle = hold_one(server, token)
        changed = say("GET", f"?mark={empty['mark']}&wait=10", person)[1]
        expect([request["handle"] for request in changed["requests"]], [handle])
        eventually(lambda: "delivered" in Desk(world, site).run("notices").stdout, "delivered")
        words = program.with_name("sendmail.words").read_text()
        expect(words, "-i -f tools@shop.example -- finance@shop.example\n")
        message = email.message_from_bytes(program.with_name("sendmail.message").read_bytes())
        text = message.get_payload(decode=True).decode()
        expect_in(handle, text)
        expect_not_in("carla@shop.example", text)
        # Not with a token of the tools, though its person could.
        expect(say("GET", "", world.token(site, "finance", subject="fin"))[0], 401)
        status, after = say("POST", f"/{handle}/approve", person, {"edit": 0})
        expect((status, after["state"]), (200, "approved"))
        expect(json.loads(result_of(server, token, handle)), {"changed": 1})
    verify(site)


@check
def approve_one_alone_may_force_it_and_all_see_that(world):
    server = Approving.server(world)
    site = server.site
    token = world.token(site, "support", subject="hurried")
    without = post(server, token, call("urgent", ARGUMENTS)).json["result"]["content"][0]["text"]
    expect_in("approval.reason_missing", without)
    message = call("urgent", ARGUMENTS)
    message["params"].setdefault("_meta", {})["toolserver/reason"] = "double charge"
    handle = HANDLE.search(
        post(server, token, message).json["result"]["content"][0]["text"]).group()
    reason = ["--reason", "outage 4711"]
    refused = Desk(world, site).run("force", handle, *reason)
    expect(refused.returncode, 1)
    expect_in("only members of oncall", refused.stderr)
    oncall = Desk(world, site, "olga", ("oncall",))
    expect(oncall.run("approve", handle).returncode, 1)
    expect(oncall.run("force", handle, *reason).returncode, 0)
    shown = Desk(world, site).run("show", handle).stdout
    for part in ["FORCED", "olga", "outage 4711", "double charge"]:
        expect_in(part, shown)
    expect_in('"changed":1', result_of(server, token, handle))


@check
def approve_what_is_masked_for_the_approver_stays_masked(world):
    server = Approving.server(world)
    site = server.site
    token = world.token(site, "support", subject="masked")
    handle = hold_one(server, token)
    plain = Desk(world, site, "mia", ("finance", "managers")).run("show", handle).stdout
    covered = Desk(world, site).run("show", handle).stdout
    expect_in("carla@shop.example", plain)
    for text in [covered, Desk(world, site).run("list").stdout, json.dumps(
            Desk(world, site).listed())]:
        expect("carla@shop.example" in text, False, "shown")
    for part in ["update payments set state", "main.payments", "hold-handed: money leaves",
                 "masked (local)"]:
        expect_in(part, covered)


@check
def approve_with_a_look_at_the_rows_that_it_would_meet(world):
    site = approval_site(world, "preview", preview="rows")
    port = free_port()
    site._merge_settings({"console": {"listen": f"127.0.0.1:{port}"}})
    ours = site.arguments("token")[1:] + ["--as", "fin", "--groups", "finance", "--console"]
    person = site.run(*ours).stdout.strip()
    with Server(site) as server:
        handle = hold_one(server, world.token(site, "support", subject="looked-at"))
        with contextlib.closing(
                http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as line:
            line.request("GET", f"/v1/approvals/{handle}", None,
                         {"Authorization": f"Bearer {person}"})
            preview = json.loads(line.getresponse().read())["preview"]
        expect((preview["count"], [row["id"] for row in preview["rows"]]), (1, [3]))
        shown = Desk(world, site).run("show", handle, "--json")
        expect((shown.returncode, json.loads(shown.stdout)["preview"]), (0, preview))
        expect(preview["rows"][0]["card_number"], "[card_number]")
        expect_in("would meet    1 row\n", Desk(world, site).run("show", handle).stdout)
    looks = [
        line for line in lines_of(site)
        if line["event"] == "preview" and line["approval"] == handle]
    expect({(look["caller"]["subject"], look["code"]) for look in looks}, {("fin", "ok")})
    verify(site)


@check
def approve_a_request_outlives_kills_and_serves_once(world):
    site = approval_site(world, "kills")
    token = world.token(site, "support")
    desk = Desk(world, site)
    with Server(site) as server:
        handle = hold_one(server, token)
        server.kill()
        desk.approve(handle)
        server.start()
        server.wait_until_ready()
        expect_in('"changed":1', result_of(server, token, handle))
        server.kill()
        server.start()
        server.wait_until_ready()
        expect_in("approval.over", result_of(server, token, handle))
    verify(site)


@check
def approve_a_stop_hands_out_handles(world):
    site = approval_site(world, "stop")
    token = world.token(site, "support")
    with Server(site) as server:
        with Stream(server, token, call("held", ARGUMENTS)) as stream:
            handle = Desk(world, site).waiting()
            server.stop()
            last = [message for message in stream.messages() if "result" in message][-1]
            expect_in(handle, last["result"]["content"][0]["text"])
        server.start()
        server.wait_until_ready()
        Desk(world, site).approve(handle)
        expect_in('"changed":1', result_of(server, token, handle))


@check
def approve_other_manifests_void_what_was_approved(world):
    site = approval_site(world, "reload")
    token = world.token(site, "support")
    with Server(site) as server:
        handle = hold_one(server, token)
        Desk(world, site).approve(handle)
        policy = site.manifests / "policy" / "made.json"
        policy.write_text(policy.read_text() + "\n")
        server.reload()
        expect_in("approval.outdated", result_of(server, token, handle))


@check
def approve_decisions_are_on_record(world):
    site = approval_site(world, "record")
    token = world.token(site, "support")
    with Server(site) as server:
        handle = hold_one(server, token)
        Desk(world, site).approve(handle)
        result_of(server, token, handle)
    of = [(line["event"], line.get("decision")) for line in lines_of(site)
          if line.get("approval") == handle]
    expect(of, [("held", None), ("intent", "hold"), ("decision", "approve")])
    verify(site)
