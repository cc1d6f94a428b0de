"""The same tools for programs that speak no MCP: `/v1`, and `toolserver call`."""

import http.client
import json
import subprocess

from harness import check, environment, expect, expect_in, expect_not_in


def ask(world, method, path, body=None, token=None, **headers):
    """Status, headers and parsed body."""
    connection = http.client.HTTPConnection("127.0.0.1", world.server.port, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        text = response.read()
        return response.status, response.headers, json.loads(text) if text[:1] in b"{[" else text
    finally:
        connection.close()


def support(world):
    return world.token(world.server.site, "support")


def call(world, tool, arguments, token=None):
    return ask(world, "POST", f"/v1/tools/{tool}", arguments, token or support(world))


def problem(answer, status, code):
    """The problem details of a refusal."""
    actual, headers, body = answer
    expect(actual, status, f"status of {body}")
    expect(headers["Content-Type"], "application/problem+json", "type")
    expect((body["status"], body.get("code")), (status, code), "status and code in the body")
    return body


@check
def plain_http_lists_the_callers_tools(world):
    status, _, body = ask(world, "GET", "/v1/tools", token=support(world))
    expect(status, 200, "status")
    names = [tool["name"] for tool in body["tools"]]
    expect_in("customer_by_id", names)
    expect_not_in("change_plan", names, "tools of support")
    expect(names, sorted(names), "order")
    _, _, many = ask(world, "GET", "/v1/tools", token=world.token(world.server.site, "many"))
    expect(len(many["tools"]), 120, "tools, on one page")


@check
def plain_http_answers_what_mcp_answers(world):
    status, headers, body = call(world, "customer_by_id", {"id": 7})
    expect((status, headers["Content-Type"]), (200, "application/json"), "status and type")
    [(name, email)] = world.server.site.rows("select name, email from customers where id = 7")
    expect(body["rows"][0]["name"], name, "name")
    expect_not_in(email, str(body), "answer to support")
    status, _, body = ask(world, "POST", "/v1/tools/staff_directory", token=support(world))
    expect(status, 200, "status of a call without a body")


@check
def plain_http_refuses_with_problem_details(world):
    missing = problem(call(world, "customer_by_id", {"idd": 7}), 422, "arguments.invalid")
    expect_in("`id` is required", missing["detail"])
    denied = problem(call(world, "staff_salaries", {}), 403, "deny.rule")
    expect(denied["rules"], ["salaries"], "rules")
    hidden = problem(call(world, "change_plan", {}), 404, "scope.unknown_tool")
    unknown = problem(call(world, "no_such_tool", {}), 404, "scope.unknown_tool")
    expect(hidden["detail"].replace("change_plan", "no_such_tool"), unknown["detail"], "detail")
    problem(call(world, "count_briefly", {"n": world.numbers_for(40)}), 504, "backend.timed_out")


@check
def plain_http_turns_strangers_away_on_every_path(world):
    for method, path in [
        ("GET", "/v1/tools"), ("POST", "/v1/tools/customer_by_id"), ("POST", "/v1/tool_use"),
        ("GET", "/v1/openapi.json"), ("GET", "/v1/nothing"), ("PUT", "/v1/tools"),
    ]:
        for token, code in [(None, "identity.missing"), ("x.y.z", "identity.invalid")]:
            answer = ask(world, method, path, token=token)
            problem(answer, 401, code)
            expect_in("resource_metadata=", answer[1]["WWW-Authenticate"])
    for headers in [{"Origin": "http://evil.example"}, {"Host": "evil.example"}]:
        status, _, _ = ask(world, "GET", "/v1/tools", token=support(world), **headers)
        expect(status, 403, f"status with {headers}")
    problem(ask(world, "GET", f"/v1/tools?access_token={support(world)}"), 400, None)


@check
def plain_http_says_what_is_wrong_with_a_request(world):
    token = support(world)
    for answer, status in [
        (ask(world, "GET", "/v1/nothing", token=token), 404),
        (ask(world, "POST", "/v1/tools/", {}, token=token), 404),
        (ask(world, "POST", "/v1/tools/a/b", {}, token=token), 404),
        (ask(world, "GET", "/v1/tools?for=others", token=token), 400),
        (ask(world, "GET", "/v1/tools/customer_by_id", token=token), 405),
        (ask(world, "POST", "/v1/openapi.json", {}, token=token), 405),
        (ask(world, "POST", "/v1/tools/customer_by_id", "{", token=token), 400),
        (ask(world, "POST", "/v1/tools/customer_by_id", "[]", token=token), 400),
        (ask(world, "POST", "/v1/tools/customer_by_id", "id=7", token=token,
             Content_Type="application/x-www-form-urlencoded"), 415),
        (ask(world, "POST", "/v1/tool_use", {"type": "text"}, token=token), 400),
    ]:
        problem(answer, status, None)
    expect(ask(world, "PUT", "/v1/tools", token=token)[1]["Allow"], "GET", "Allow")


@check
def a_loop_on_the_messages_api_needs_two_requests(world):
    _, _, body = ask(world, "GET", "/v1/tools?for=messages-api", token=support(world))
    tool = next(tool for tool in body["tools"] if tool["name"] == "customer_by_id")
    expect(sorted(tool), ["description", "input_schema", "name"], "members")
    block = {"type": "tool_use", "id": "toolu_1", "name": "customer_by_id", "input": {"id": 7}}
    status, _, result = ask(world, "POST", "/v1/tool_use", block, support(world))
    expect(status, 200, "status")
    expect((result["type"], result["tool_use_id"], result["is_error"]),
           ("tool_result", "toolu_1", False), "the result")
    expect(json.loads(result["content"][0]["text"])["rows"][0]["id"], 7, "the id")
    _, _, refused = ask(
        world, "POST", "/v1/tool_use", block | {"name": "staff_salaries", "input": {}},
        support(world))
    expect(refused["is_error"], True, "is_error")
    expect_in("code: deny.rule", refused["content"][0]["text"])


@check
def the_openapi_document_holds_exactly_the_callers_tools(world):
    status, _, document = ask(world, "GET", "/v1/openapi.json", token=support(world))
    expect((status, document["openapi"]), (200, "3.1.0"), "status and version")
    _, _, listed = ask(world, "GET", "/v1/tools", token=support(world))
    expect(sorted(document["paths"]),
           [f"/v1/tools/{tool['name']}" for tool in listed["tools"]], "paths")
    for reference in references(document):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    try:
        import openapi_spec_validator
    except ImportError:
        return "openapi-spec-validator is not installed: references were followed, no more"
    openapi_spec_validator.validate(document)


def references(value):
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref" and isinstance(item, str):
                yield item
            else:
                yield from references(item)


@check
def one_call_from_the_command_line_here_and_at_a_server(world):
    site, server = world.server.site, world.server
    own = world.site("called")
    arguments = json.dumps({"id": 7})
    for words, token in [
        (["--manifests", str(own.manifests), "--state", str(own.state)], None),
        (["--url", server.url], support(world)),
        (["--url", f"http://localhost:{server.port}/"], support(world)),
    ]:
        def run(tool, given):
            return subprocess.run(
                [site.binary, "call", tool, given, *words], env=environment(token),
                capture_output=True, text=True, timeout=60)
        answered = run("customer_by_id", arguments)
        expect(answered.returncode, 0, f"exit code: {answered.stderr}")
        expect(json.loads(answered.stdout)["rows"][0]["id"], 7, "the id")
        refused = run("staff_salaries", "{}")
        expect((refused.returncode, refused.stdout), (1, ""), "code and output of a refusal")
        expect_in("for finance only", refused.stderr)
        expect_in("code: deny.rule", refused.stderr)
        expect(run("customer_by_id", "[]").returncode, 2, "exit code of a usage error")
    nobody = subprocess.run(
        [site.binary, "call", "customer_by_id", arguments, "--url", "http://127.0.0.1:1"],
        env=environment(support(world)), capture_output=True, text=True, timeout=60)
    expect(nobody.returncode, 1, "exit code where nobody listens")
    recorded = own.run("audit", "list", "--all", "--state", str(own.state)).stdout
    expect_in("customer_by_id", recorded, "the record of the call here")
