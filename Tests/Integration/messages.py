"""Every message that the server sends, held against the schema of its revision.

The schemas are built from the types of the official Python packages: `mcp_types` holds one wire
type for each method and revision, generated from the specification's schema.json; it has those of
2025-11-25 for the two revisions before it, which are subsets. What the types allow beyond the
published schemas (null for what is absent) is taken away again. With MCP_SCHEMAS set to the folder
`schema` of a checkout of the specification, each message is held against the published schema of
its very revision as well.
"""

import collections
import functools
import json
import os
import pathlib

import jsonschema
import mcp_types._v2025_11_25 as v2025
import mcp_types._v2026_07_28 as v2026
from mcp_types import methods
from pydantic import TypeAdapter

STATELESS = "2026-07-28"
REVISIONS = ["2025-03-26", "2025-06-18", "2025-11-25", STATELESS]
ASSUMED = "2025-03-26"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"

# What has a schema of its own, beside the core protocol: {(method, result type): schema}.
EXTENSIONS = {}
# The same of what a server tells: {method: schema of its params}.
NOTIFICATIONS = {}

# What a revision does not know: members of a result, and of whatever it lists.
UNKNOWN = {
    "2025-03-26": ({"structuredContent", "resultType", "ttlMs", "cacheScope"},
                   {"title", "outputSchema", "icons", "execution", "_meta"}),
    "2025-06-18": ({"resultType", "ttlMs", "cacheScope"}, {"icons", "execution"}),
    "2025-11-25": ({"resultType", "ttlMs", "cacheScope"}, set()),
    STATELESS: (set(), {"execution"}),
}
ERRORS = {-32020: "HeaderMismatchError", -32021: "MissingRequiredClientCapabilityError",
          -32022: "UnsupportedProtocolVersionError"}


class Ledger:
    """What was seen in a whole run."""

    def __init__(self):
        self.kinds = collections.Counter()
        self.problems = []

    def add(self, transport, revision, kind, message, problems):
        self.kinds[transport, revision, kind] += 1
        for problem in problems:
            if len(self.problems) < 100:
                text = json.dumps(message, ensure_ascii=False)[:300]
                self.problems.append(f"{transport} {revision} {kind}: {problem} in {text}")


ledger = Ledger()


class Conversation:
    """One client's messages: an answer is understood by what it answers."""

    def __init__(self, transport, revision=ASSUMED):
        self.transport = transport
        self.revision = revision
        self.asked_methods = {}

    def asked(self, message):
        if not isinstance(message, dict) or "method" not in message or "id" not in message:
            return
        params = message.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        claimed = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        revision = STATELESS if claimed is not None else self.revision
        if message["method"] == "initialize" and isinstance(params, dict):
            # What it settles holds for what is sent behind it, before its answer is here.
            wanted = params.get("protocolVersion")
            self.revision = revision = wanted if wanted in REVISIONS[:-1] else REVISIONS[-2]
        if isinstance(message["id"], (str, int)):
            self.asked_methods[str(message["id"])] = (message["method"], revision)

    def told(self, message, revision=None):
        answered, asked_in = self.asked_methods.get(str(message.get("id")), (None, self.revision))
        revision = revision or asked_in
        if answered == "initialize" and "result" in message:
            revision = self.revision = message["result"]["protocolVersion"]
        kind, problems = checked(message, revision, answered)
        ledger.add(self.transport, revision, kind, message, problems)


def checked(message, revision, answered):
    """(what kind of message it is, what is wrong with it)"""
    if "method" in message:
        return checked_call(message, revision)
    if "error" in message:
        return "error", checked_error(message, revision)
    return f"result of {answered}", checked_result(message, revision, answered)


def checked_call(message, revision):
    method = message["method"]
    meta = message.get("params", {}).get("_meta", {})
    if SUBSCRIPTION_KEY in meta:
        revision = STATELESS
    if revision == STATELESS and method in NOTIFICATIONS:
        return method, faults(message["params"], NOTIFICATIONS[method])
    known = methods.SERVER_REQUESTS if "id" in message else methods.SERVER_NOTIFICATIONS
    if (method, revision) not in known:
        return method, [f"{revision} has no {method} of a server"]
    return method, faults(message, schema_of(known[method, revision])) + published(
        message, revision, [known[method, revision].__name__])


