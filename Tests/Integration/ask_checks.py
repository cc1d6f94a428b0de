"""Tools that ask their caller first, and calls that go on as tasks: the official client where its
API has them, raw messages where it has not, and kills in between."""

import asyncio
import json
import os
import signal
import sqlite3
import time

import jsonschema
from mcp.types import ElicitResult

import messages
from approval_checks import ARGUMENTS, Approving, Desk
from client_checks import WAYS, connected, error_of, refusal_of
from harness import DEMO, Server, Site, check, eventually, expect, expect_in
from record import Record, verify
from wire import (
    CAPABILITIES_KEY, Pipe, Stream, call, post, request, stateless, stateless_headers,
)

ASKING = DEMO.parent / "examples" / "asking"
TASKS = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
FORMS = {"elicitation": {}}
ACCEPT = {"action": "accept", "content": {"confirm": True}}
ASKS = [way for way in WAYS if way.mode != "2026-07-28"]

# What the extension's own types say (ext-tasks, 2026-07-28).
TASK = {
    "type": "object",
    "required": ["resultType", "taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs"],
    "properties": {
        "resultType": {"const": "complete"}, "taskId": {"type": "string", "minLength": 1},
        "status": {"enum": ["working", "input_required", "completed", "cancelled", "failed"]},
        "statusMessage": {"type": "string"},
        "createdAt": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "lastUpdatedAt": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "ttlMs": {"type": ["integer", "null"], "minimum": 0},
        "pollIntervalMs": {"type": "integer", "minimum": 0},
        "result": {"type": "object"},
        "error": {"type": "object", "required": ["code", "message"]},
    },
    "allOf": [
        {"if": {"properties": {"status": {"const": "completed"}}}, "then": {"required": ["result"]},
         "else": {"not": {"required": ["result"]}}},
        {"if": {"properties": {"status": {"const": "failed"}}}, "then": {"required": ["error"]},
         "else": {"not": {"required": ["error"]}}},
    ],
}
CREATED = TASK | {"properties": TASK["properties"] | {
    "resultType": {"const": "task"}, "status": {"const": "working"}}}
EMPTY = {"type": "object", "required": ["resultType"],
         "properties": {"resultType": {"const": "complete"}, "_meta": {"type": "object"}},
         "additionalProperties": False}
NOTICE = TASK | {"required": TASK["required"][1:], "properties": TASK["properties"] | {
    "resultType": False, "_meta": {"type": "object"}}}
messages.NOTIFICATIONS["notifications/tasks"] = jsonschema.Draft202012Validator(NOTICE)
messages.EXTENSIONS |= {
    (method, kind): jsonschema.Draft202012Validator(schema)
    for method, kind, schema in [
        ("tools/call", "task", CREATED), ("tasks/get", "complete", TASK),
        ("tasks/update", "complete", EMPTY), ("tasks/cancel", "complete", EMPTY)]}


def asking_site(world, name):
    """The example, with tools that take long, ask briefly, or insist."""
    site = Site(world.binary, ASKING, world.directory, f"{name}-{os.urandom(3).hex()}",
                made_tools=False)
    slow = ("with recursive c(n) as (select 1 union all select n + 1 from c where n < :n) "
            "select count(*) as counted from c")
    slow_write = ("update accounts set state = 'slow' where id = 3 and (with recursive c(n) as "
                  "(select 1 union all select n + 1 from c where n < :n) "
                  "select count(*) from c) > 0")
    number = {"n": {"type": "integer", "minimum": 1}}
    tools = {
        "count": {"effect": "read", "sql": slow, "input": number, "task": "required"},
        "slow_write": {"effect": "write", "sql": slow_write, "input": number, "task": "allowed"},
        "brief": {"effect": "read", "sql": "select 1 as one",
                  "confirm": {"question": "Quick?", "expires": "1s"}},
        "strict": {"effect": "read", "sql": "select 1 as one",
                   "confirm": {"question": "Sure?", "otherwise": "error"}},
    }
    for tool, parts in tools.items():
        manifest = {
            "tool": tool, "title": tool, "description": "Made for a test.", "backend": "accounts",
            "scope": "accounts.read", "limits": {"time": "60s"}} | parts
        (site.manifests / "tools" / f"{tool}.json").write_text(json.dumps(manifest))
    return site


