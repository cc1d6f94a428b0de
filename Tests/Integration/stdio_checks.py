"""Raw lines over a pipe: odd pieces, broken lines, both eras at once, and the end."""

import json

import signal
import time

from harness import check, eventually, expect
from messages import SUBSCRIPTION_KEY
from record import recorded_code
from wire import Pipe, call, request, stateless

HELLO = request("initialize", {
    "protocolVersion": "2025-11-25", "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"}}, id="hello")
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def opened(world, *groups):
    return Pipe(world.pipes, world.token(world.pipes, *(groups or ["support"])))


def one_row(message):
    [row] = message["result"]["structuredContent"]["rows"]
    return row["id"]


@check
def stdio_the_end_of_input_ends_the_process_with_all_answers_given(world):
    with opened(world) as pipe:
        pipe.send(HELLO)
        for number in range(1, 21):
            pipe.send(call("customer_by_id", {"id": number}, id=number))
        pipe.close_input()
        answers, code = pipe.end()
    expect(code, 0, "exit code")
    ids = {answer["id"]: one_row(answer) for answer in answers if answer["id"] != "hello"}
    expect(ids, {number: number for number in range(1, 21)}, "answers")


@check
def stdio_a_last_line_needs_no_line_feed(world):
    with opened(world) as pipe:
        pipe.send_bytes(json.dumps(request("ping")).encode())
        pipe.close_input()
        expect(pipe.end(), ([{"jsonrpc": "2.0", "id": 1, "result": {}}], 0))


@check
def stdio_an_empty_input_is_a_good_end(world):
    with opened(world) as pipe:
        pipe.close_input()
        expect(pipe.end(), ([], 0))


@check
def stdio_a_call_under_way_at_the_end_does_not_hold_the_process_for_long(world):
    with opened(world) as pipe:
        number = world.numbers_for(40)
        pipe.send(call("count", {"n": number}))
        pipe.close_input()
        _, code = pipe.end(seconds=8)
    expect(code, 0, "exit code")
    expect(recorded_code(world.pipes, number), "call.cancelled", "outcome in the record")


@check
def stdio_without_a_token_the_local_user_calls(world):
    with Pipe(world.pipes, None) as pipe:
        pipe.send(stateless(call("customer_by_id", {"id": 3})))
        expect(one_row(pipe.receive()), 3)


@check
def stdio_a_bad_token_starts_nothing(world):
    with Pipe(world.pipes, "not-a-token") as pipe:
        expect(pipe.receive(), None, "output")
        expect(pipe.process.wait(timeout=5), 1, "exit code")


@check
def stdio_a_token_by_command_is_renewed_before_it_ends(world):
    site = world.pipes
    first, fresh, runs = (site.state / name for name in ("first", "fresh", "runs"))
    fresh.write_text(world.token(site, "support"))
    first.write_text(site.altered_token(fresh.read_text(), exp=int(time.time()) + 2))
    command = (f"echo x >> '{runs}'; "
               f"[ $(wc -l < '{runs}') = 1 ] && cat '{first}' || cat '{fresh}'")
    with Pipe(site, None, environ={"TOOLSERVER_TOKEN_COMMAND": command}) as pipe:
        until, number = time.time() + 4, 0
        while time.time() < until:
            number += 1
            pipe.send(stateless(call("customer_by_id", {"id": 3}, id=number)))
            expect(one_row(pipe.receive()), 3)
    expect(runs.read_text().count("x"), 2, "runs of the command")


@check
def stdio_a_command_without_a_token_starts_nothing_and_says_so(world):
    with Pipe(world.pipes, None, environ={"TOOLSERVER_TOKEN_COMMAND": "exit 3"}) as pipe:
        expect(pipe.receive(), None, "output")
        expect(pipe.process.wait(timeout=5), 1, "exit code")


