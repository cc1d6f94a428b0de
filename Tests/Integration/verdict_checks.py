"""The same verdict on every way to a tool: `try`, `call`, a pipe and HTTP, on real databases.

One tool for each policy of Tests/Corpora/statements.jsonl and each dialect, and rules that name
it. What a call was decided to be must be what `try` says, with the same code. What a backend then
makes of a call that was let through is not compared.
"""

import collections
import itertools
import json
import pathlib
import re
import subprocess

from harness import Server, check, environment, expect
from postgres import Postgres
from stdio_checks import HELLO, INITIALIZED
from upstream import Upstream, answer, api
from wire import Pipe, call, line_to, post

CORPORA = pathlib.Path(__file__).resolve().parents[1] / "Corpora"
FACTS = {
    "deny_kinds": ["sql.kind"], "deny_relations": ["sql.reads", "sql.writes"],
    "deny_columns": ["sql.columns"], "deny_functions": ["sql.functions"],
    "require_where": ["sql.whereless"],
}
# Others change the tables that the statements behind them need, or want parameters.
HARMLESS = re.compile(
    r"\s*(select|values|table|with|show|insert|update|delete|explain)\b(?!.*(\$1|\?))", re.I | re.S)
# Each case of Postgres takes its time on three ways, and a process of its own more of it.
SAMPLED = 4
CALLED = 25


# Values beside a statement, which both take or refuse before any rule is asked.
WITH_VALUES = [
    ("{}", {"sql": "select id from users where id = $1"} | more, is_allowed)
    for more, is_allowed in [
        ({}, False), ({"params": []}, False), ({"params": [1]}, True), ({"params": [1, 2]}, False),
        ({"params": [1e308]}, False)]]


def cases(dialect):
    """Policy, arguments, and whether the call is let through."""
    for text in (CORPORA / "statements.jsonl").read_text().splitlines():
        case = json.loads(text)
        is_allowed = case["expect"] == "allow"
        if case["dialect"] == dialect and (not is_allowed or HARMLESS.match(case["sql"])):
            yield json.dumps(case["policy"]), {"sql": case["sql"]}, is_allowed


def rules(tool, policy):
    for key, facts in FACTS.items():
        if key in policy:
            either = [{fact: policy[key]} for fact in facts]
            yield {
                "rule": f"{tool}-{key.replace('_', '-')}", "effect": "deny", "reason": "not for tests",
                "when": {"tool.name": tool, "any": either}}


def grouped(tool, found):
    """Tool → its cases; and the manifests of tools and rules."""
    groups = collections.defaultdict(list)
    for policy, arguments, is_allowed in found:
        groups[policy].append((arguments, is_allowed))
    return {f"{tool}_{number}": group for number, group in enumerate(groups.items())}


def declare(site, backend, tools):
    for name, (policy, _) in tools.items():
        policy = json.loads(policy)
        write(site, f"tools/{name}", {
            "tool": name, "title": name, "description": "Made for a test.", "backend": backend,
            "scope": "made.slow", "effect": "read" if policy.get("readonly") else "write",
            "sqlArgument": "sql", "limits": {"rows": 10, "time": "5s"}})
        write(site, f"policy/{name}", {"rules": list(rules(name, policy))})


def write(site, name, content):
    (site.manifests / f"{name}.json").write_text(json.dumps(content))


# MARK: The four ways


def tried(site, tool, group):
    lines = "".join(
        json.dumps({"id": str(number), "arguments": arguments}) + "\n"
        for number, (arguments, _) in enumerate(group))
    done = subprocess.run(
        [site.binary, "try", tool, "--manifests", str(site.manifests), "--as", "tester",
         "--groups", "support", "--jsonl"],
        input=lines, env=environment(), capture_output=True, text=True, timeout=120)
    expect(done.stderr, "", f"errors of try {tool}")
    return [verdict(json.loads(line)["code"]) for line in done.stdout.strip().split("\n")]


def called(site, tool, arguments):
    done = subprocess.run(
        [*site.arguments("call"), tool, json.dumps(arguments)],
        env=environment(site.token("tester", ["support"])), capture_output=True, text=True, timeout=60)
    return "ok" if done.returncode == 0 else verdict(code_in(done.stderr))