class Asking:
    """A server on that site; one for all checks here."""

    _server = None

    @classmethod
    def server(cls, world):
        if cls._server is None:
            cls._server = world._cleanup.enter_context(Server(asking_site(world, "asking")))
        return cls._server


def staff(world, subject="tester"):
    return world.token(Asking.server(world).site, "staff", subject=subject)


def with_answer(answer, ways=ASKS):
    """A check of each way whose client answers questions by `answer(message)`."""

    def decorate(function):
        async def run(world, way):
            asked = []

            async def on_question(context, params):
                asked.append(params.message)
                return await answer(world) if asyncio.iscoroutinefunction(answer) else answer(world)

            server = Asking.server(world)
            async with connected(
                world, way, "staff", site=server.site, url=server.url,
                elicitation=on_question if answer else None,
            ) as client:
                await function(world, way, client, asked)

        def checked(world, way):
            asyncio.run(asyncio.wait_for(run(world, way), 40))

        checked.__name__ = "ask_" + function.__name__
        return check.each(ways)(checked)

    return decorate


def state_of(world, account):
    return Asking.server(world).site.rows("select state from accounts where id = ?", account)


def asks(way):
    """The first revisions had no way to ask."""
    return way.has_structured_content


@with_answer(lambda world: ElicitResult(action="accept", content={"confirm": True}))
async def a_yes_runs_the_call(world, way, client, asked):
    result = await client.call_tool("close_account", {"account": 99})
    if not asks(way):
        return expect_in("confirm.unreachable", refusal_of(result))
    expect(json.loads(result.content[0].text), {"changed": 0})
    expect(asked, ['Close this account for good?\n\nclose_account {"account":99}'])


@with_answer(lambda world: ElicitResult(action="decline"))
async def a_no_runs_nothing(world, way, client, asked):
    text = refusal_of(await client.call_tool("close_account", {"account": 1}))
    expect_in("confirm.declined" if asks(way) else "confirm.unreachable", text)
    expect(state_of(world, 1), [("open",)])


@with_answer(lambda world: ElicitResult(action="cancel"))
async def closing_the_question_runs_nothing(world, way, client, asked):
    text = refusal_of(await client.call_tool("close_account", {"account": 1}))
    expect_in("confirm.dismissed" if asks(way) else "confirm.unreachable", text)
    expect(state_of(world, 1), [("open",)])


@with_answer(lambda world: ElicitResult(action="accept", content={"confirm": False}))
async def a_form_with_a_no_is_a_no(world, way, client, asked):
    text = refusal_of(await client.call_tool("close_account", {"account": 1}))
    expect_in("confirm.declined" if asks(way) else "confirm.unreachable", text)


@with_answer(lambda world: ElicitResult(action="accept", content={"other": "x"}))
async def a_form_without_its_box_is_no_answer(world, way, client, asked):
    if way.is_stateless:
        error = await error_of(client.call_tool("close_account", {"account": 1}))
        expect((error.error.code, error.error.data["code"]), (-32602, "confirm.answer"))
    else:
        text = refusal_of(await client.call_tool("close_account", {"account": 1}))
        expect_in("confirm.answer" if asks(way) else "confirm.unreachable", text)
    expect(state_of(world, 1), [("open",)])


async def late(world):
    await asyncio.sleep(2.2)
    return ElicitResult(action="accept", content={"confirm": True})


@with_answer(late)
async def who_answers_too_late_runs_nothing(world, way, client, asked):
    if way.is_stateless:
        error = await error_of(client.call_tool("brief", {}))
        expect((error.error.code, error.error.data["code"]), (-32602, "confirm.state"))
    else:
        text = refusal_of(await client.call_tool("brief", {}))
        expect_in("confirm.timed_out" if asks(way) else "confirm.unreachable", text)


@with_answer(None)
async def a_client_that_cannot_ask_is_refused(world, way, client, asked):
    text = refusal_of(await client.call_tool("close_account", {"account": 1}))
    expect_in("confirm.unreachable", text)
    if way.is_stateless:
        error = await error_of(client.call_tool("strict", {}))
        expect((error.error.code, error.error.data["requiredCapabilities"]), (-32021, FORMS))
    else:
        expect_in("confirm.unreachable", refusal_of(await client.call_tool("strict", {})))


