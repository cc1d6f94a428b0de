"""HTTP backends, right and wrong ones, as a caller, an operator and the upstream see them."""

import base64
import concurrent.futures
import json
import socket
import ssl
import time

from harness import Server, check, eventually, expect, expect_in, expect_not_in
from record import Record
from tls_checks import Authority, pem
from upstream import Upstream, answer, api
from wire import begin, call, line_to, post, stateless, stateless_headers


def outcome(server, tool, arguments=None, line=None):
    """("ok", the data) or (the code, the text)."""
    token = server.site.token("tester", ["support"])
    result = post(server, token, call(tool, arguments), line=line).json["result"]
    block = result["content"][0]
    text = block.get("text", "")
    if result["isError"]:
        return text.rpartition("code: ")[2], text
    return "ok", json.loads(text) if text.startswith("{") else block


def code(server, tool, arguments=None, line=None):
    return outcome(server, tool, arguments, line)[0]


def get(path, **more):
    return {"http": {"path": path}} | more


@check
def upstream_gets_exactly_what_was_judged(world):
    site = world.site("upstream")
    answers = {
        "/v1/customers/a%20b%3Bc": answer({"id": 7, "total": 12345678901234567890.5}),
        "/v1/tickets": answer({"data": {"id": "t1"}, "items": [{"n": 1}, {"n": 2}]}, "201 Created"),
    }
    text, number = {"type": "string"}, {"type": "integer"}
    with Upstream(answers) as upstream:
        api(site, upstream, {
            "customer": {
                "http": {"path": "/v1/customers/{id}", "query": {"fields": "{fields}"}},
                "input": {"id": text, "fields": text | {"optional": True}}},
            "ticket": {
                "http": {"method": "POST", "path": "/v1/tickets", "idempotencyKey": True,
                         "headers": {"X-Tag": "{tag}"},
                         "body": {"title": "{title}", "priority": "{priority}", "by": "agent"}},
                "input": {"title": text, "priority": number, "tag": text},
                "result": {"pick": {"id": "$.data.id", "numbers": "$.items[*].n", "no": "$.x"}}},
        }, auth={"header": {"name": "X-Api-Key", "value": {"file": "key"}}})
        (site.manifests / "key").write_text("s3cr3t\n")
        with Server(site) as server:
            kind, data = outcome(server, "customer", {"id": "a b;c", "fields": "n&x=1"})
            expect((kind, data["id"]), ("ok", 7))
            sent = upstream.requests[0]
            expect(sent.target, "/v1/customers/a%20b%3Bc?fields=n%26x%3D1")
            expect(sent.headers["host"], f"127.0.0.1:{upstream.port}")
            expect(sent.headers["x-api-key"], "s3cr3t")
            expect(sent.headers["accept-encoding"], "identity")
            expect_not_in("authorization", sent.headers)
            kind, data = outcome(server, "ticket", {"title": 'a"b\n', "priority": 2, "tag": "run 1"})
            expect((kind, data), ("ok", {"id": "t1", "numbers": [1, 2], "no": None}))
            sent = upstream.requests[1]
            expect(json.loads(sent.body), {"title": 'a"b\n', "priority": 2, "by": "agent"})
            expect(sent.headers["x-tag"], "run 1")
            expect(len(sent.headers["idempotency-key"]), 64)
            # Each loop keeps its own.
            if upstream.connections > 2:
                raise AssertionError(f"{upstream.connections} connections")
            outcome(server, "ticket", {"title": "a", "priority": 2, "tag": "run"})
            keys = {request.headers["idempotency-key"] for request in upstream.at("/v1/tickets")}
            expect(len(keys), 2, "keys of two calls")
            for arguments in [{"id": "../admin"}, {"id": "%2e%2e"}, {"id": ""}, {"id": "a/b"}]:
                expect(code(server, "customer", arguments), "arguments.invalid", arguments)
            expect(len(upstream.requests), 3, "requests after refusals")
        record = Record(site).update()
        expect_not_in("s3cr3t", json.dumps(record.intents))