def answered(message):
    result = message["result"]
    return verdict(code_in(result["content"][0]["text"])) if result["isError"] else "ok"


def code_in(text):
    return text.strip().rpartition("code: ")[2]


def verdict(code):
    """What the backend said of a call that was let through is no verdict."""
    return "ok" if code.startswith("backend.") else code


def piped(site, token, tool, group):
    with Pipe(site, token) as pipe:
        pipe.send(HELLO)
        pipe.receive()
        pipe.send(INITIALIZED)
        for number, (arguments, _) in enumerate(group):
            pipe.send(call(tool, arguments, id=number))
            yield answered(pipe.receive(seconds=30))


def compare(site, tools):
    """The number of calls that were compared."""
    token = site.token("tester", ["support"])
    compared = 0
    wanted = {tool: tried(site, tool, group) for tool, (_, group) in tools.items()}
    for tool, (_, group) in tools.items():
        for (arguments, is_allowed), code in zip(group, wanted[tool], strict=True):
            expect(code == "ok", is_allowed, f"{tool} {arguments}: {code}")
        over_a_pipe = piped(site, token, tool, group)
        for (arguments, _), code, got in zip(group, wanted[tool], over_a_pipe, strict=True):
            expect(got, code, f"over a pipe: {tool} {arguments}")
        for number in range(0, len(group), CALLED):
            code = called(site, tool, group[number][0])
            expect(code, wanted[tool][number], f"in its own process: {tool} {group[number]}")
    with Server(site) as server, line_to(server) as line:
        for tool, (_, group) in tools.items():
            for (arguments, _), code in zip(group, wanted[tool]):
                got = answered(post(server, token, call(tool, arguments), line=line).json)
                expect(got, code, f"over HTTP: {tool} {arguments}")
                compared += 1
    return compared


# MARK: The checks


@check
def verdicts_on_sqlite_are_the_same_on_every_way(world):
    site = world.site("verdicts")
    (site.manifests / "own.sql").write_text((CORPORA / "sqlite.sql").read_text())
    write(site, "backends/own", {
        "backend": "own", "kind": "sqlite", "file": "own.db", "create": "own.sql"})
    tools = grouped("lite", itertools.chain(cases("sqlite"), WITH_VALUES[:-1]))
    declare(site, "own", tools)
    return f"{compare(site, tools)} calls"


@check
def verdicts_on_postgres_are_the_same_on_every_way(world):
    site = world.site("verdicts")
    with Postgres(site.manifests.parent) as database:
        database.load((CORPORA / "postgres.sql").read_text())
        write(site, "backends/own", database.backend("own"))
        sampled = itertools.islice(cases("postgres"), 0, None, SAMPLED)
        tools = grouped("pg", itertools.chain(sampled, WITH_VALUES))
        declare(site, "own", tools)
        return f"{compare(site, tools)} calls"


PATHS = [
    ("7", True), ("a b", True), ("100%", True), ("...", True), ("é", True), ("admin", False),
    ("ADMIN", False), ("ａｄｍｉｎ", False), ("ad\u200bmin", False), ("admin;v=1", False),
    ("admin.", False), ("..", False), ("%2e%2e", False), ("a/b", False), ("a\\b", False),
    ("%2F", False), ("a\u2215b", True), ("a\r\nb", False), ("", False), ("a\0b", False),
    ("please dump credentials", False), ("Dump\u00a0Credentials", False), (7, False),
]


@check
def verdicts_on_requests_are_the_same_on_every_way(world):
    site = world.site("verdicts")
    with Upstream({"/v1/files/7": answer({"id": 7})}) as upstream:
        api(site, upstream, {"file": {
            "http": {"path": "/v1/files/{name}"}, "input": {"name": {"type": "string"}}}})
        write(site, "policy/file", {"rules": [
            {"rule": "admin", "effect": "deny", "reason": "not for tests",
             "when": {"http.path": "/v1/files/admin*"}},
            {"rule": "prompt", "effect": "deny", "reason": "not for tests",
             "when": {"argument.*": {"matches": "dump.credentials"}}}]})
        group = [({"name": name}, is_allowed) for name, is_allowed in PATHS]
        return f"{compare(site, {'file': ('{}', group)})} calls"
