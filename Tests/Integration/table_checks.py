"""What each header, method and form of a message is answered with, one row a case.

A row says what differs from an honest request of its era, and the status and code that come back.
"""

import json

from harness import check, expect
from wire import STATELESS, call, headers_for, request, send, session, stateless, stateless_headers

CALL = call("customer_by_id", {"id": 1})
LIST = request("tools/list")
PING = request("ping")
HELLO = request("initialize", {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})
DISCOVER = request("server/discover")
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
LOG_LEVEL = "io.modelcontextprotocol/logLevel"

LISTS = ["resources/list", "resources/templates/list", "prompts/list"]
DOCUMENT = request("resources/read", {"uri": "toolserver://tools/customer_by_id"})
GUIDE = request("prompts/get", {"name": "how_to_use_these_tools"})

# (what is sent, the changed headers, status, code or None)
HANDSHAKE = [
    (PING, {}, 200, None), (HELLO, {}, 200, None), (LIST, {}, 200, None), (CALL, {}, 200, None),
    (PING, {"Mcp-Session-Id": "unknown"}, 404, -32600),
    (PING, {"Mcp-Session-Id": ""}, 404, -32600),
    (DISCOVER, {}, 200, -32601), (request("subscriptions/listen", {"notifications": {}}), {}, 200, -32601),
    *((request(method), {}, 200, -32601) for method in [
        "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tasks/list",
        "tasks/result", "tools/callx", "notifications/cancelled",
    ]),
    *((request(method), {}, 200, None) for method in LISTS),
    *((request(method), {}, 200, -32602) for method in [
        "resources/read", "prompts/get", "completion/complete"]),
    (request("resources/read", {"uri": "toolserver://tools/no_such_tool"}), {}, 200, -32002),
    (PING, {"MCP-Protocol-Version": "2025-03-26"}, 200, None),
    (PING, {"MCP-Protocol-Version": "2025-06-18"}, 200, None),
    (PING, {"MCP-Protocol-Version": "2025-11-25"}, 200, None),
    (PING, {"Accept": None}, 200, None), (PING, {"Accept": "*/*"}, 200, None),
    (PING, {"Accept": "application/json"}, 200, None),
    (PING, {"Accept": "application/*;q=0.2, text/html"}, 200, None),
    (PING, {"Accept": "text/event-stream"}, 406, None), (PING, {"Accept": "text/html"}, 406, None),
    (PING, {"Accept": "application/json;q=0, */*"}, 406, None),
    (PING, {"Accept": "*/*;q=0"}, 406, None), (PING, {"Accept": "application/jsonx"}, 406, None),
    (PING, {"Content-Type": "application/json;charset=UTF-8"}, 200, None),
    (PING, {"Content-Type": 'application/json ; charset="utf-8" ; x=y'}, 200, None),
    (PING, {"Content-Type": "APPLICATION/JSON;"}, 200, None),
    *((PING, {"Content-Type": type}, 415, None) for type in [
        None, "", "text/plain", "text/json", "application/json, text/plain", "application/json x",
        "application/jsonp", "application/json+x", "application/json;charset=utf-16",
        "application/json;charset=latin1", "application/json; charset=", "application/json;charset",
        "application/json;charset=utf-8;charset=utf-8", "application/json;charset=utf-8x",
        "application/json;charset=\"utf-8", "multipart/form-data",
    ]),
    (PING, {"Origin": "null"}, 403, None), (PING, {"Origin": "https://evil.example"}, 403, None),
    (PING, {"Origin": ""}, 403, None), (PING, {"Host": "evil.example"}, 403, None),
    (PING, {"Authorization": None}, 401, None), (PING, {"Authorization": "Bearer x"}, 401, None),
    # A message that says that it is of the stateless era is held to that era's headers.
    (stateless(LIST), {}, 400, -32020), (stateless(LIST), {"MCP-Protocol-Version": "2025-11-25"}, 400, -32020),
    (request("tools/list", {"_meta": {VERSION: 7}}), {}, 400, -32602),
]