WRONG = {
    "conflicting lengths": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a folded line": b"A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
    "a chunk without a size": b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a chunk that is too long": b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
    "an end in a chunk": b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "an early end": b"Content-Length: 20\r\n\r\n{}",
    "a bare line feed": b"A: b\nContent-Length: 2\r\n\r\n{}",
}


@check.each(WRONG)
def upstream_that_answers_wrongly_is_not_believed(world, name):
    site = world.site("upstream")

    def wrong(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + WRONG[name])
        return False

    with Upstream({"/wrong": wrong, "/right": answer({})}) as upstream:
        api(site, upstream, {
            "wrong": get("/wrong"), "right": get("/right"),
            "change": {"http": {"method": "POST", "path": "/wrong"}}})
        with Server(site) as server:
            expect(code(server, "wrong"), "backend.failed")
            expect(code(server, "change"), "backend.outcome_unknown")
            expect(len(upstream.at("/wrong")), 2, "requests")
            expect(code(server, "right"), "ok")


@check
def upstream_that_is_slow_or_endless_is_ended(world):
    site = world.site("upstream")

    def silent(connection, request):
        connection.recv(1)

    def dripping(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b" ")
            time.sleep(0.05)

    def endless(connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")

    huge = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"
    brief = {"limits": {"time": "500ms"}}
    answers = {"/silent": silent, "/drip": dripping, "/endless": endless, "/huge": huge}
    with Upstream(answers) as upstream:
        api(site, upstream, {
            "silent": get("/silent", **brief), "drip": get("/drip", **brief),
            "endless": get("/endless"), "huge": get("/huge"),
            "change": {"http": {"method": "POST", "path": "/silent"}} | brief})
        with Server(site) as server:
            for tool, wanted in [
                ("silent", "backend.timed_out"), ("drip", "backend.timed_out"),
                ("change", "backend.outcome_unknown"), ("endless", "backend.result"),
                ("huge", "backend.result"),
            ]:
                began = time.monotonic()
                expect(code(server, tool), wanted, tool)
                if time.monotonic() - began > 3:
                    raise AssertionError(f"{tool} took {time.monotonic() - began:.1f} s")
            with open(f"/proc/{server.process.pid}/status") as status:
                peak = int(next(line for line in status if line.startswith("VmHWM")).split()[1])
            if peak > 150 * 1024:
                raise AssertionError(f"{peak} KB resident")


@check
def upstream_redirects_are_not_followed(world):
    site = world.site("upstream")
    with Upstream({"/collect": answer({})}) as other:
        moved = {
            f"/to{number}": answer({}, "302 Found", Location=target)
            for number, target in enumerate([
                "http://169.254.169.254/latest/meta-data/",
                f"http://127.0.0.1:{other.port}/collect", "/right"])}
        with Upstream(moved | {"/right": answer({})}) as upstream:
            api(site, upstream, {f"to{n}": get(f"/to{n}") for n in range(3)},
                auth={"bearer": {"file": "key"}})
            (site.manifests / "key").write_text("s3cr3t")
            with Server(site) as server:
                for number in range(3):
                    expect(code(server, f"to{number}"), "backend.failed", number)
                expect(len(upstream.requests), 3, "requests")
                expect(other.requests, [], "requests elsewhere")


STATUSES = {
    "400 Bad Request": "backend.refused", "401 Unauthorized": "backend.unauthorized",
    "403 Forbidden": "backend.unauthorized", "404 Not Found": "backend.not_found",
    "409 Conflict": "backend.constraint", "422 Unprocessable": "backend.refused",
    "429 Too Many": "backend.busy", "500 Internal": "backend.failed",
    "503 Unavailable": "backend.busy", "504 Timeout": "backend.timed_out",
}


@check
def upstream_errors_become_codes_and_their_words_stay(world):
    site = world.site("upstream")
    answers = {
        f"/s{status[:3]}": answer({"error": "jane@example.com is locked"}, status, Retry_After=7)
        for status in STATUSES}
    # What was made is elsewhere: nobody may be told that nothing was.
    answers["/s303"] = answer({}, "303 See Other", Location="/made/7")
    with Upstream(answers) as upstream:
        api(site, upstream, {
            f"s{status[:3]}": get(f"/s{status[:3]}") for status in STATUSES} | {
            "change": {"http": {"method": "POST", "path": "/s500"}},
            "made": {"http": {"method": "POST", "path": "/s303"}},
            "told": get("/s422", result={"errors": "text"})})
        with Server(site) as server:
            kind, text = outcome(server, "told")
            expect(kind, "backend.refused")
            expect_in("is locked", text)
            expect_not_in("jane", text)
            for status, wanted in STATUSES.items():
                kind, text = outcome(server, f"s{status[:3]}")
                expect(kind, wanted, status)
                expect_not_in("jane", text)
                if wanted == "backend.busy":
                    expect_in("7 seconds", text)
            expect(code(server, "change"), "backend.outcome_unknown")
            expect(code(server, "made"), "backend.outcome_unknown")
        expect_not_in("jane", "".join(
            path.read_text() for path in (site.state / "record").glob("*.jsonl")))


@check
def upstream_that_ended_an_idle_connection_costs_no_call(world):
    site = world.site("upstream")

    def once(connection, request):
        """Answers the first request of a connection and breaks at the second."""
        if sum(request.connection == other.connection for other in upstream.requests) > 1:
            return False
        connection.sendall(answer({"on": request.connection}))
        return True

    with Upstream({"/x": once}) as upstream:
        change = {"http": {"method": "POST", "path": "/x"}}
        api(site, upstream, {
            "ask": get("/x"), "change": change,
            "change_keyed": {"http": change["http"] | {"idempotencyKey": True}}})
        # Idle connections belong to a loop.
        with Server(site) as server, line_to(server) as line:
            expect(outcome(server, "ask", line=line), ("ok", {"on": 1}))
            expect(outcome(server, "ask", line=line), ("ok", {"on": 2}), "a repeated GET")
            expect(outcome(server, "change_keyed", line=line), ("ok", {"on": 3}), "a repeated POST")
            sent = [r.headers.get("idempotency-key") for r in upstream.requests[-2:]]
            expect(sent[0], sent[1], "the key of the repetition")
            before = len(upstream.requests)
            expect(
                code(server, "change", line=line), "backend.outcome_unknown", "a POST without a key")
            expect(len(upstream.requests), before + 1, "requests")
            upstream.drop()
            expect(code(server, "ask", line=line), "ok", "after all connections were dropped")


@check
def upstream_is_left_when_the_caller_leaves(world):
    site = world.site("upstream")
    seen = []

    def waiting(connection, request):
        seen.append("asked")
        connection.settimeout(10)
        seen.append("left" if connection.recv(1) == b"" else "more")

    with Upstream({"/wait": waiting}) as upstream:
        api(site, upstream, {"wait": get("/wait")})
        with Server(site) as server:
            token = site.token("tester", ["support"])
            message = stateless(call("wait"))
            connection = begin(server, token, message, stateless_headers(message))
            eventually(lambda: "asked" in seen, "the request")
            connection.close()
            eventually(lambda: "left" in seen, "the end of the connection", 3)


@check
def upstream_content_has_its_form(world):
    site = world.site("upstream")
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    answers = {
        "/text": answer(b"caf\xc3\xa9", Content_Type="text/plain"),
        "/picture": answer(picture, Content_Type="image/png"),
        "/file": answer(picture, Content_Type="application/pdf; x=y"),
        "/list": answer([1, 2]), "/zip": answer({}, Content_Encoding="gzip"),
        "/twice": answer(b'{"a":1,"a":2}'), "/latin": answer(b"caf\xe9"),
        "/number": answer(b'{"n":0.10000000000000000001}'),
        "/mail": answer({"card": "4111111111111111", "deep": [{"CARD": 5}], "note": "x"}),
        "/typed": answer({"n": "not a number"}),
    }
    with Upstream(answers) as upstream:
        api(site, upstream, {
            "text": get("/text", result={"as": "text"}),
            "picture": get("/picture", result={"as": "binary"}),
            "file": get("/file", result={"as": "binary"}),
            "list": get("/list"), "zip": get("/zip"), "twice": get("/twice"),
            "latin": get("/latin", result={"as": "text"}), "number": get("/number"),
            "mail": get("/mail"),
            "typed": get("/typed", outputSchema={
                "type": "object", "properties": {"n": {"type": "number"}}}),
        })
        (site.manifests / "policy" / "masks.json").write_text(json.dumps({"rules": [
            {"rule": "my-card", "effect": "mask", "field": "card", "with": "redact"}]}))
        with Server(site) as server:
            expect(outcome(server, "text")[1]["text"], "café")
            kind, block = outcome(server, "picture")
            expect((block["type"], block["mimeType"]), ("image", "image/png"))
            kind, block = outcome(server, "file")
            expect((block["type"], block["resource"]["mimeType"]), ("resource", "application/pdf"))
            expect(outcome(server, "list"), ("ok", {"value": [1, 2]}))
            for tool in ["zip", "twice", "latin", "typed"]:
                expect(code(server, tool), "backend.result", tool)
            token = site.token("tester", ["support"])
            expect_in(b"0.10000000000000000001", post(server, token, call("number")).body)
            expect(outcome(server, "mail")[1],
                   {"card": "[card]", "deep": [{"CARD": "[card]"}], "note": "x"})


@check
def upstream_certificates_must_hold(world):
    authority = Authority()
    site = world.site("upstream")
    certificate, key = authority.issue(site.manifests, "upstream")
    (site.manifests / "ca.pem").write_bytes(pem(authority.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Upstream({"/x": answer({})}, context) as upstream:
        for host, tls, wanted in [
            ("localhost", {"ca": "ca.pem"}, "ok"),
            ("127.0.0.1", {"ca": "ca.pem"}, "ok"),
            ("localhost", None, "backend.unavailable"),
            ("ip6-localhost", {"ca": "ca.pem"}, "backend.unavailable"),
        ]:
            more = {"tls": tls} if tls else {}
            api(site, upstream, {"ask": get("/x")}, host=host, scheme="https",
                networks=["127.0.0.0/8", "::1/128"], **more)
            with Server(site) as server:
                expect(code(server, "ask"), wanted, f"{host} with {tls}")
        expect(len(upstream.requests), 2, "requests")


@check
def upstream_hosts_of_callers_must_be_named_and_public(world):
    site = world.site("upstream")
    with Upstream({"/x": answer(b"inside", Content_Type="text/plain")}) as upstream:
        tool = {"http": {"url": "{url}"}, "input": {"url": {"type": "string"}}, "result": {"as": "text"}}
        api(site, upstream, {"fetch": tool}, hosts=["*", "127.0.0.2"], schemes=["http"],
            ports=[upstream.port, 80])
        with Server(site) as server:
            for host in [
                "127.0.0.1", "localhost", "localhost.", "[::1]", "0x7f000001", "2130706433", "127.1",
                "0", "[::ffff:127.0.0.1]", socket.gethostname(), "a.localhost", "169.254.169.254",
            ]:
                url = f"http://{host}:{upstream.port}/x"
                expect(code(server, "fetch", {"url": url}), "arguments.invalid", host)
            for url in [
                f"http://evil.example@127.0.0.2:{upstream.port}/x", "https://127.0.0.2/",
                f"http://127.0.0.2:{upstream.port}\\@evil.example/x", "http://127.0.0.2:81/",
                "file:///etc/passwd",
            ]:
                expect(code(server, "fetch", {"url": url}), "arguments.invalid", url)
            expect(upstream.requests, [], "requests")


@check
def upstream_that_is_away_is_said_to_be(world):
    site = world.site("upstream")
    with Upstream({"/x": answer({})}) as upstream:
        api(site, upstream, {"ask": get("/x")})
    with Server(site) as server:
        began = time.monotonic()
        expect(code(server, "ask"), "backend.unavailable")
        if time.monotonic() - began > 2:
            raise AssertionError("a refused connection took long")
        for _ in range(20):
            expect(code(server, "ask"), "backend.unavailable")
        # Once it is back, calls find out by themselves.
        with socket.create_server(("127.0.0.1", upstream.port)) as listener:
            again = Upstream({"/x": answer({})})
            again._listener.close()
            again._listener = listener
            with again:
                eventually(lambda: code(server, "ask") == "ok", "an answer", 20)


@check
def upstream_tokens_are_asked_for_once_and_again_when_refused(world):
    site = world.site("upstream")
    tokens = []

    def token(connection, request):
        tokens.append(request)
        connection.sendall(answer({
            "access_token": f"token-{len(tokens)}", "token_type": "Bearer", "expires_in": 3600}))

    def guarded(connection, request):
        is_good = request.headers["authorization"] == f"Bearer token-{valid[0]}"
        connection.sendall(answer({"as": valid[0]}) if is_good else answer({}, "401 Unauthorized"))

    valid = [1]
    with Upstream({"/token": token, "/x": guarded}) as upstream:
        api(site, upstream, {"ask": get("/x")}, auth={"oauth": {
            "tokenURL": f"http://127.0.0.1:{upstream.port}/token", "clientID": "tool:server",
            "clientSecret": {"file": "secret"}, "scope": "read all"}})
        (site.manifests / "secret").write_text("s3c:ret\n")
        with Server(site) as server:
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                results = list(pool.map(lambda _: outcome(server, "ask"), range(16)))
            expect(results, [("ok", {"as": 1})] * 16)
            expect(len(tokens), 1, "tokens asked for")
            expect(tokens[0].body, b"grant_type=client_credentials&scope=read%20all")
            pair = base64.b64decode(tokens[0].headers["authorization"].removeprefix("Basic "))
            expect(pair, b"tool%3Aserver:s3c%3Aret")
            # A token that was taken back costs no call: another one is asked for, once.
            valid[0] = 2
            expect(outcome(server, "ask"), ("ok", {"as": 2}))
            expect(len(tokens), 2, "tokens asked for")
            valid[0], before = 99, len(upstream.at("/x"))
            expect(code(server, "ask"), "backend.unauthorized")
            expect(len(upstream.at("/x")) - before, 2, "requests with a token that nobody takes")


@check
def upstream_requests_are_signed_for_aws(world):
    site = world.site("upstream")
    with Upstream({"/bucket/a%20b.txt": answer(b"text", Content_Type="text/plain")}) as upstream:
        api(site, upstream, {"read": {
            "http": {"path": "/bucket/{+key}"}, "input": {"key": {"type": "string"}},
            "result": {"as": "text"}}},
            auth={"aws": {"region": "eu-west-1", "service": "s3", "keyID": {"file": "id"},
                          "secretKey": {"file": "secret"}}})
        (site.manifests / "id").write_text("AKID")
        (site.manifests / "secret").write_text("SECRET")
        with Server(site) as server:
            expect(code(server, "read", {"key": "a b.txt"}), "ok")
            sent = upstream.requests[0].headers
            expect_in("Credential=AKID/", sent["authorization"])
            expect_in("/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date,",
                      sent["authorization"])
            expect_not_in("SECRET", str(sent))
