"""Raw HTTP: the answers that a well-behaved client never sees, and the two eras' header rules."""

import json
import socket
import time

from harness import check, expect, expect_in, expect_not_in
from record import recorded_code
from wire import (
    STATELESS, begin_call, call, headers_for, post, post_stateless, request, send, session,
    stateless, stateless_headers,
)

LIST = request("tools/list")


def support(world):
    return world.token(world.server.site, "support")


def refused_token(world, token, wanted_error=True):
    answer = post(world.server, token, LIST)
    expect(answer.status, 401)
    challenge = answer.headers["WWW-Authenticate"] or ""
    expect_in("Bearer", challenge, "WWW-Authenticate")
    expect_in('error="invalid_token"', challenge, "WWW-Authenticate")


@check
def http_a_request_without_a_token_gets_401(world):
    answer = post(world.server, None, LIST, {"Authorization": None})
    expect(answer.status, 401)
    expect_in("Bearer", answer.headers["WWW-Authenticate"] or "", "WWW-Authenticate")
    expect_not_in("invalid_token", answer.headers["WWW-Authenticate"], "nothing was presented")
    basic = post(world.server, None, LIST, {"Authorization": "Basic dTpw"})
    expect(basic.status, 401, "status of Basic")


@check
def http_a_token_in_the_query_is_no_token(world):
    body = json.dumps(LIST).encode()
    headers = headers_for(world.server, None, {"Authorization": None}, body)
    path = f"/mcp?access_token={support(world)}"
    expect(send(world.server, path=path, body=body, headers=headers).status, 400)


@check
def http_bad_tokens_get_401(world):
    good = support(world)
    head, claims, signature = good.split(".")
    flipped = "A" if signature[10] != "A" else "B"
    for bad in [
        "x", good + "x", f"{head}.{claims}.", f"{head}.{claims}.{signature[:10]}{flipped}{signature[11:]}",
        "eyJhbGciOiJub25lIn0." + claims + ".", good * 20,
    ]:
        refused_token(world, bad)


@check
def http_an_expired_token_gets_401(world):
    now = int(time.time())
    site = world.server.site
    # Clocks may differ by a minute.
    refused_token(world, site.altered_token(support(world), iat=now - 7200, exp=now - 61))


@check
def http_a_token_for_another_audience_or_of_another_issuer_gets_401(world):
    site = world.server.site
    for claims in [{"aud": "elsewhere"}, {"aud": ["elsewhere"]}, {"iss": "elsewhere"}, {"sub": ""}]:
        refused_token(world, site.altered_token(support(world), **claims))
    # The same way of altering, with nothing altered, is good: the refusals were about the claims.
    expect(post(world.server, site.altered_token(support(world)), LIST).status, 200)


@check
def http_a_token_of_another_installation_gets_401(world):
    other = world.site("other")
    foreign = world.token(other, "support")
    refused_token(world, foreign)
    key = (other.state / "keys" / "token.pem").read_text()
    refused_token(world, world.server.site.altered_token(support(world), key=key))


@check
def http_a_token_lives_at_most_a_day(world):
    now = int(time.time())
    long = world.server.site.altered_token(support(world), iat=now, exp=now + 8 * 86400)
    refused_token(world, long)


@check
def http_foreign_origins_and_hosts_get_403(world):
    port = world.server.port
    for changes in [
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": f"http://127.0.0.1:{port + 1}"},
        {"Origin": f"http://localhost.evil.example:{port}"}, {"Host": "evil.example"},
        {"Host": f"evil.example:{port}"}, {"Host": f"127.0.0.1.evil.example:{port}"},
    ]:
        expect(post(world.server, support(world), LIST, changes).status, 403, f"status of {changes}")


@check
def http_own_origins_and_hosts_are_served(world):
    port = world.server.port
    for changes in [
        {"Origin": f"http://127.0.0.1:{port}"}, {"Origin": f"http://localhost:{port}"},
        {"Host": f"localhost:{port}"}, {"Host": f"LOCALHOST:{port}"},
    ]:
        expect(post(world.server, support(world), LIST, changes).status, 200, f"status of {changes}")


@check
def http_other_methods_get_405(world):
    for version, methods, allowed in [
        (None, ["PUT", "OPTIONS", "HEAD", "PATCH"], "GET, POST, DELETE"),
        (STATELESS, ["GET", "DELETE"], "POST"), ("2099-01-01", ["GET", "DELETE"], "POST"),
    ]:
        for method in methods:
            headers = headers_for(
                world.server, support(world), {"MCP-Protocol-Version": version})
            answer = send(world.server, method, headers=headers)
            expect((answer.status, answer.headers["Allow"]), (405, allowed), method)


@check
def http_other_paths_get_404(world):
    for path in ["/", "/mcp/", "/mcpx", "/MCP", "/mcp%2f", "/../mcp"]:
        answer = send(world.server, path=path, headers=headers_for(world.server, support(world)))
        expect(answer.status in (400, 404), True, f"{path} gave {answer.status}")


