"""Event streams by hand: calls that take a while, resuming, GET, DELETE and subscriptions."""

import contextlib
import signal
import time

from harness import Server, check, expect
from messages import SUBSCRIPTION_KEY
from record import recorded_code
from wire import Stream, call, post, post_stateless, request, send, session, stateless
from wire import headers_for, stateless_headers

LATEST = {"MCP-Protocol-Version": "2025-11-25"}
CHANGED = "notifications/tools/list_changed"


def support(world, subject="tester"):
    return world.token(world.server.site, "support", subject=subject)


def in_session(world, token=None):
    return LATEST | {"Mcp-Session-Id": session(world.server, token or support(world))}


def count(world, seconds, **params):
    return call("count", {"n": world.numbers_for(seconds)}, **params)


def get(server, token, changes, resumed=None):
    return Stream(server, token, changes=changes, method="GET", resumed=resumed)


def refused_get(world, token, changes):
    return send(world.server, "GET", headers=headers_for(world.server, token, changes))


# MARK: calls that take a while


@check
def stream_a_slow_call_opens_within_a_moment_without_a_progress_token(world):
    message = count(world, 2.5)
    for changes, sent, primed in [
        (LATEST, message, True), ({"MCP-Protocol-Version": "2025-06-18"}, message, False),
        (stateless_headers(message), stateless(message), False),
    ]:
        began = time.monotonic()
        with Stream(world.server, support(world), sent, changes) as stream:
            first = stream.next()
            seconds = time.monotonic() - began
            expect(seconds < 2, True, f"the first event came after {seconds:.1f} s, within 2 s")
            expect(stream.headers["Content-Type"], "text/event-stream")
            expect(stream.headers["X-Accel-Buffering"], "no")
            if primed:
                expect((first["data"], first["retry"]), ("", "1000"), "the priming event")
                expect(first["id"] is not None, True, "an id")
            else:
                expect(list(first.fields), ["comment"], "the first line")
            answer = stream.next()
            expect(answer["id"] is not None, changes != stateless_headers(message), "an id")
            expect(answer.json["result"]["isError"], False)
            expect(stream.next(), None, "the end")


@check
def stream_a_client_that_takes_json_alone_gets_json(world):
    for accept in ["application/json", "application/*", "text/event-stream;q=0, */*"]:
        answer = post(world.server, support(world), count(world, 1.4), LATEST | {"Accept": accept})
        expect(answer.headers["Content-Type"], "application/json", accept)
        expect(answer.json["result"]["isError"], False)


@check
def stream_progress_rises_and_ends_with_the_answer(world):
    message = count(world, 5.5, _meta={"progressToken": "ü1"})
    for sent, changes in [(message, LATEST), (stateless(message), stateless_headers(message))]:
        with Stream(world.server, support(world), sent, changes) as stream:
            *reports, answer = stream.messages()
        expect(answer["id"], 1, "the last message")
        expect({report["params"]["progressToken"] for report in reports}, {"ü1"})
        values = [report["params"]["progress"] for report in reports]
        expect(len(values) >= 2 and values == sorted(set(values)), True, f"{values} rises")


@check
def stream_a_cancelled_call_gets_no_answer_and_cannot_be_resumed(world):
    headers = in_session(world)
    message = count(world, 40, id="c")
    with Stream(world.server, support(world), message, headers) as stream:
        first = stream.next()
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "c"}}
        expect(post(world.server, support(world), cancel, headers).status, 202)
        expect(stream.messages(), [], "messages after the cancellation")
    code = recorded_code(world.server.site, message["params"]["arguments"]["n"])
    expect(code, "call.cancelled", "outcome in the record")
    answer = refused_get(world, support(world), headers | {"Last-Event-ID": first["id"]})
    expect(answer.status, 400, "status of the resumption")


@check
def stream_cancelling_what_has_ended_or_never_was_changes_nothing(world):
    """The races: before, beside and after the answer, with ids used again."""
    headers = in_session(world)
    for number in range(1, 60):
        answer = post(world.server, support(world), call("customer_by_id", {"id": number}), headers)
        expect(answer.json["result"]["structuredContent"]["rows"][0]["id"], number)
        for id in [1, "1", 2, None, {}, 1.5]:
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}
            expect(post(world.server, support(world), cancel, headers).status, 202)
    with Stream(world.server, support(world), count(world, 2, id=5), headers) as stream:
        stream.next()
        again = post(world.server, support(world), call("customer_by_id", {"id": 1}, id=5), headers)
        expect(again.json["error"]["code"], -32600, "an id under way")
        expect(stream.next().json["id"], 5, "the answer of the first")


# MARK: resuming