# MARK: Raw: the stateless era


def declaring(message, capabilities):
    message = stateless(message)
    message["params"]["_meta"][CAPABILITIES_KEY] = capabilities
    return message


def post_declaring(server, token, message, capabilities, changes=None):
    message = declaring(message, capabilities)
    headers = stateless_headers(message)
    if task := message["params"].get("taskId"):
        headers["Mcp-Name"] = task
    return post(server, token, message, headers | (changes or {}))


def question_of(server, token, tool="close_account", arguments=None):
    arguments = {"account": 1} if arguments is None else arguments
    asked = post_declaring(server, token, call(tool, arguments), FORMS).json
    expect(asked["result"]["resultType"], "input_required")
    return asked["result"]["requestState"]


def answer_to(server, token, state, tool="close_account", arguments=None, answer=ACCEPT):
    message = call(tool, {"account": 1} if arguments is None else arguments, requestState=state,
                   inputResponses={"confirm": answer})
    return post_declaring(server, token, message, FORMS)


@check
def ask_states_that_are_not_good_here_are_all_refused_alike(world):
    server, token = Asking.server(world), staff(world)
    state = question_of(server, token)
    head, tail = state[:-1], state[-1]
    told = set()
    for case in [
        lambda: answer_to(server, token, head + ("A" if tail != "A" else "B")),
        lambda: answer_to(server, token, head), lambda: answer_to(server, token, state + "A"),
        lambda: answer_to(server, token, ""), lambda: answer_to(server, token, "x" * 100_000),
        lambda: answer_to(server, token, state, arguments={"account": 2}),
        lambda: answer_to(server, token, state, tool="strict", arguments={}),
        lambda: answer_to(server, token, state, tool="accounts_by_year", arguments={}),
        lambda: answer_to(server, staff(world, "other"), state),
    ]:
        answer = case()
        error = answer.json.get("error") or {}
        expect((answer.status, error.get("code")), (400, -32602), str(answer.body[:200]))
        told.add((error["message"], json.dumps(error["data"])))
    expect(len(told), 1, "texts")
    expect(state_of(world, 1), [("open",)])
    declined = answer_to(server, token, state, answer={"action": "decline"}).json
    expect_in("confirm.declined", declined["result"]["content"][0]["text"])
    expect(answer_to(server, token, state).json["error"]["data"]["code"], "confirm.state")


@check
def ask_a_state_serves_once_over_processes_and_kills(world):
    site = asking_site(world, "once")
    token = world.token(site, "staff")
    with Server(site) as server:
        first, second = question_of(server, token), question_of(server, token)
        server.kill()
        server.start()
        server.wait_until_ready()
        # A question outlives its process, and its answer is used up for all of them.
        expect(answer_to(server, token, first).json["result"]["isError"], False)
        server.kill()
        server.start()
        server.wait_until_ready()
        expect(answer_to(server, token, first).json["error"]["code"], -32602)
        with Pipe(site, token) as pipe:
            for id, state, wanted in [(1, first, False), (2, second, True)]:
                pipe.send(declaring(call(
                    "close_account", {"account": 1}, id, requestState=state,
                    inputResponses={"confirm": ACCEPT}), FORMS))
                answer = pipe.receive()
                expect("result" in answer, wanted, f"is answered by {answer}")
        expect(answer_to(server, token, second).json["error"]["code"], -32602)
    verify(site)


@check
def ask_a_question_and_its_answer_are_on_record(world):
    site = asking_site(world, "record")
    token = world.token(site, "staff")
    with Server(site) as server:
        answer_to(server, token, question_of(server, token), answer={"action": "decline"})
        answer_to(server, token, question_of(server, token))
    lines = [
        json.loads(line) for path in sorted((site.state / "record").glob("*.jsonl"))
        for line in path.read_text().splitlines()]
    codes = [line["code"] for line in lines if line["event"] == "outcome"]
    expect(codes, ["confirm.required", "confirm.declined", "confirm.required", "ok"])
    intent = next(line for line in lines if line["event"] == "intent")
    asked = [line["noted"] for line in lines if line.get("code") == "confirm.required"]
    expect(asked[1], "question " + intent["confirmed"])
    verify(site)


# MARK: Raw: the handshake era