@check
def http_other_content_types_get_415(world):
    for type in [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]:
        answer = post(world.server, support(world), LIST, {"Content-Type": type})
        expect(answer.status, 415, f"status of {type}")
    utf8 = {"Content-Type": "Application/JSON; charset=utf-8"}
    expect(post(world.server, support(world), LIST, utf8).status, 200)


@check
def http_notifications_and_responses_get_202_without_a_body(world):
    response = {"jsonrpc": "2.0", "id": 1, "result": {}}
    for message in [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/unheard/of", "params": {}}, response,
    ]:
        for changes in [{}, {"MCP-Protocol-Version": STATELESS}]:
            if message is response and changes:
                continue
            answer = post(world.server, support(world), message, changes)
            expect((answer.status, answer.body), (202, b""))
    # The stateless era asks nothing, and knows no notification of a revision that is not served.
    answer = post(world.server, support(world), response, {"MCP-Protocol-Version": STATELESS})
    expect((answer.status, answer.json["error"]["code"]), (400, -32600))
    unserved = {"MCP-Protocol-Version": "2099-01-01"}
    answer = post(
        world.server, support(world), {"jsonrpc": "2.0", "method": "notifications/x"}, unserved)
    expect((answer.status, answer.json["error"]["code"]), (400, -32022))


@check
def http_what_is_not_a_message_gets_400_with_the_code(world):
    ping = json.dumps(request("ping"))
    for body, code in [
        (b"", -32700), (b"{", -32700), (b"\xff\xfe", -32700), (b'{"a":1,}', -32700),
        (b"[" * 5000, -32700), (f"[{ping}]".encode(), -32600), (b"[]", -32600), (b'"text"', -32600),
        (b"{}", -32600), (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', -32600),
    ]:
        for changes in [{}, {"MCP-Protocol-Version": STATELESS}]:
            answer = post(world.server, support(world), body, changes)
            error = answer.json["error"]["code"]
            # The handshake era answers 200 where it could read the id.
            wanted = 200 if not changes and "id" in answer.json else 400
            expect((answer.status, error), (wanted, code), f"{body[:60]} {changes}")


@check
def http_duplicate_keys_are_refused(world):
    for body in [
        b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"customer_by_id",'
        b'"arguments":{"id":1,"id":2}}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/list"}',
    ]:
        answer = post(world.server, support(world), body)
        expect((answer.status, answer.json["error"]["code"]), (400, -32700), str(body))


@check
def http_the_stateless_era_compares_headers_with_the_body(world):
    message = call("customer_by_id", {"id": 1})
    for changes in [
        {"Mcp-Method": None}, {"Mcp-Method": "tools/list"}, {"Mcp-Method": "TOOLS/CALL"},
        {"Mcp-Name": None}, {"Mcp-Name": "staff_directory"}, {"Mcp-Name": "=?base64?!?="},
    ]:
        answer = post_stateless(world.server, support(world), message, changes)
        expect((answer.status, answer.json["error"]["code"]), (400, -32020), str(changes))
        expect(answer.json["id"], 1, "id")
    encoded = {"Mcp-Name": "=?base64?Y3VzdG9tZXJfYnlfaWQ=?="}
    expect(post_stateless(world.server, support(world), message, encoded).status, 200)


@check
def http_the_stateless_era_refuses_headers_that_stand_twice(world):
    message = stateless(call("customer_by_id", {"id": 1}))
    body = json.dumps(message).encode()
    honest = headers_for(world.server, support(world), stateless_headers(message), body)
    expect(send(world.server, body=body, headers=honest).status, 200)
    for name, value in [("Mcp-Name", "staff_directory"), ("Mcp-Method", "tools/call")]:
        answer = send(world.server, body=body, headers=honest + [(name, value)])
        expect((answer.status, answer.json["error"]["code"]), (400, -32020), name)


@check
def http_unserved_revisions_are_told_which_are_served(world):
    message = stateless(LIST, version="2099-01-01")
    answer = post(world.server, support(world), message, stateless_headers(message, "2099-01-01"))
    expect((answer.status, answer.json["error"]["code"]), (400, -32022))
    data = answer.json["error"]["data"]
    expect(data["requested"], "2099-01-01")
    expect_in(STATELESS, data["supported"])
    differs = post(world.server, support(world), message, stateless_headers(message))
    expect((differs.status, differs.json["error"]["code"]), (400, -32020), "header against body")


@check
def http_the_stateless_era_needs_its_envelope_and_has_no_handshake(world):
    bare = post(world.server, support(world), LIST, stateless_headers(LIST))
    expect((bare.status, bare.json["error"]["code"]), (400, -32602))
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe"]:
        answer = post_stateless(world.server, support(world), request(method))
        expect((answer.status, answer.json["error"]["code"]), (404, -32601), method)


@check
def http_ids_come_back_as_they_were(world):
    for id in ["1", 1, "a b ü", 0, -5, 2**53, 2**53 - 1, ""]:
        for sender in (post, post_stateless):
            answer = sender(world.server, support(world), request("tools/list", id=id))
            expect(answer.json["id"], id, "id")
            expect(type(answer.json["id"]), type(id), f"type of id {id!r}")
        error = post(world.server, support(world), request("no/such", id=id))
        expect(error.json["id"], id, "id of an error")


@check
def http_a_hidden_tool_and_an_unknown_one_give_the_same_bytes(world):
    for sender in (post, post_stateless):
        hidden = sender(world.server, support(world), call("change_plan", {"customer": 1}, id=1))
        unknown = sender(world.server, support(world), call("no_such_too", {"customer": 1}, id=2))
        expect(hidden.status, unknown.status, "status")
        same = unknown.body.replace(b"no_such_too", b"change_plan").replace(b'"id":2', b'"id":1')
        expect(hidden.body, same, "bytes")
        names = lambda answer: sorted(name for name in answer.headers if name != "Date")
        expect(names(hidden), names(unknown), "headers")


@check
def http_a_session_of_another_caller_is_unknown(world):
    site = world.server.site
    mine = session(world.server, support(world))
    theirs = world.token(site, "support", subject="somebody-else")
    own = post(world.server, support(world), LIST, {"Mcp-Session-Id": mine})
    expect(own.status, 200)
    foreign = post(world.server, theirs, LIST, {"Mcp-Session-Id": mine})
    made_up = post(world.server, theirs, LIST, {"Mcp-Session-Id": "A" * 43})
    expect((foreign.status, made_up.status), (404, 404))
    expect(foreign.body, made_up.body, "bytes")


@check
def http_cancelled_by_another_session_or_caller_goes_on(world):
    """Ids are the caller's own: the same number from elsewhere stops nothing."""
    number = world.numbers_for(1.6)
    mine = {"Mcp-Session-Id": session(world.server, support(world))}
    theirs = world.token(world.server.site, "support", subject="somebody-else")
    with begin_call(world.server, support(world), call("count", {"n": number}, id=77), mine):
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 77}}
        other_session = {"Mcp-Session-Id": session(world.server, support(world))}
        expect(post(world.server, support(world), cancel, other_session).status, 202)
        expect(post(world.server, theirs, cancel, mine).status, 404)
        expect(post(world.server, theirs, cancel).status, 202)
        expect(recorded_code(world.server.site, number, 30), "ok", "outcome in the record")


