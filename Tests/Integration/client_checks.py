"""The official Python client, on every transport and every revision that it can speak."""

import asyncio
import contextlib
import dataclasses
import json
import unittest.mock
import warnings

import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.exceptions import MCPError

from harness import MANY_TOOLS, check, environment, expect, expect_in, expect_not_in
from messages import Conversation
from record import recorded_code

# Ping belongs to the handshake era, says the client; that is what we test.
warnings.simplefilter("ignore")


@dataclasses.dataclass(frozen=True)
class Way:
    """A transport, how the client negotiates, and the revision that must come of it."""

    transport: str
    mode: str
    revision: str

    def __str__(self):
        return f"{self.transport} {self.mode if self.mode == 'auto' else self.revision}"

    @property
    def is_stateless(self):
        return self.revision == "2026-07-28"

    @property
    def has_structured_content(self):
        return self.revision != "2025-03-26"


WAYS = [
    Way(transport, mode, revision)
    for transport in ("stdio", "http")
    for mode, revision in [
        ("auto", "2026-07-28"), ("2026-07-28", "2026-07-28"), ("legacy", "2025-11-25"),
        ("legacy", "2025-06-18"), ("legacy", "2025-03-26"),
    ]
]
# For checks that take seconds: a pinned revision differs from what "auto" finds in nothing but how
# it was found.
SLOW_WAYS = [way for way in WAYS if way.mode in ("auto", "legacy")]
TWO_WAYS = [way for way in WAYS if way.mode == "auto"]


class Recorded:
    """One end of a transport, whose messages are recorded as they pass."""

    def __init__(self, end, note):
        self._end = end
        self._note = note

    async def __aenter__(self):
        await self._end.__aenter__()
        return self

    async def __aexit__(self, *details):
        return await self._end.__aexit__(*details)

    def __getattr__(self, name):
        return getattr(self._end, name)

    def _noted(self, item):
        if not isinstance(item, Exception):
            self._note(item.message.model_dump(by_alias=True, mode="json", exclude_unset=True))
        return item

    async def send(self, item):
        await self._end.send(self._noted(item))

    async def receive(self):
        return self._noted(await self._end.receive())

    def __aiter__(self):
        return self

    async def __anext__(self):
        return self._noted(await self._end.__anext__())


@contextlib.asynccontextmanager
async def recorded(transport, name):
    conversation = Conversation(name)
    async with transport as (reads, writes):
        yield Recorded(reads, conversation.told), Recorded(writes, conversation.asked)


@contextlib.asynccontextmanager
async def connected(world, way, *groups, site=None, url=None, heard=None, subject="tester",
        elicitation=None):
    """A client of `site`, which a server at `url` serves; of the world's own when not given."""
    with contextlib.ExitStack() as stack:
        if way.mode == "legacy":
            stack.enter_context(unittest.mock.patch(
                "mcp.client.session.LATEST_HANDSHAKE_VERSION", way.revision))
        site = site or site_of(world, way)
        token = world.token(site, *groups, subject=subject)
        if way.transport == "stdio":
            words = site.arguments("stdio")
            log = stack.enter_context(open(site.log_file, "a"))
            transport = stdio_client(StdioServerParameters(
                command=words[0], args=words[1:], env=environment(token)), errlog=log)
        else:
            http = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"})
            transport = streamable_http_client(url or world.server.url, http_client=http)
        transport = recorded(transport, way.transport)
        async with Client(
            transport, mode=way.mode, read_timeout_seconds=20, message_handler=heard,
            elicitation_callback=elicitation,
        ) as client:
            expect(client.protocol_version, way.revision, "negotiated revision")
            yield client


def with_client(*groups, ways=WAYS):
    """Makes a check of each way out of `async def …(world, way, client)`."""

    def decorate(function):
        async def run(world, way):
            async with connected(world, way, *groups) as client:
                await function(world, way, client)

        def checked(world, way):
            asyncio.run(asyncio.wait_for(run(world, way), 40))

        checked.__name__ = "client_" + function.__name__
        return check.each(ways)(checked)

    return decorate


def site_of(world, way):
    return world.pipes if way.transport == "stdio" else world.server.site


def data_of(way, result):
    """The data of an answer, which must be the same as text and structured."""
    expect(result.is_error, False, f"is_error of {result.content}")
    text = with_names(json.loads(result.content[0].text))
    if way.has_structured_content:
        expect(result.structured_content, text, "structured content beside its text")
    return text