@check
def stream_a_broken_call_is_resumed_where_it_broke(world):
    headers = in_session(world)
    message = count(world, 3, _meta={"progressToken": 1})
    with Stream(world.server, support(world), message, headers) as stream:
        stream.next()
        seen = stream.next()
    last = {"Last-Event-ID": seen["id"]}
    with get(world.server, support(world), headers | last, message) as resumed:
        expect(resumed.headers["Content-Type"], "text/event-stream")
        events = []
        while event := resumed.next():
            events += [event] if event["data"] else []
    expect(events[-1].json["result"]["isError"], False, "the answer")
    values = [seen.json["params"]["progress"]] + [
        event.json["params"]["progress"] for event in events[:-1]]
    expect(values, sorted(set(values)), "progress")
    ids = [seen["id"]] + [event["id"] for event in events]
    expect(len(set(ids)), len(ids), "different ids")
    # The answer waits for who has missed it; nobody else learns that it does.
    with get(world.server, support(world), headers | {"Last-Event-ID": ids[0]}, message) as again:
        expect(again.messages()[-1], events[-1].json, "the answer once more")
    made_up = refused_get(world, support(world), headers | {"Last-Event-ID": "A" * 12 + ".1"})
    other_session = refused_get(world, support(world), in_session(world) | {"Last-Event-ID": ids[0]})
    somebody = support(world, subject="somebody-else")
    foreign = refused_get(world, somebody, in_session(world, somebody) | {"Last-Event-ID": ids[0]})
    all_seen = refused_get(world, support(world), headers | {"Last-Event-ID": ids[-1]})
    expect({a.status for a in (made_up, other_session, foreign, all_seen)}, {400}, "statuses")
    expect({a.body for a in (made_up, other_session, foreign, all_seen)}, {made_up.body}, "bytes")


@check
def stream_who_resumes_takes_the_stream_over(world):
    message = count(world, 3)
    with Stream(world.server, support(world), message, LATEST) as first:
        last = {"Last-Event-ID": first.next()["id"]}
        with get(world.server, support(world), LATEST | last, message) as second:
            expect(first.messages(), [], "messages of the first connection")
            expect([m["id"] for m in second.messages()], [1], "messages of the second")


# MARK: GET, DELETE


@check
def stream_get_tells_whose_tools_have_changed(world):
    site = world.site("changes")
    with Server(site) as server:
        ada, ben = world.token(site, "support", subject="ada"), world.token(site, "many", subject="ben")
        of_ada = LATEST | {"Mcp-Session-Id": session(server, ada)}
        with contextlib.ExitStack() as stack:
            older, newer, other = (
                stack.enter_context(get(server, token, changes))
                for token, changes in [(ada, of_ada), (ada, of_ada), (ben, LATEST)])
            primed = [stream.next() for stream in (older, newer, other)]
            expect({event["data"] for event in primed}, {""}, "priming events")
            site.add_tool("added")
            server.reload()
            told = newer.next()
            expect(told.json["method"], CHANGED)
            site.add_tool("many_added", "made.many")
            server.reload()
            expect(other.next().json["method"], CHANGED, "the change of ben's tools")
            # Who was away during a change hears of it; who was not, does not.
            with get(server, ada, of_ada | {"Last-Event-ID": primed[1]["id"]}) as late:
                late.next()
                expect(late.next().json["method"], CHANGED, "what was missed")
            back = stack.enter_context(get(server, ada, of_ada | {"Last-Event-ID": told["id"]}))
            back.next()
            server.process.send_signal(signal.SIGTERM)
            for stream in (older, newer, other, back):
                expect(stream.messages(), [], "messages until the server stopped")
            expect(server.process.wait(timeout=10), 0, "exit code")


@check
def stream_a_caller_has_so_many_streams_and_no_more(world):
    crowd = support(world, subject="crowd")
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            for _ in range(32):
                stack.enter_context(get(world.server, crowd, LATEST)).next()
            answer = refused_get(world, crowd, LATEST)
            expect((answer.status, answer.headers["Retry-After"]), (429, "60"))
            listen = request("subscriptions/listen", {"notifications": {}})
            answer = post_stateless(world.server, crowd, listen)
            expect((answer.status, answer.json["error"]["code"]), (503, -32603))
            with get(world.server, support(world), LATEST) as other:
                expect(other.status, 200, "another caller")
        deadline = time.monotonic() + 5
        while (probe := get(world.server, crowd, LATEST)).status != 200:
            expect(time.monotonic() < deadline, True, "places are given back within 5 s")
        probe.hang_up()


