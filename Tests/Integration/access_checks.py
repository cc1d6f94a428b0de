"""Tools that are asked for and granted for a while: the official client in both eras, the command
line beside it, several processes on one state, and those who want more than they may have."""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import anyio

from approval_checks import WAYS, Desk, done, handle_in
from client_checks import connected, refusal_of
from harness import DEMO, Server, Site, check, environment, eventually, expect, expect_in
from record import verify
from wire import call, post

GRANT = re.compile(r"gra_[A-Za-z0-9_-]{20}")
LENT = ["lent_read", "lent_write"]


def lending_site(world, name, hold="0s", **more):
    site = Site(world.binary, DEMO, world.directory, f"{name}-{os.urandom(3).hex()}",
                made_tools=False)
    for tool, effect, sql in [
        ("lent_read", "read", "select id from payments where id = :payment"),
        ("lent_write", "write", "update payments set state = 'refunded' where id = :payment"),
        ("kept", "read", "select :payment as payment"),
    ]:
        (site.manifests / "tools" / f"{tool}.json").write_text(json.dumps({
            "tool": tool, "title": tool, "description": "Made for a test.", "backend": "shop",
            "scope": "lent.all" if tool in LENT else "kept.all", "effect": effect,
            "input": {"payment": {"type": "integer"}}, "sql": sql}))
    (site.manifests / "policy" / "made.json").write_text(json.dumps({"access": [{
        "access": "lent", "grant": ["lent.*"], "to": {"groups": ["support"]}, "longest": "1h",
        "approvers": {"groups": ["finance"]}, "reason": "for a case at hand", "hold": hold} | more]}))
    return site


class Lender(Desk):
    """A person who decides, and sees what was granted."""

    def grants(self, *words):
        words = [self.site.binary, "grants", *words, "--manifests", str(self.site.manifests),
                 "--state", str(self.site.state)]
        return subprocess.run(
            words, capture_output=True, text=True, timeout=30, env=environment(self.token))

    def listed_grants(self):
        return [json.loads(line) for line in self.grants("list", "--json").stdout.splitlines()]


def asking(*tools, minutes=10, reason="case 4711"):
    return {"tools": list(tools), "minutes": minutes, "reason": reason}


def told_in(server, token, tool, arguments):
    answer = post(server, token, call(tool, arguments)).json
    return answer["error"]["message"] if "error" in answer else answer["result"]["content"][0]["text"]


def granted(server, token, desk, *tools, minutes=10, words=()):
    """Asked for, approved and taken; what the caller was told."""
    told = told_in(server, token, "request_access", asking(*tools, minutes=minutes))
    handle = re.search(r"apr_[A-Za-z0-9_-]{20}", told).group()
    decided = desk.run("approve", handle, *words)
    expect((decided.returncode, decided.stderr), (0, ""))
    return json.loads(told_in(server, token, "approval_result", {"handle": handle}))