@check
def http_hanging_up_cancels_in_the_stateless_era(world):
    number = world.numbers_for(40)
    message = stateless(call("count", {"n": number}))
    begin_call(world.server, support(world), message, stateless_headers(message)).close()
    expect(recorded_code(world.server.site, number), "call.cancelled", "outcome in the record")


@check
def http_hanging_up_cancels_nothing_in_the_handshake_era(world):
    numbers = []
    for changes in [{}, {"Mcp-Session-Id": session(world.server, support(world))}]:
        numbers.append(world.numbers_for(1.6))
        begin_call(world.server, support(world), call("count", {"n": numbers[-1]}), changes).close()
    for number in numbers:
        expect(recorded_code(world.server.site, number, 30), "ok", "outcome in the record")


@check
def http_a_body_over_1_mib_gets_413(world):
    body = json.dumps(call("customer_by_id", {"id": 1, "pad": "x" * (1 << 20)})).encode()
    expect(post(world.server, support(world), body).status, 413)


@check
def http_nothing_is_traced(world):
    """It would echo credentials; a tester takes no answer of 500 and above for a refusal."""
    with socket.create_connection(("127.0.0.1", world.server.port), timeout=10) as connection:
        connection.sendall(
            f"TRACE /mcp HTTP/1.1\r\nHost: 127.0.0.1:{world.server.port}\r\n\r\n".encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head = received.decode().lower()
    expect_in("http/1.1 405 method not allowed", head)
    expect_in("\r\nallow: post, get", head)
    expect_not_in("host:", head)


@check
def http_smuggled_requests_are_refused(world):
    """Two lengths, a length beside chunks, a bare line feed: 400 and the connection ends."""
    host = f"Host: 127.0.0.1:{world.server.port}\r\n"
    for head in [
        f"POST /mcp HTTP/1.1\r\n{host}Content-Length: 4\r\nContent-Length: 5\r\n\r\n",
        f"POST /mcp HTTP/1.1\r\n{host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        f"POST /mcp HTTP/1.1\r\n{host}Transfer-Encoding: xchunked\r\n\r\n",
        f"POST /mcp HTTP/1.1\r\n{host}{host}\r\n",
        f"POST /mcp HTTP/1.1\r\n{host}A : b\r\n\r\n",
        "POST /mcp HTTP/1.1\r\n\r\n",
    ]:
        with socket.create_connection(("127.0.0.1", world.server.port), timeout=10) as connection:
            connection.sendall(head.encode() + b"0\r\n\r\n")
            received = b""
            while piece := connection.recv(65536):
                received += piece
        status = int(received.split(b" ")[1])
        expect(status in (400, 501), True, f"{status} for {head!r}")
        expect(received.count(b"HTTP/1.1 "), 1, f"answers to {head!r}")