@check
def stream_get_needs_an_event_stream_and_a_known_session(world):
    for accept in ["application/json", "text/html", "text/event-stream;q=0"]:
        expect(refused_get(world, support(world), {"Accept": accept}).status, 406, accept)
    for id in ["unknown", "A" * 43]:
        expect(refused_get(world, support(world), {"Mcp-Session-Id": id}).status, 404, id)
    expect(refused_get(world, None, {"Authorization": None}).status, 401)
    for accept in [None, "*/*", "text/*", "text/event-stream"]:
        with get(world.server, support(world), LATEST | {"Accept": accept}) as stream:
            expect(stream.status, 200, f"status with Accept: {accept}")


@check
def stream_delete_ends_a_session_with_all_that_belongs_to_it(world):
    headers, others = in_session(world), in_session(world)
    message = count(world, 40)

    def delete(token, changes):
        return send(world.server, "DELETE", headers=headers_for(world.server, token, changes))

    somebody = support(world, subject="somebody-else")
    expect(delete(somebody, headers).status, 404, "somebody else's session")
    expect(delete(support(world), LATEST).status, 400, "no session")
    with get(world.server, support(world), headers) as changes, \
            get(world.server, support(world), others) as kept, \
            Stream(world.server, support(world), message, headers) as running:
        primed = [changes.next(), kept.next(), running.next()]
        ended = delete(support(world), headers)
        expect((ended.status, ended.body), (204, b""))
        expect((changes.messages(), running.messages()), ([], []), "messages after the end")
        code = recorded_code(world.server.site, message["params"]["arguments"]["n"])
        expect(code, "call.cancelled", "outcome in the record")
    for _ in range(2):
        answer = post(world.server, support(world), request("tools/list"), headers)
        expect(answer.status, 404, "a request of an ended session")
    expect(delete(support(world), headers).status, 404, "ending it again")
    expect(refused_get(world, support(world), headers | {"Last-Event-ID": primed[2]["id"]}).status, 404)
    expect(post(world.server, support(world), request("tools/list"), others).status, 200)


# MARK: subscriptions/listen


def listen(wishes, id=1):
    return request("subscriptions/listen", {"notifications": wishes}, id)


@check
def stream_listen_tells_what_was_asked_for_and_ends_in_good_order(world):
    site = world.site("listen")
    with Server(site) as server, contextlib.ExitStack() as stack:
        token = world.token(site, "support")

        def opened(wishes, id):
            message = stateless(listen(wishes, id))
            stream = Stream(server, token, message, stateless_headers(message))
            return stack.enter_context(stream)

        all_of_them = {"toolsListChanged": True, "promptsListChanged": True,
                       "resourcesListChanged": True, "resourceSubscriptions": ["file:///x"]}
        wanting, refusing = opened(all_of_them, 7), opened({"toolsListChanged": False}, "seven")
        for stream, id, agreed in [(wanting, 7, {"toolsListChanged": True}), (refusing, "seven", {})]:
            expect(stream.headers["X-Accel-Buffering"], "no")
            first = stream.next().json
            expect(first["method"], "notifications/subscriptions/acknowledged")
            expect(first["params"], {"_meta": {SUBSCRIPTION_KEY: id}, "notifications": agreed})
        site.add_tool("added")
        server.reload()
        told = wanting.next().json
        expect((told["method"], told["params"]["_meta"][SUBSCRIPTION_KEY]), (CHANGED, 7))
        server.process.send_signal(signal.SIGTERM)
        for stream, id in [(wanting, 7), (refusing, "seven")]:
            [last] = stream.messages()
            expect((last["id"], last["result"]["resultType"]), (id, "complete"))
            expect(last["result"]["_meta"][SUBSCRIPTION_KEY], id)
        expect(server.process.wait(timeout=10), 0, "exit code")


@check
def stream_listen_is_refused_in_the_wrong_form(world):
    for params in [{}, {"notifications": None}, {"notifications": []},
                   {"notifications": {"toolsListChanged": "yes"}},
                   {"notifications": {"resourceSubscriptions": "file:///x"}},
                   {"notifications": {"resourceSubscriptions": [1]}}]:
        answer = post_stateless(world.server, support(world), request("subscriptions/listen", params))
        expect((answer.status, answer.json["error"]["code"]), (400, -32602), str(params))
    json_alone = {"Accept": "application/json"}
    answer = post_stateless(world.server, support(world), listen({}), json_alone)
    expect(answer.status, 406, "without an event stream")
    answer = post(world.server, support(world), listen({}), LATEST)
    expect(answer.json["error"]["code"], -32601, "in the handshake era")
    discovered = post_stateless(world.server, support(world), request("server/discover")).json
    expect(discovered["result"]["capabilities"]["tools"], {"listChanged": True})