@check.each(WAYS)
def access_asked_for_is_there_until_its_time_ends(world, way):
    site = lending_site(world, "lending", hold="20s")
    desk = Lender(world, site)

    async def names(client):
        return {tool.name for tool in (await client.list_tools()).tools}

    async def main(server):
        events = []

        async def heard(message):
            events.append(type(message).__name__)

        async with connected(world, way, "support", site=site, url=server and server.url,
                             heard=heard) as client, contextlib.AsyncExitStack() as stack:
            before = await names(client)
            expect(before & {"request_access", "kept", *LENT}, {"request_access"})
            text = refusal_of(await client.call_tool("lent_write", {"payment": 3}))
            expect_in("scope.may_ask", text)
            expect_in("request_access", text)
            if way.is_stateless:
                wanted = await stack.enter_async_context(client.listen(tools_list_changed=True))
            elif server:
                await anyio.sleep(0.5)

            async def changed(count):
                if way.is_stateless:
                    return await wanted.__anext__()
                with anyio.fail_after(10):
                    while sum("ToolListChanged" in name for name in events) < count:
                        await anyio.sleep(0.02)

            asked = asyncio.create_task(client.call_tool("request_access", asking(*LENT)))
            handle = await asyncio.to_thread(desk.waiting)
            wider = await asyncio.to_thread(desk.run, "approve", handle, "--for", "11m")
            expect_in("gives less and never more", wider.stderr)
            less = ["--for", "3s", "--tools", "lent_write"]
            await asyncio.to_thread(desk.run, "approve", handle, *less)
            told = done(await asked)
            expect((told["tools"], told["seconds"]), (["lent_write"], 3))
            expect_in("less than was asked for", told["narrowed"])
            await changed(1)
            expect(await names(client) - before, {"lent_write"})
            expect(done(await client.call_tool("lent_write", {"payment": 3})), {"changed": 1})
            text = refusal_of(await client.call_tool("lent_read", {"payment": 3}))
            expect_in("scope.may_ask", text)
            await changed(2)
            expect(await names(client), before)
            text = refusal_of(await client.call_tool("lent_write", {"payment": 3}))
            expect_in("scope.may_ask", text)

    async def run():
        if way.transport == "stdio":
            return await main(None)
        with Server(site) as server:
            await main(server)

    asyncio.run(asyncio.wait_for(run(), 60))
    verify(site)


@check.each([way for way in WAYS if way.transport == "http"])
def access_is_picked_up_by_its_handle(world, way):
    site = lending_site(world, "handed")

    async def run():
        with Server(site) as server:
            async with connected(
                    world, way, "support", site=site, url=server.url) as client:
                handle = handle_in(await client.call_tool("request_access", asking("lent_read")))
                await asyncio.to_thread(Lender(world, site).approve, handle)
                result = done(await client.call_tool("approval_result", {"handle": handle}))
                expect(result["seconds"], 600)
                expect_in("approval.over", refusal_of(
                    await client.call_tool("approval_result", {"handle": handle})))
                gone = handle_in(await client.call_tool("request_access", asking("lent_write")))
                await client.call_tool("approval_result", {"handle": gone, "cancel": True})
                refused = await asyncio.to_thread(Lender(world, site).run, "approve", gone)
                expect_in("cancelled already", refused.stderr)

    asyncio.run(asyncio.wait_for(run(), 60))


@check
def access_holds_for_all_processes_and_outlives_kills(world):
    site = lending_site(world, "processes")
    token, desk = world.token(site, "support"), Lender(world, site)
    with Server(site) as one, Server(site) as two:
        grant = granted(one, token, desk, "lent_read")["grant"]
        expect_in('"id":3', told_in(two, token, "lent_read", {"payment": 3}))
        two.kill()
        two.start()
        two.wait_until_ready()
        expect_in('"id":3', told_in(two, token, "lent_read", {"payment": 3}))
        revoked = desk.grants("revoke", grant[:14])
        expect((revoked.returncode, revoked.stderr), (0, ""))
        for server in (one, two):
            expect_in("scope.may_ask", told_in(server, token, "lent_read", {"payment": 3}))
    expect(desk.listed_grants(), [])
    under = [json.loads(line) for line in site.run(
        "audit", "list", "--grant", grant, "--json", "--manifests", str(site.manifests),
        "--state", str(site.state)).stdout.splitlines()]
    events = [line["event"] for line in under]
    expect((events.count("grant"), events.count("outcome")), (2, 2))
    expect({line["grant"] for line in under}, {grant})
    states = [(line["state"], line["caller"]["subject"]) for line in under if "state" in line]
    expect(states, [("granted", "tester"), ("revoked", "fin")])
    verify(site)