@check
def stdio_a_cancelled_call_is_never_answered_and_others_go_on(world):
    for wrap in (lambda message: message, stateless):
        with opened(world) as pipe:
            number = world.numbers_for(40)
            pipe.send(HELLO)
            pipe.receive()
            slow = call("count", {"n": number}, id="slow", _meta={"progressToken": 1})
            pipe.send(wrap(slow))
            pipe.send(wrap(call("customer_by_id", {"id": 5}, id=5)))
            expect(one_row(pipe.receive()), 5, "the quick call overtakes")
            expect(pipe.receive()["method"], "notifications/progress", "the slow call")
            pipe.send({"jsonrpc": "2.0", "method": "notifications/cancelled",
                       "params": {"requestId": "slow"}})
            expect(recorded_code(world.pipes, number), "call.cancelled", "outcome in the record")
            pipe.send(wrap(call("customer_by_id", {"id": 6}, id=6)))
            pipe.close_input()
            messages, _ = pipe.end()
            ids = [message["id"] for message in messages if "id" in message]
            expect(ids, [6], "answers after the cancellation")


@check
def stdio_a_line_of_5_mib_is_refused_and_the_next_is_served(world):
    with opened(world) as pipe:
        pad = "x" * (5 << 20)
        pipe.send(call("customer_by_id", {"id": 1, "pad": pad}))
        pipe.send(call("customer_by_id", {"id": 2}, id=2))
        refused = pipe.receive()
        expect(("id" in refused, refused["error"]["code"]), (False, -32600))
        expect(pipe.receive()["id"], 2)


@check
def stdio_broken_lines_are_told_so_and_the_next_is_served(world):
    ping = json.dumps(request("ping")).encode()
    for line, code in [
        (b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}', -32700), (b"\x00", -32700),
        (b"{", -32700), (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700),
        (b"[" + ping + b"]", -32600), (b"7", -32600), (b"[" * 100_000, -32700),
    ]:
        with opened(world) as pipe:
            pipe.send_bytes(line + b"\n" + ping + b"\n")
            refused = pipe.receive()
            expect(("id" in refused, refused["error"]["code"]), (False, code), str(line[:60]))
            expect(pipe.receive(), {"jsonrpc": "2.0", "id": 1, "result": {}}, "the next line")


@check
def stdio_empty_lines_and_carriage_returns_are_passed_over(world):
    with opened(world) as pipe:
        ping = json.dumps(request("ping")).encode()
        pipe.send_bytes(b"\n\n" + ping + b"\r\n\n")
        pipe.close_input()
        expect(pipe.end(), ([{"jsonrpc": "2.0", "id": 1, "result": {}}], 0))


@check
def stdio_the_pieces_of_a_message_do_not_matter(world):
    with opened(world) as pipe:
        messages = [HELLO, INITIALIZED] + [
            call("find_customers", {"country": "NL"}, id="größe-" + "é" * number)
            for number in range(20)]
        stream = b"".join(
            json.dumps(message, ensure_ascii=False).encode() + b"\n" for message in messages)
        at = 0
        for step in range(1, 1000):
            pipe.send_bytes(stream[at:at + step % 11 + 1])
            at += step % 11 + 1
        pipe.send_bytes(stream[at:])
        answers = pipe.receive_by_id(21)
    expect(set(answers), {m["id"] for m in messages if "id" in m}, "ids")
    expect([a for a in answers.values() if "error" in a], [], "errors")


@check
def stdio_both_eras_share_a_pipe(world):
    with opened(world) as pipe:
        pipe.send(stateless(request("server/discover", id=1)))
        pipe.send(HELLO)
        pipe.send(INITIALIZED)
        answers = pipe.receive_by_id(2)
        expect("2026-07-28" in answers[1]["result"]["supportedVersions"], True)
        expect(answers["hello"]["result"]["protocolVersion"], "2025-11-25")
        for number in range(2, 42):
            wrap = stateless if number % 2 else dict
            pipe.send(wrap(call("customer_by_id", {"id": number}, id=number)))
        pipe.send(request("ping", id="old"))
        pipe.send(stateless(request("ping", id="new")))
        answers = pipe.receive_by_id(42)
    for number in range(2, 42):
        expect(one_row(answers[number]), number)
        is_stateless = "resultType" in answers[number]["result"]
        expect(is_stateless, bool(number % 2), f"era of answer {number}")
    expect(answers["old"]["result"], {})
    expect(answers["new"]["error"]["code"], -32601)