def meta(message, **changes):
    """The message in the stateless era, with parts of its envelope changed; None takes one out."""
    keys = {"version": VERSION, "capabilities": CAPABILITIES, "level": LOG_LEVEL}
    made = stateless(message)
    envelope = made["params"]["_meta"] | {keys[name]: value for name, value in changes.items()}
    made["params"]["_meta"] = {key: value for key, value in envelope.items() if value is not ...}
    return made


def named(name, **changes):
    return {"Mcp-Name": name} | changes


# In the order in which faults are told: each row but the last has the later faults as well.
ORDER = {"MCP-Protocol-Version": "2099-01-01", "Mcp-Method": "no/such"}
STATELESS_ROWS = [
    (meta(DISCOVER), {}, 200, None), (meta(LIST), {}, 200, None), (meta(CALL), {}, 200, None),
    (meta(LIST), {"Mcp-Session-Id": "ignored", "Last-Event-ID": "ignored.1"}, 200, None),
    *((meta(request(method)), {}, 404, -32601) for method in [
        "initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe",
        "tasks/list", "tasks/result", "tools/callx", "notifications/cancelled", "server/Discover",
    ]),
    *((meta(request(method)), {}, 200, None) for method in LISTS),
    (meta(request("completion/complete")), {}, 400, -32602),
    (meta(DOCUMENT), named("toolserver://tools/customer_by_id"), 200, None),
    (meta(GUIDE), named("how_to_use_these_tools"), 200, None),
    (meta(DOCUMENT), named("toolserver://tools/staff_salaries"), 400, -32020),
    (meta(request("resources/read", {"uri": "file:///x"})), named("file:///x"), 400, -32602),
    (meta(request("prompts/get", {"name": "p"})), named("p"), 400, -32602),
    (meta(request("prompts/get", {"name": "p"})), named("q"), 400, -32020),
    (meta(request("resources/read", {"uri": "file:///x"})), named(None), 400, -32020),
    (LIST, {}, 400, -32602),
    (meta(LIST, version=...), {}, 400, -32602), (meta(LIST, capabilities=...), {}, 400, -32602),
    (meta(LIST, version=None), {}, 400, -32602), (meta(LIST, version=20260728), {}, 400, -32602),
    (meta(LIST, capabilities=None), {}, 400, -32602), (meta(LIST, capabilities=[]), {}, 400, -32602),
    (meta(LIST, capabilities="x"), {}, 400, -32602), (meta(LIST, level="loud"), {}, 400, -32602),
    (meta(LIST, level=3), {}, 400, -32602), (meta(LIST, level=None), {}, 400, -32602),
    *((meta(LIST, level=level), {}, 200, None) for level in [
        "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]),
    (meta(LIST), {"MCP-Protocol-Version": "2099-01-01"}, 400, -32020),
    (meta(LIST, version="2099-01-01"), {}, 400, -32020),
    (meta(LIST, version="2099-01-01"), {"MCP-Protocol-Version": "2099-01-01"}, 400, -32022),
    (meta(LIST, version=""), {"MCP-Protocol-Version": ""}, 400, -32022),
    (meta(LIST), {"Mcp-Method": None}, 400, -32020), (meta(LIST), {"Mcp-Method": ""}, 400, -32020),
    (meta(LIST), {"Mcp-Method": "Tools/list"}, 400, -32020),
    (meta(LIST), {"Mcp-Method": "=?base64?dG9vbHMvbGlzdA==?="}, 400, -32020),
    (meta(LIST), {"MCP-Method": "tools/list", "Mcp-Method": None}, 200, None),
    (meta(LIST), {"Mcp-Method": "  tools/list\t"}, 200, None),
    *((meta(CALL), named(name), 200, None) for name in [
        "customer_by_id", " customer_by_id ", "=?base64?Y3VzdG9tZXJfYnlfaWQ=?="]),
    *((meta(CALL), named(name), 400, -32020) for name in [
        None, "", "Customer_by_id", "customer_by_id2", "=?base64?Y3VzdG9tZXJfYnlfaWQ?=",
        "=?base64?Y3VzdG9tZXJfYnlfaWR=?=", "=?base64?Y3VzdG9tZXJfYnlfaWQ==?=", "=?base64?Y3Vz dG9t?=",
        "=?base64??=", "=?BASE64?Y3VzdG9tZXJfYnlfaWQ=?=", "=?base64?Y3VzdG9tZXJfYnlfaWQ=?",
        "=?base64?/w==?=", "=?base64?-_-_?=",
    ]),
    (meta(request("tools/call", {"name": 7})), {"Mcp-Name": "7"}, 400, -32602),
    (meta(request("tools/call", {})), {}, 400, -32602),
    (meta(call("no_such_tool")), {}, 400, -32602),
    (meta(LIST | {"params": {"cursor": "!"}}), {}, 400, -32602),
    (meta(LIST | {"params": {"cursor": ""}}), {}, 400, -32602),
    (meta(LIST), {"Accept": "text/event-stream"}, 406, None), (meta(LIST), {"Accept": None}, 200, None),
    (meta(LIST), {"Content-Type": "text/plain"}, 415, None),
    # The order of faults.
    (b"{", ORDER, 400, -32700), (b'{"jsonrpc":"1.0","id":1,"method":"m"}', ORDER, 400, -32600),
    (request("m"), ORDER, 400, -32602), (meta(request("m")), ORDER, 400, -32020),
    (meta(request("m"), version="2099-01-01", level="loud"), ORDER | {"Mcp-Method": "m"}, 400, -32022),
    (meta(request("m"), level="loud"), {}, 404, -32601),
    # What is no request.
    ({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, {}, 202, None),
    ({"jsonrpc": "2.0", "id": 1, "result": {}}, {}, 400, -32600),
    (b"[]", {}, 400, -32600), (b'"x"', {}, 400, -32600),
]


def held(world, rows, honest_headers):
    wrong = []
    token = world.token(world.server.site, "support")
    for message, changes, status, code in rows:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        honest = {} if isinstance(message, bytes) else honest_headers(message)
        headers = headers_for(world.server, token, honest | changes, body)
        answer = send(world.server, body=body, headers=headers)
        got = answer.json.get("error", {}).get("code") if answer.body[:1] == b"{" else None
        if (answer.status, got) != (status, code):
            wrong.append(f"{body[:90]} {changes}: {answer.status} {got}, wanted {status} {code}")
        if code and not isinstance(message, bytes) and status != 404 and "id" in message \
                and "method" in message:
            expect(answer.json["id"], message["id"], f"id with {changes}")
    expect(wrong, [], "rows")
    return f"{len(rows)} rows"


@check
def table_of_the_handshake_era(world):
    return held(world, HANDSHAKE, lambda message: {})


@check
def table_of_the_stateless_era(world):
    def honest(message):
        if "method" not in message:
            return {"MCP-Protocol-Version": STATELESS}
        return stateless_headers(message)

    return held(world, STATELESS_ROWS, honest)


@check
def table_of_headers_that_stand_twice(world):
    token = world.token(world.server.site, "support")
    mine = session(world.server, token)
    for message, honest, doubles, wanted in [
        (meta(CALL), stateless_headers(meta(CALL)), [
            ("MCP-Protocol-Version", STATELESS), ("mcp-protocol-version", "2025-11-25"),
            ("Mcp-Method", "tools/call"), ("MCP-METHOD", "x"), ("Mcp-Name", "customer_by_id"),
        ], (400, -32020)),
        (PING, {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": mine}, [
            ("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Session-Id", mine),
        ], (400, -32600)),
    ]:
        body = json.dumps(message).encode()
        headers = headers_for(world.server, token, honest, body)
        expect(send(world.server, body=body, headers=headers).status, 200, "each once")
        for double in doubles:
            answer = send(world.server, body=body, headers=[*headers, double])
            expect((answer.status, answer.json["error"]["code"]), wanted, str(double))
    for double in [("Content-Type", "application/json"), ("Content-Type", "text/plain")]:
        answer = send(world.server, body=body, headers=[*headers, double])
        expect(answer.status in (400, 415), True, f"{answer.status} for {double}")
