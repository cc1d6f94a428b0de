"""What an operator does: stop, reload, start twice, read the record, look for tampering."""

import contextlib
import json
import shutil
import signal
import subprocess
import time

from harness import Server, check, eventually, expect, expect_in, expect_not_in, made_tool
from record import Record, recorded_code, verified, verify
from wire import begin_call, call, post, request, stateless, stateless_headers


def tool_names(server, token):
    return [tool["name"] for tool in post(server, token, request("tools/list")).json["result"]["tools"]]


@check
def operation_stopping_lets_calls_under_way_finish(world):
    site = world.site("drain")
    with Server(site) as server:
        number = world.numbers_for(1.6)
        token = world.token(site, "support")
        connection = begin_call(server, token, call("count", {"n": number}))
        with connection:
            server.process.send_signal(signal.SIGTERM)
            expect(server.process.wait(timeout=30), 0, "exit code")
            received = b""
            while piece := connection.recv(65536):
                received += piece
        expect_in(b'"isError":false', received, "the answer")
        expect(recorded_code(site, number), "ok", "outcome in the record")
        expect(Record(site).update().last["event"], "stop", "the last line of the record")
    verify(site)


@check
def operation_reloads_good_manifests_and_keeps_the_old_ones_otherwise(world):
    site = world.site("reload")
    with Server(site) as server:
        token = world.token(site, "support")
        added = site.manifests / "tools" / "added.json"
        added.write_text(json.dumps(made_tool("added", "made.slow", "select :n as n")))
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "added" in tool_names(server, token), "the new tool is listed")
        added.write_text('{"tool": "added", "no such key": 1}')
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: "refused" in site.log_file.read_text(), "the reload is refused")
        expect_in("added", tool_names(server, token), "tools after a bad reload")


@check
def operation_a_second_process_keeps_a_log_of_its_own(world):
    site = world.site("twice")
    with Server(site) as server, Server(site) as second:
        for number, one in enumerate([server, second], start=1):
            answer = post(one, world.token(site, "support"), call("customer_by_id", {"id": number}))
            expect(answer.status, 200)
    for number, log in enumerate(["record", "record-2"], start=1):
        verify(site, log)
        expect(len(Record(site, log).update().outcomes_with("id", number)), 1, f"calls in {log}")


@check
def operation_check_names_file_line_and_the_nearest_name(world):
    site = world.site("wrong")
    expect(site.run(*site.arguments("check")[1:4], check=False).returncode, 0, "exit code")
    wrong = made_tool("wrong", "made.slow", "select :n as n")
    wrong["descripton"] = wrong.pop("description")
    (site.manifests / "tools" / "wrong.json").write_text(json.dumps(wrong, indent=2))
    result = site.run(*site.arguments("check")[1:4], check=False)
    expect(result.returncode, 1, "exit code")
    text = result.stdout + result.stderr
    expect_in("tools/wrong.json:", text)
    expect_in("description", text)


@check
def operation_lists_and_shows_the_record(world):
    site = world.site("audit", made_tools=False)
    with Server(site) as server:
        token = world.token(site, "support")
        expect(post(server, token, call("customer_by_id", {"id": 12345})).status, 200)
        listed = site.run("audit", "list", "--last", "5", "--state", str(site.state), "--json").stdout
        lines = [json.loads(line) for line in listed.splitlines()]
        [intent] = [line for line in lines if line["event"] == "intent"]
        expect(intent["arguments"], {"id": 12345}, "arguments")
        shown = site.run("audit", "show", str(intent["seq"]), "--state", str(site.state)).stdout
        expect_in("12345", shown)


@check
def operation_tampering_with_the_record_is_found(world):
    site = world.site("tamper", made_tools=False)
    with Server(site) as server:
        token = world.token(site, "support")
        for number in range(1, 30):
            expect(post(server, token, call("customer_by_id", {"id": number})).status, 200)
        server.stop()
    verify(site)
    original = site.state / "record"
    lines = sorted(original.glob("*.jsonl"))[0].read_bytes().splitlines(keepends=True)
    middle = next(at for at, line in enumerate(lines) if b'"id":15}' in line)
    for name, changed in {
        "an argument changed": [*lines[:middle], lines[middle].replace(b'"id":15}', b'"id":16}'),
                                *lines[middle + 1:]],
        "a line removed": lines[:middle] + lines[middle + 1:],
        "a line repeated": lines[:middle + 1] + lines[middle:],
        "two lines exchanged": [*lines[:middle], lines[middle + 1], lines[middle], *lines[middle + 2:]],
        "a space added": [*lines[:middle], lines[middle].replace(b'":', b'": ', 1), *lines[middle + 1:]],
        "the start cut off": lines[5:],
    }.items():
        copy = site.state / "copy"
        shutil.copytree(original, copy)
        sorted(copy.glob("*.jsonl"))[0].write_bytes(b"".join(changed))
        expect(verified(site, copy).returncode, 1, f"exit code with {name}")
        shutil.rmtree(copy)
    foreign = world.server.site.state / "record" / "record.pub"
    expect(verified(site, original, foreign).returncode, 1, "exit code with another key")


@check
def operation_the_record_holds_no_masked_value(world):
    site = world.site("values", made_tools=False)
    with Server(site) as server:
        token = world.token(site, "managers", "finance")
        asked = [call("customer_by_id", {"id": number}, id=number) for number in range(1, 21)]
        for message in [*asked, call("staff_directory"), call("order_details", {"order": 5})]:
            expect(post(server, token, message).json["result"]["isError"], False)
    # Managers and finance saw some of these: what is shown is not what is written down.
    values = site.rows(
        "select email from customers union select phone from customers union "
        "select card_number from payments union select salary from staff")
    files = [*site.state.rglob("*"), site.log_file]
    written = b"".join(path.read_bytes() for path in files if path.is_file())
    for (value,) in values:
        expect_not_in(f'"{value}"'.encode(), written, "state directory and log")
        if "@" in str(value):
            expect_not_in(value.encode(), written, "state directory and log")


@check
def operation_one_callers_slow_calls_hold_up_nobody_else(world):
    site = world.site("slow")
    with Server(site) as server, contextlib.ExitStack() as stack:
        slow = world.token(site, "support", subject="slow")
        quick = world.token(site, "support", subject="quick")
        for _ in range(4):
            message = stateless(call("count", {"n": world.numbers_for(40)}))
            headers = stateless_headers(message)
            stack.enter_context(begin_call(server, slow, message, headers))
        began = time.monotonic()
        expect(post(server, quick, call("customer_by_id", {"id": 1})).status, 200)
        seconds = time.monotonic() - began
        # The slow calls end before the server does: their client hangs up.
        stack.close()
    expect(seconds < 2, True, f"the quick call took {seconds:.2f} s, within 2 s")


@check
def operation_a_document_is_read_strictly_and_written_back(world):
    def checked(document):
        done = subprocess.run(
            [world.binary, "json-check"], input=document, capture_output=True, timeout=60)
        return done.returncode, done.stdout, done.stderr.decode()

    document = b'{"b":[1.10,1e400,9007199254740993],"a":"\xc3\xa9\\u0000"}'
    expect(checked(document + b" \n"), (0, document + b"\n", ""), "an exact document")
    code, written, reason = checked(b'{"a":1,"\\u0061":2}')
    expect((code, written), (1, b""), "a name twice")
    expect_in("at byte 7: a member name must not occur twice", reason, "the reason")
    code, _, reason = checked(b"[" * 5_000_000)
    expect(code, 1, "a document without end")
    expect_in("at byte 4194304: the text is longer than the limit", reason, "the reason")