def begin_question(server, token, sid, id=7):
    """A call under way whose question has arrived; returns its stream and the question."""
    headers = {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": sid}
    stream = Stream(server, token, call("close_account", {"account": 2}, id=id), headers)
    while event := stream.next():
        if event["data"] and event.json.get("method") == "elicitation/create":
            return stream, event.json
    raise AssertionError("no question")


def asking_session(server, token, capabilities=FORMS):
    hello = request("initialize", {
        "protocolVersion": "2025-11-25", "capabilities": capabilities,
        "clientInfo": {"name": "test", "version": "1"}})
    return post(server, token, hello).headers["Mcp-Session-Id"]


def respond(server, token, sid, id, result=None):
    changes = {"MCP-Protocol-Version": "2025-11-25"} | ({"Mcp-Session-Id": sid} if sid else {})
    message = {"jsonrpc": "2.0", "id": id, "result": ACCEPT if result is None else result}
    return post(server, token, message, changes).status


@check
def ask_answers_of_others_do_not_count(world):
    server, token, other = Asking.server(world), staff(world), staff(world, "other")
    sid = asking_session(server, token)
    stream, question = begin_question(server, token, sid)
    with stream:
        expect(respond(server, token, asking_session(server, token), question["id"]), 202)
        expect(respond(server, token, None, question["id"]), 202)
        expect(respond(server, other, asking_session(server, other), question["id"]), 202)
        expect(respond(server, other, sid, question["id"]), 404)
        expect(respond(server, token, sid, "made up"), 202)
        expect(respond(server, token, sid, 7), 202)
        expect(respond(server, token, sid, question["id"], {"action": "decline"}), 202)
        [answer] = [m for m in stream.messages() if m.get("id") == 7]
        expect_in("confirm.declined", answer["result"]["content"][0]["text"])
    expect(state_of(world, 2), [("open",)])


@check
def ask_a_session_asks_only_if_its_client_said_that_it_can(world):
    server, token = Asking.server(world), staff(world)
    for capabilities in [{}, {"elicitation": {"url": {}}}, {"elicitation": None}]:
        sid = asking_session(server, token, capabilities)
        answer = post(server, token, call("close_account", {"account": 2}),
                      {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": sid})
        expect_in("confirm.unreachable", answer.json["result"]["content"][0]["text"])
    # Whoever turns the byte in their session has no session.
    plain, able = asking_session(server, token, {}), asking_session(server, token)
    forged = plain[:22] + able[22] + plain[23:]
    for sid in {forged} - {plain}:
        answer = post(server, token, request("ping"), {"Mcp-Session-Id": sid})
        expect(answer.status, 404)


@check
def ask_a_call_that_is_cancelled_while_it_asks_runs_nothing(world):
    server, token = Asking.server(world), staff(world)
    sid = asking_session(server, token)
    stream, question = begin_question(server, token, sid, id=8)
    with stream:
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 8}}
        headers = {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": sid}
        expect(post(server, token, cancel, headers).status, 202)
        rest = stream.messages()
        expect([m for m in rest if m.get("id") == 8], [], "answers to a cancelled call")
    expect(respond(server, token, sid, question["id"]), 202)
    expect(state_of(world, 2), [("open",)])


@check
def ask_a_reload_takes_open_questions_away(world):
    site = asking_site(world, "reload")
    token = world.token(site, "staff")
    with Server(site) as server:
        sid = asking_session(server, token)
        stream, question = begin_question(server, token, sid)
        with stream:
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: "reload: ok" in site.log_file.read_text(), "the reload")
            respond(server, token, sid, question["id"])
            [answer] = [m for m in stream.messages() if m.get("id") == 7]
            expect_in("confirm.outdated", answer["result"]["content"][0]["text"])
        expect(site.rows("select state from accounts where id = 2"), [("open",)])


# MARK: Tasks


def task_call(server, token, tool, arguments=None, capabilities=TASKS):
    return post_declaring(server, token, call(tool, arguments or {}), capabilities).json


def task_method(server, token, method, id, capabilities=TASKS, changes=None, **params):
    message = request(method, {"taskId": id} | params)
    return post_declaring(server, token, message, capabilities, changes)


def task_of(server, token, id):
    return task_method(server, token, "tasks/get", id).json["result"]


def ended_task(server, token, id, seconds=20):
    def ended():
        task = task_of(server, token, id)
        return task if task["status"] != "working" else None

    return eventually(ended, "the end of the task", seconds)


@check
def task_a_call_is_answered_with_a_handle_and_fetched(world):
    server, token = Asking.server(world), staff(world)
    direct = task_call(server, token, "accounts_by_year", capabilities={})["result"]
    made = task_call(server, token, "accounts_by_year")["result"]
    expect((made["resultType"], made["status"]), ("task", "working"))
    done = ended_task(server, token, made["taskId"])
    expect((done["status"], done["result"]), ("completed", direct))
    ack = task_method(server, token, "tasks/update", made["taskId"], inputResponses={"x": {}}).json
    expect(ack["result"]["resultType"], "complete")
    expect(task_method(server, token, "tasks/cancel", made["taskId"]).status, 200)
    expect(task_of(server, token, made["taskId"]), done)


@check
def task_a_call_that_a_person_decides_about_ends_when_they_have(world):
    server = Approving.server(world)
    token = world.token(server.site, "support", subject="tasker")
    made = task_call(server, token, "task", ARGUMENTS)["result"]
    expect((made["resultType"], made["status"]), ("task", "working"))
    desk = Desk(world, server.site)
    waiting = [r["handle"] for r in desk.listed() if r["caller"]["subject"] == "tasker"]
    expect(len(waiting), 1, "requests that wait")
    desk.approve(waiting[0])
    done = ended_task(server, token, made["taskId"])
    expect((done["status"], json.loads(done["result"]["content"][0]["text"])),
           ("completed", {"changed": 1}))


@check
def task_a_slow_call_shows_itself_and_is_cancelled(world):
    server, token = Asking.server(world), staff(world)
    began = time.monotonic()
    made = task_call(server, token, "count", {"n": world.numbers_for(40)})["result"]
    expect(time.monotonic() - began < 5, True, "answered at once")
    expect(task_of(server, token, made["taskId"])["status"], "working")
    expect(task_method(server, token, "tasks/cancel", made["taskId"]).status, 200)
    expect(ended_task(server, token, made["taskId"])["status"], "cancelled")


@check
def task_strangers_and_silent_clients_learn_nothing(world):
    server, token = Asking.server(world), staff(world)
    id = task_call(server, token, "accounts_by_year")["result"]["taskId"]
    ended_task(server, token, id)
    told = set()
    for method in ["tasks/get", "tasks/update", "tasks/cancel"]:
        for bearer, name in [
            (staff(world, "other"), id), (token, "x"), (token, id[:-1]),
            (world.token(server.site, "staff", "more"), id),
        ]:
            answer = task_method(server, bearer, method, name, inputResponses={})
            expect((answer.status, answer.json["error"]["code"]), (400, -32602), method)
            told.add(answer.json["error"]["message"])
        silent = task_method(server, token, method, id, {}, inputResponses={}).json["error"]
        expect((silent["code"], silent["data"]["requiredCapabilities"]), (-32021, TASKS))
        for changes in [{"Mcp-Name": None}, {"Mcp-Name": "x"}]:
            answer = task_method(server, token, method, id, changes=changes, inputResponses={})
            expect((answer.status, answer.json["error"]["code"]), (400, -32020), str(changes))
    expect(len(told), 1, "texts")
    for method in ["tasks/list", "tasks/result"]:
        answer = task_method(server, token, method, id, changes={"Mcp-Name": None})
        expect((answer.status, answer.json["error"]["code"]), (404, -32601), method)
    refused = task_call(server, token, "count", {"n": 1}, {})["error"]
    expect((refused["code"], refused["data"]["requiredCapabilities"]), (-32021, TASKS))
    old = post(server, token, call("count", {"n": 1}), {"MCP-Protocol-Version": "2025-11-25"})
    expect_in("task.unsupported", old.json["result"]["content"][0]["text"])


def listening(server, token, ids, capabilities=TASKS):
    message = declaring(
        request("subscriptions/listen", {"notifications": {"taskIds": ids}}), capabilities)
    return Stream(server, token, message, stateless_headers(message))


@check
def task_changes_are_told_to_who_listens(world):
    server, token = Asking.server(world), staff(world)
    slow = task_call(server, token, "count", {"n": world.numbers_for(40)})["result"]["taskId"]
    quick = task_call(server, token, "accounts_by_year")["result"]["taskId"]
    foreign = task_call(
        server, staff(world, "other"), "accounts_by_year")["result"]["taskId"]
    ended_task(server, token, quick)
    with listening(server, token, [slow, foreign, "x", quick, slow]) as stream:
        heard = [stream.next().json for _ in range(3)]
        expect(heard[0]["params"]["notifications"], {"taskIds": [slow, quick]}, "agreed")
        expect({m["method"] for m in heard[1:]}, {"notifications/tasks"})
        now = {m["params"]["taskId"]: m["params"]["status"] for m in heard[1:]}
        expect(now, {slow: "working", quick: "completed"})
        task_method(server, token, "tasks/cancel", slow)
        told = stream.next().json["params"]
        expect((told["taskId"], told["status"]), (slow, "cancelled"))
        expect(told["_meta"]["io.modelcontextprotocol/subscriptionId"], 1)
    message = declaring(request("subscriptions/listen", {"notifications": {"taskIds": [slow]}}), {})
    refused = post(server, token, message, stateless_headers(message))
    expect(refused.json["error"]["data"]["requiredCapabilities"], TASKS)
    for wrong in ["x", [1], [slow] * 101]:
        message = declaring(request("subscriptions/listen", {"notifications": {"taskIds": wrong}}), TASKS)
        expect(post(server, token, message, stateless_headers(message)).json["error"]["code"], -32602)


@check
def task_what_a_kill_left_is_told_as_it_is(world):
    site = asking_site(world, "killed")
    token = world.token(site, "staff")
    number = {"n": world.numbers_for(40)}
    with Server(site) as server:
        read = task_call(server, token, "count", number)["result"]["taskId"]
        write = task_call(server, token, "slow_write", number)["result"]["taskId"]
        done = task_call(server, token, "accounts_by_year")["result"]["taskId"]
        kept = ended_task(server, token, done)
        # Another process on the same state sees them, and that their process runs.
        with Pipe(site, token) as pipe:
            pipe.send(declaring(request("tasks/get", {"taskId": read}), TASKS))
            expect(pipe.receive()["result"]["status"], "working")
            server.kill()
            pipe.send(declaring(request("tasks/get", {"taskId": read}, 2), TASKS))
            expect(pipe.receive()["result"]["status"], "failed")
        server.start()
        server.wait_until_ready()
        expect_in("Nothing was changed", task_of(server, token, read)["error"]["message"])
        expect_in("may have been made or not", task_of(server, token, write)["error"]["message"])
        expect(task_of(server, token, done), kept)
        outcomes = Record(site).update().outcomes
        expect("unknown" in [line["code"] for line in outcomes.values()], True, "the record agrees")
    verify(site)


@check
def task_a_server_that_stops_lets_its_tasks_end(world):
    site = asking_site(world, "stopped")
    token = world.token(site, "staff")
    with Server(site) as server:
        id = task_call(server, token, "count", {"n": world.numbers_for(1.5)})["result"]["taskId"]
        expect(server.stop(), 0, "exit code")
        server.start()
        server.wait_until_ready()
        expect(task_of(server, token, id)["status"], "completed")


@check
def task_a_caller_has_twenty_and_no_more(world):
    server, token = Asking.server(world), staff(world, "many")
    for _ in range(20):
        expect(task_call(server, token, "accounts_by_year")["result"]["resultType"], "task")
    refused = task_call(server, token, "accounts_by_year")["result"]
    expect_in("task.limit", refused["content"][0]["text"])


# MARK: The state


@check
def state_of_a_newer_version_is_refused_politely(world):
    site = asking_site(world, "newer")
    with Server(site) as server:
        expect(server.stop(), 0)
    with sqlite3.connect(site.state / "state.db") as database:
        database.execute("PRAGMA user_version = 99")
    refused = site.run(*site.arguments("serve")[1:], check=False)
    expect(refused.returncode, 1, "exit code")
    expect_in("newer version", refused.stderr)


@check
def state_files_are_for_their_user_alone(world):
    state = Asking.server(world).site.state
    for name in ["state.db", "state.db-wal", "keys/state.key"]:
        expect((state / name).stat().st_mode & 0o077, 0, name)
    expect((state / "keys" / "state.key").stat().st_size, 32)