def checked_error(message, revision):
    code = message["error"].get("code")
    if revision != STATELESS:
        # Before 2025-11-25 the schemas demand an id that could not be read.
        has_schema = revision == "2025-11-25" or "id" in message
        names = ["JSONRPCErrorResponse", "JSONRPCError"] if has_schema else []
        found = [f"code {code} is not of its era"] if code in ERRORS else []
        return found + faults(message, schema_of(v2025.JSONRPCErrorResponse)) + published(
            message, revision, names)
    name = ERRORS.get(code, "JSONRPCErrorResponse")
    return faults(message, schema_of(getattr(v2026, name))) + published(message, revision, [name])


def checked_result(message, revision, answered):
    result = message["result"]
    envelope = faults(message, schema_of(
        v2026.JSONRPCResultResponse if revision == STATELESS else v2025.JSONRPCResultResponse))
    extension = EXTENSIONS.get((answered, result.get("resultType")))
    if extension:
        return envelope + faults(result, extension)
    model = methods.SERVER_RESULTS.get((answered, revision))
    if model is None:
        return envelope + [f"{revision} has no answer to {answered}"]
    of_result, of_tool = UNKNOWN[revision]
    found = [f"{revision} has no {name}" for name in of_result & set(result)]
    for kind in ("tools", "resources", "resourceTemplates", "prompts"):
        for listed in result.get(kind, []):
            found += [f"{revision} has no {name} of {kind}" for name in of_tool & set(listed)]
    names = [part.__name__ for part in getattr(model, "__args__", [model])]
    return envelope + found + faults(result, schema_of(model)) + published(result, revision, names)


@functools.cache
def schema_of(model):
    schema = without_null(TypeAdapter(model).json_schema(by_alias=True))
    return jsonschema.Draft202012Validator(schema)


def without_null(schema):
    """An optional member is absent or of its type; only the Python types take null for absent."""
    if isinstance(schema, list):
        return [without_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: without_null(value) for key, value in schema.items()}
    if "default" in made and made["default"] is None and isinstance(made.get("anyOf"), list):
        made["anyOf"] = [part for part in made["anyOf"] if part != {"type": "null"}]
    return made


def faults(value, validator):
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def published(value, revision, names):
    """Faults under the published schema, where it is there; any of the named definitions will do."""
    found = [faults(value, validator) for name in names
             if (validator := published_schema(revision, name))]
    return min(found, key=len) if found else []


@functools.cache
def published_schema(revision, name):
    folder = os.environ.get("MCP_SCHEMAS")
    if not folder:
        return None
    schema = json.loads((pathlib.Path(folder) / revision / "schema.json").read_text())
    group = "$defs" if "$defs" in schema else "definitions"
    if name not in schema[group]:
        return None
    dialect = jsonschema.Draft202012Validator if group == "$defs" else jsonschema.Draft7Validator
    return dialect({"$ref": f"#/{group}/{name}", group: schema[group]})


def sse_messages(body):
    """The messages of a stream, from the data of its events."""
    found = []
    for event in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        if text := b"\n".join(data):
            found.append(json.loads(text))
    return found


def record_http(request_body, request_headers, response_headers, response_body):
    """One exchange; the revision is the header's."""
    headers = {name.lower(): value for name, value in request_headers}
    claimed = headers.get("mcp-protocol-version", ASSUMED)
    conversation = Conversation("http", claimed if claimed in REVISIONS else STATELESS)
    try:
        conversation.asked(json.loads(request_body))
    except (ValueError, RecursionError):
        pass  # Sent broken on purpose.
    kind = (response_headers.get("Content-Type") or "").partition(";")[0]
    if kind == "application/json":
        messages = [json.loads(response_body)]
    else:
        messages = sse_messages(response_body) if kind == "text/event-stream" else []
    for message in messages:
        conversation.told(message)
    return messages