@check
def access_nobody_gets_more_than_people_said(world):
    """As an agent would that wants more."""
    site = lending_site(world, "wanting", approvers={"groups": ["finance", "support"]})
    token = world.token(site, "support", subject="eva")
    own = Lender(world, site, "eva", ("support", "finance"))
    with Server(site) as server:
        def code(arguments, tool="request_access", by=token):
            return told_in(server, by, tool, arguments)

        for tools in [["kept"], ["lent_read", "kept"], ["Lent_read"], ["lent_read\u200b"],
                      ["ｌent_read"], ["lent_*"], ["*"], ["request_access"], ["lent.all"]]:
            expect_in("access.not_offered", code(asking(*tools)))
        for minutes in [0, -1, 61, 1.5, 2 ** 63, 1e300, "10", None, True, [10]]:
            expect_in("arguments.invalid", code(asking("lent_read", minutes=minutes)))
        expect_in("arguments.invalid", code(asking("lent_read") | {"approved": True}))
        expect_in("arguments.invalid", code(asking(*["lent_read"] * 40)))
        expect_in("Unknown tool", code(
            asking("lent_read"), by=world.token(site, "sales", subject="sam")))
        told = code(asking("lent_read"))
        handle = re.search(r"apr_[A-Za-z0-9_-]{20}", told).group()
        expect_in("their own call", own.run("approve", handle).stderr)
        stranger = world.token(site, "support", subject="sue")
        expect_in("approval.unknown_handle", code({"handle": handle}, "approval_result", stranger))
        grown = Lender(world, site).run("modify", handle, '{"minutes": 60}')
        expect_in("approve less of it", grown.stderr)
        Lender(world, site).approve(handle)
        # Many at once come for what was approved once.
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(
                lambda _: code({"handle": handle}, "approval_result"), range(16)))
        expect(sum(GRANT.search(answer) is not None for answer in answers), 1, "grants")
        expect(len(own.listed_grants()), 1, "grants listed")
        # With another client, another person behind it, or as an agent it is nobody's.
        altered = [site.altered_token(token, client_id="other"),
                   site.altered_token(token, act={"sub": "bot"})]
        for other in altered:
            expect_in("scope.may_ask", code({"payment": 3}, "lent_read", other))
        fewer = site.altered_token(token, groups=[])
        expect_in("Unknown tool", code({"payment": 3}, "lent_read", fewer))
        expect_in('"id":3', code({"payment": 3}, "lent_read"))
        grant = own.listed_grants()[0]["grant"]
        refused = Lender(world, site, "sam", ("sales",)).grants("revoke", grant)
        expect((refused.returncode, "can end it" in refused.stderr), (1, True))
    verify(site)


@check
def access_ends_with_its_offer(world):
    site = lending_site(world, "offers")
    token, desk = world.token(site, "support"), Lender(world, site)
    policy = site.manifests / "policy" / "made.json"
    before = policy.read_text()
    with Server(site) as server:
        granted(server, token, desk, *LENT)
        policy.write_text(before.replace('"lent.*"', '"none.*"'))
        server.reload()
        expect_in("Unknown tool", told_in(server, token, "lent_read", {"payment": 3}))
        policy.write_text(before)
        server.reload()
        expect_in('"id":3', told_in(server, token, "lent_read", {"payment": 3}))


@check
def access_costs_nothing_to_those_who_have_their_tools(world):
    """A flood of requests and grants of others leaves them alone."""
    site = lending_site(world, "flood")
    token = world.token(site, "support", subject="flood")
    with Server(site) as server:
        def ask(number):
            return told_in(server, token, "request_access", asking(
                "lent_read", reason=f"case {number}"))

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(1_100)))
        expect(sum("approval.pending" in answer for answer in answers), 1_000, "held")
        expect(sum("approval.limit" in answer for answer in answers), 100, "refused")
        other = world.token(site, "support", subject="calm")
        began = time.monotonic()
        for _ in range(20):
            expect_in('"name"', told_in(server, other, "customer_by_id", {"id": 7}))
        expect(time.monotonic() - began < 5, True, "in time")
