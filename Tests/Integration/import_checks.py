"""`toolserver import openapi`, on documents of the size and the oddities that public ones have."""

import functools
import http.server
import json
import subprocess
import threading
import time

from harness import check, expect, expect_in

KINDS = ["3.0 with forms", "3.1 with recursion", "3.0 with compositions"]


def document(kind, count=320):
    version = "3.1.0" if kind.startswith("3.1") else "3.0.3"
    paths = {}
    for number in range(count // 4):
        item = {"$ref": f"#/components/schemas/{'Tree' if number % 2 else 'Pet'}"}
        one = f"/v1/things{number}/{{thing-id}}"
        paths[f"/v1/things{number}"] = {
            "get": operation(f"listThings{number}", item, query=True),
            "post": operation(f"createThing{number}", item, body=body(kind, item)),
        }
        paths[one] = {
            "parameters": [{"name": "thing-id", "in": "path", "required": True,
                            "schema": {"type": "string", "pattern": r"^(?!x)\w+$"}}],
            "get": operation(f"getThing{number}", item),
            "delete": operation(f"deleteThing{number}", None),
            "head": operation(f"headThing{number}", None),
        }
    return {
        "openapi": version, "info": {"title": f"Things, {kind}", "version": "7"},
        "servers": [{"url": "https://{region}.things.example/api/",
                     "variables": {"region": {"default": "eu"}}}],
        "security": [{"key": []}], "paths": paths,
        "components": {"schemas": schemas(version), "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}},
    }


def operation(name, item, query=False, body=None):
    made = {
        "operationId": name, "summary": "Does a thing", "tags": ["Things & more"],
        "description": "Does a <b>thing</b>.\n\n" + "Very long. " * 200,
        "responses": {"200": {"description": "ok", "content": {"application/json": {
            "schema": item or {}}}}},
    }
    if query:
        made["parameters"] = [
            {"name": "tags[]", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
            {"name": "limit", "in": "query", "schema": {
                "type": "integer", "minimum": 0, "exclusiveMinimum": True, "default": 10,
                "format": "int32"}},
            {"name": "filter", "in": "query", "schema": {"type": "object"}},
            {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
            {"name": "session", "in": "cookie", "schema": {"type": "string"}},
        ]
    if body:
        made["requestBody"] = body
    return made


def body(kind, item):
    media = "application/x-www-form-urlencoded" if "forms" in kind else "application/json"
    return {"required": True, "content": {media: {"schema": item}}}


def schemas(version):
    nothing = {"nullable": True} if version.startswith("3.0") else {}
    text = {"type": ["string", "null"]} if not nothing else {"type": "string"} | nothing
    return {
        "Base": {"type": "object", "required": ["name", "id"], "properties": {
            "id": {"type": "string", "readOnly": True}, "name": {"type": "string", "example": "x"}}},
        "Pet": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "properties": {
            "note": text, "kind": {"enum": ["cat", "dog"]}, "born": {"type": "string", "format": "date"},
            "owner": {"oneOf": [{"type": "string"}, {"$ref": "#/components/schemas/Person"}],
                      "discriminator": {"propertyName": "type"}}}}]},
        "Person": {"type": "object", "properties": {
            "pets": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
            "extra": {"type": "object", "additionalProperties": {"type": "number"}}}},
        "Tree": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"}, "default": {"type": "string", "default": "d"},
            "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}},
    }


@check.each(KINDS)
def imports_a_large_openapi_document(world, kind):
    folder = world.directory / f"imported {kind}"
    folder.mkdir()
    source = folder / "source.json"
    source.write_text(json.dumps(document(kind)))
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "server.json").write_text('{"server": "things", "issuers": [{"issuer": "local"}]}')
    began = time.monotonic()
    report = run(world, "import", "openapi", source, "--backend", "things", "--manifests", manifests)
    loaded = run(world, "check", "--manifests", manifests, "--json")
    seconds = time.monotonic() - began
    expect(seconds < 5, True, f"{seconds:.2f} s below five")
    expect(json.loads(loaded)["tools"], 320, "tools")
    tool = json.loads((manifests / "tools" / "list_things1.json").read_text())
    expect(tool["http"]["path"], "/v1/things1", "path")
    expect(tool["http"]["query"], {"tags[]": "{tags}", "limit": "{limit}"}, "query")
    expect(tool["input"]["limit"], {"type": "integer", "exclusiveMinimum": 0, "optional": True}, "limit")
    expect(tool["effect"], "read", "effect")
    expect(len(tool["description"]) <= 600, True, "length of the description")
    one = json.loads((manifests / "tools" / "get_thing1.json").read_text())
    expect(one["http"]["path"], "/v1/things1/{thing_id}", "path of one")
    backend = (manifests / "backends" / "things.json").read_text()
    expect_in("https://eu.things.example/api", backend)
    expect_in('"env": "THINGS_KEY"', backend)
    expect_in("HEAD /v1/things0/{thing-id}: left out", report)
    expect_in("`session` left out", report)
    expect_in("`filter` left out", report)
    if "recursion" in kind:
        created = json.loads((manifests / "tools" / "create_thing1.json").read_text())
        expect(created["http"]["body"]["children"], "{children}", "body")
        expect(created["inputSchema"]["required"], ["name"], "required")
    again = run(world, "import", "openapi", source, "--backend", "things", "--manifests", manifests)
    expect_in("kept as it was: backends/things.json", again)
    return f"{seconds:.2f} s"


def run(world, *words):
    result = subprocess.run(
        [world.binary, *map(str, words)], capture_output=True, text=True, timeout=60)
    expect(result.returncode, 0, f"exit code: {result.stdout[-1500:]}{result.stderr[-1500:]}")
    return result.stdout


@check
def imports_a_document_by_its_url(world):
    operations = {"get": {"operationId": "listThings", "responses": {"200": {"description": "All"}}}}
    document = {"openapi": "3.1.0", "info": {"title": "Things", "version": "1"},
                "servers": [{"url": "https://things.example.com"}], "paths": {"/things": operations}}
    folder = world.directory / "documents"
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(document))
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        words = [world.binary, "import", "openapi", "--backend", "things", "--manifests",
                 world.directory / "from a url"]
        for path, code, told in [("/openapi.json", 0, "1 tools"), ("/none.json", 1, "answered 404")]:
            result = subprocess.run(
                [*words, url + path], capture_output=True, text=True, timeout=60)
            expect(result.returncode, code, f"exit code: {result.stderr}")
            expect_in(told, result.stdout + result.stderr)
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@check
def says_what_is_wrong_with_a_document(world):
    source = world.directory / "wrong.json"
    for text, told in [
        ("openapi: 3.0.0", "YAML"), ('{"swagger": "2.0"}', "Swagger 2"), ("{}", "not OpenAPI"),
        ('{"openapi": "3.1.0", "servers": [{"url": "/api"}], "paths": {}}', "--base-url"),
    ]:
        source.write_text(text)
        result = subprocess.run(
            [world.binary, "import", "openapi", source, "--backend", "x", "--manifests",
             world.directory / "wrong"], capture_output=True, text=True, timeout=60)
        expect(result.returncode, 1, "exit code")
        expect_in(told, result.stderr)