def with_names(document):
    """Many rows are a table in the text, whose names stand once."""
    if "columns" not in document:
        return document
    names = document.pop("columns")
    return {**document, "rows": [dict(zip(names, row, strict=True)) for row in document["rows"]]}


def rows_of(way, result):
    return data_of(way, result)["rows"]


def refusal_of(result):
    expect(result.is_error, True, "is_error")
    return result.content[0].text


async def error_of(awaitable):
    try:
        result = await awaitable
    except MCPError as error:
        return error
    raise AssertionError(f"no error, but {result}")


@with_client("support")
async def lists_what_the_caller_may_use(world, way, client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    expect_in("customer_by_id", tools)
    expect_not_in("change_plan", tools, "tools of support")
    expect_not_in("many_000", tools, "tools of support")
    tool = tools["customer_by_id"]
    expect(tool.input_schema["type"], "object", "type of the input")
    expect(tool.annotations.read_only_hint, True, "readOnlyHint")
    expect(tools["refund_payment"].annotations.destructive_hint, True, "destructiveHint")
    expect(tool.output_schema is not None, way.has_structured_content, "has an outputSchema")


@with_client("support")
async def answers_a_call(world, way, client):
    [row] = rows_of(way, await client.call_tool("customer_by_id", {"id": 7}))
    [(name, city)] = site_of(world, way).rows("select name, city from customers where id = 7")
    expect((row["id"], row["name"], row["city"]), (7, name, city), "the row")


@with_client("support", "finance")
async def every_read_meets_its_output_schema(world, way, client):
    # The client validates structured content against the listed schema, and raises.
    calls = {
        "customer_by_id": {"id": 4}, "find_customers": {"country": "NL"},
        "orders_of_customer": {"customer": 3}, "order_details": {"order": 5},
        "staff_directory": {}, "staff_salaries": {},
    }
    for tool, arguments in calls.items():
        rows = rows_of(way, await client.call_tool(tool, arguments))
        if not rows:
            raise AssertionError(f"{tool} answered no rows")
    expect(rows_of(way, await client.call_tool("customer_by_id", {"id": 10**6})), [], "no row")


@with_client("support")
async def bad_arguments_are_a_tool_error_that_names_them(world, way, client):
    for arguments in [{"id": "seven"}, {}, {"id": 0}, {"id": 1, "extra": True}]:
        text = refusal_of(await client.call_tool("customer_by_id", arguments))
        expect_in("arguments.invalid", text)
        expect_in("extra" if "extra" in arguments else "id", text)


@with_client("support")
async def unknown_tools_are_a_protocol_error(world, way, client):
    unknown = await error_of(client.call_tool("no_such_tool", {}))
    expect(unknown.error.code, -32602, "code")
    hidden = await error_of(client.call_tool("change_plan", {"customer": 1, "plan": "free"}))
    expect(hidden.error.message, unknown.error.message.replace("no_such_tool", "change_plan"))


@with_client("support", ways=SLOW_WAYS)
async def reports_progress_and_cancels_a_slow_call(world, way, client):
    number = world.numbers_for(40)
    reports = []

    async with anyio.create_task_group() as tasks:

        async def on_progress(progress, total, message):
            reports.append(progress)
            if len(reports) == 2:
                tasks.cancel_scope.cancel()

        tasks.start_soon(lambda: client.call_tool(
            "count", {"n": number}, progress_callback=on_progress))
    expect(len(reports) >= 2 and reports == sorted(set(reports)), True, f"{reports} rises")
    code = await anyio.to_thread.run_sync(recorded_code, site_of(world, way), number)
    expect(code, "call.cancelled", "outcome in the record")
    rows_of(way, await client.call_tool("customer_by_id", {"id": 1}))


@with_client("support", ways=TWO_WAYS)
async def stops_a_call_at_its_time_limit(world, way, client):
    text = refusal_of(await client.call_tool("count_briefly", {"n": world.numbers_for(40)}))
    expect_in("backend.timed_out", text)


@with_client("support")
async def answers_64_calls_at_once_each_with_its_own(world, way, client):
    answers = {}

    async def ask(number):
        result = await client.call_tool("customer_by_id", {"id": number})
        answers[number] = rows_of(way, result)[0]["id"]

    async with anyio.create_task_group() as tasks:
        for number in range(1, 65):
            tasks.start_soon(ask, number)
    expect(answers, {number: number for number in range(1, 65)}, "answers")


@with_client("many")
async def pages_through_120_tools(world, way, client):
    names, cursors, cursor = [], [], None
    while True:
        page = await client.list_tools(cursor=cursor)
        names += [tool.name for tool in page.tools]
        if (cursor := page.next_cursor) is None:
            break
        cursors.append(cursor)
    expect(names, MANY_TOOLS, "all tools, once and in order")
    expect(len(cursors), 2, "pages of 50 after the first")
    again = [tool.name for tool in (await client.list_tools(cursor=cursors[0])).tools]
    expect(again, MANY_TOOLS[50:100], "a cursor used again")
    bad = await error_of(client.list_tools(cursor="!!"))
    expect(bad.error.code, -32602, "code of a made-up cursor")


@with_client("support")
async def answers_ping_in_the_handshake_era_only(world, way, client):
    if way.is_stateless:
        expect((await error_of(client.send_ping())).error.code, -32601, "code")
    else:
        await client.send_ping()


@with_client("support")
async def tells_what_it_is(world, way, client):
    instructions = client.instructions
    if way.mode == "2026-07-28":
        # The client was told the revision, so it has not asked.
        instructions = (await client.session.send_discover(way.revision))["instructions"]
    else:
        expect(client.server_info.name, "shop", "name of the server")
    expect_in("subject to rules", instructions)
    expect(len(instructions.encode()) <= 2048, True, "instructions within 2 KB")


@with_client("support")
async def masks_what_support_may_not_see(world, way, client):
    site = site_of(world, way)
    [(email, phone)] = site.rows("select email, phone from customers where id = 11")
    shown = str(await client.call_tool("customer_by_id", {"id": 11}))
    expect_not_in(email, shown, "answer to support")
    expect_not_in(phone, shown, "answer to support")
    [(order, card)] = site.rows("select order_id, card_number from payments limit 1")
    expect_not_in(card, str(await client.call_tool("order_details", {"order": order})))
    salaries = site.rows("select salary from staff")
    shown = str(await client.call_tool("staff_directory", {}))
    for (salary,) in salaries:
        expect_not_in(str(salary), shown, "staff directory for support")


@with_client("managers", "finance")
async def reveals_what_managers_and_finance_may_see(world, way, client):
    site = site_of(world, way)
    [(email, phone)] = site.rows("select email, phone from customers where id = 11")
    [row] = rows_of(way, await client.call_tool("customer_by_id", {"id": 11}))
    expect(row["email"], email, "email for managers")
    expect_not_in(phone, str(row), "no rule reveals the phone")
    salaries = [salary for (salary,) in site.rows("select salary from staff order by name")]
    rows = rows_of(way, await client.call_tool("staff_directory", {}))
    expect([row["salary"] for row in rows], salaries, "salaries for finance")


@with_client("support")
async def says_which_rule_denied_and_what_to_do_instead(world, way, client):
    text = refusal_of(await client.call_tool("staff_salaries", {}))
    for part in ["salaries", "for finance only", "use staff_directory", "deny.rule"]:
        expect_in(part, text)


@with_client("support")
async def holds_what_needs_an_approval_and_says_how_to_go_on(world, way, client):
    site = site_of(world, way)
    [(payment,)] = site.rows("select id from payments where state = 'captured' limit 1")
    text = refusal_of(await client.call_tool("refund_payment", {"payment": payment}))
    for part in ["approval", "approval_result"]:
        expect_in(part, text)
    expect(site.rows("select state from payments where id = ?", payment), [("captured",)])


@with_client("managers")
async def changes_a_row_and_says_so(world, way, client):
    site = site_of(world, way)
    [(plan,)] = site.rows("select plan from customers where id = 8")
    other = "plus" if plan == "free" else "free"
    result = await client.call_tool("change_plan", {"customer": 8, "plan": other})
    expect(data_of(way, result), {"changed": 1}, "answer")
    expect(site.rows("select plan from customers where id = 8"), [(other,)], "row afterwards")
    denied = refusal_of(await client.call_tool("change_plan", {"customer": 8, "plan": "business"}))
    expect_in("signed contract", denied)
    expect(site.rows("select plan from customers where id = 8"), [(other,)], "row after a denial")