@check
def stdio_ids_come_back_as_they_were(world):
    with opened(world) as pipe:
        for id in [1, "1", 2**53, -1, "", "ü"]:
            pipe.send(request("ping", id=id))
            answer = pipe.receive()
            expect((answer["id"], type(answer["id"])), (id, type(id)))


@check
def stdio_more_calls_than_fit_at_once_are_all_answered(world):
    with opened(world) as pipe:
        for number in range(300):
            pipe.send(call("find_customers", {"after": number}, id=number))
        answers = pipe.receive_by_id(300)
    expect([id for id, answer in answers.items() if "result" not in answer], [], "errors")


# MARK: what the server tells unasked

CHANGED = "notifications/tools/list_changed"


def listen(id, wishes):
    return stateless(request("subscriptions/listen", {"notifications": wishes}, id))


def reload(pipe, site):
    before = site.log_file.read_text().count("reload: ok")
    pipe.process.send_signal(signal.SIGHUP)
    eventually(lambda: site.log_file.read_text().count("reload: ok") > before, "the reload")


@check
def stdio_changes_are_told_to_who_has_shaken_hands_or_asked(world):
    site = world.site("stdio-changes")
    with Pipe(site, world.token(site, "support")) as pipe:
        pipe.send(stateless(request("server/discover")))
        expect("listChanged" in str(pipe.receive()), True, "declared")
        site.add_tool("first")
        reload(pipe, site)
        pipe.send(listen("a", {"toolsListChanged": True}))
        acknowledged = pipe.receive()
        expect(acknowledged["method"], "notifications/subscriptions/acknowledged")
        pipe.send(listen(2, {"promptsListChanged": True}))
        expect(pipe.receive()["params"]["notifications"], {})
        site.add_tool("second")
        reload(pipe, site)
        told = pipe.receive()
        expect((told["method"], told["params"]["_meta"]), (CHANGED, {SUBSCRIPTION_KEY: "a"}))
        pipe.send(HELLO)
        expect(pipe.receive()["result"]["capabilities"]["tools"], {"listChanged": True})
        pipe.send(INITIALIZED)
        pipe.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "a"}})
        pipe.send(request("ping", id="p"))
        expect(pipe.receive()["id"], "p", "no answer to what was cancelled")
        site.add_tool("third")
        reload(pipe, site)
        expect(pipe.receive(), {"jsonrpc": "2.0", "method": CHANGED}, "for the handshake era")
        site.add_tool("many_more", "made.many")
        reload(pipe, site)
        pipe.send(request("ping", id="q"))
        expect(pipe.receive()["id"], "q", "no word of tools that are not the caller's")


@check
def stdio_subscriptions_end_in_good_order_and_at_once(world):
    for end in (lambda pipe: pipe.close_input(), lambda pipe: pipe.process.terminate()):
        with opened(world) as pipe:
            pipe.send(listen("sub", {"toolsListChanged": True}))
            pipe.receive()
            began = time.monotonic()
            end(pipe)
            [result, cancelled], code = pipe.end()
            expect(code, 0, "exit code")
            expect(time.monotonic() - began < 2, True, "within 2 s")
        expect((result["id"], result["result"]["resultType"]), ("sub", "complete"))
        expect(cancelled["method"], "notifications/cancelled")
        expect(cancelled["params"], {"requestId": "sub"})


@check
def stdio_the_handshake_cannot_be_cancelled(world):
    for _ in range(20):
        with opened(world) as pipe:
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled",
                      "params": {"requestId": "hello"}}
            pipe.send_bytes(b"".join(json.dumps(m).encode() + b"\n" for m in (HELLO, cancel)))
            expect(pipe.receive()["id"], "hello")
