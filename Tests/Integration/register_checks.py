"""What `toolserver register` writes, as clients read it: a server is started or reached from the
written file and nothing else."""

import asyncio
import json
import os
import re
import subprocess

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

from harness import check, environment, expect, expect_in, expect_not_in


def registered(site, *words, ok=True):
    return told(site, *words, ok=ok).stdout


def told(site, *words, ok=True):
    command = [site.binary, "register", *words]
    command += ["--manifests", str(site.manifests), "--state", str(site.state)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    expect(result.returncode == 0, ok, f"success of {words}: {result.stdout}{result.stderr}")
    return result


async def call(entry):
    """Exactly what the entry says, the way Claude Code takes it."""
    if entry["type"] == "stdio":
        transport = stdio_client(StdioServerParameters(
            command=entry["command"], args=entry["args"], env=environment() | entry.get("env", {})))
        return await answer(transport)
    helper = subprocess.run(
        entry["headersHelper"], shell=True, check=True, capture_output=True, timeout=10)
    async with create_mcp_http_client(headers=json.loads(helper.stdout)) as http:
        return await answer(streamable_http_client(entry["url"], http_client=http))


async def answer(transport):
    async with Client(transport, mode="auto", read_timeout_seconds=20) as client:
        result = await client.call_tool("customer_by_id", {"id": 7})
        expect(result.is_error, False, f"is_error of {result.content}")
        return json.loads(result.content[0].text)["rows"][0]["id"]


@check
def a_client_starts_the_server_from_the_written_mcp_json(world):
    site = world.site("registered stdio")
    path = site.manifests.parent / ".mcp.json"
    path.write_text('{"mcpServers": {"mine": {"command": "other"}}}')
    registered(site, "claude-code", "--file", str(path), "--write")
    written = path.read_text()
    registered(site, "claude-code", "--file", str(path), "--check")
    registered(site, "claude-code", "--file", str(path), "--write")
    expect(path.read_text(), written, "the file, written twice")
    servers = json.loads(written)["mcpServers"]
    expect(servers["mine"], {"command": "other"}, "the server beside ours")
    expect(asyncio.run(call(servers["shop"])), 7, "the id")


@check
def a_client_reaches_the_server_from_the_written_mcp_json(world):
    site = world.server.site
    path = site.manifests.parent / "it's mine.json"
    words = ["claude-code", "--transport", "http", "--url", world.server.url, "--as", "o'neil"]
    words += ["--groups", "support", "--file", str(path)]
    registered(site, *words, "--write")
    entry = json.loads(path.read_text())["mcpServers"]["shop"]
    expect(asyncio.run(call(entry)), 7, "the id")
    path.write_text(path.read_text().replace("support", "nobody"))
    expect_in("`mcpServers.shop.headersHelper` differs", registered(site, *words, "--check", ok=False))


@check
def claude_desktop_gets_what_it_knows(world):
    site = world.site("registered desktop")
    path = site.manifests.parent / "Claude" / "claude_desktop_config.json"
    registered(site, "claude-desktop", "--file", str(path), "--write")
    entry = json.loads(path.read_text())["mcpServers"]["shop"]
    expect(sorted(entry), ["args", "command"], "members")
    expect(asyncio.run(call(entry | {"type": "stdio"})), 7, "the id")


@check
def programs_get_exactly_the_tools_of_their_caller(world):
    site = world.server.site
    caller = ["--as", "ada", "--groups", "support"]
    options = json.loads(registered(site, "agent-sdk", *caller))
    expect_in("mcp__shop__customer_by_id", options["allowedTools"])
    expect_not_in("mcp__shop__record_note", options["allowedTools"], "tools without a question")
    expect_in("made as `demo`, whom `localUsers` names, not as `ada`", told(site, "agent-sdk", *caller).stderr)
    expect(told(site, "agent-sdk", *caller, "--transport", "http").stderr, "", "notes over HTTP")
    blocks = json.loads(registered(site, "api", *caller, "--url", "https://tools.example/mcp"))
    [server], [toolset] = blocks["mcp_servers"], blocks["tools"]
    expect((server["type"], server["url"]), ("url", "https://tools.example/mcp"), "the server")
    expect(toolset["mcp_server_name"], server["name"], "the name in both blocks")
    expect_in("record_note", toolset["configs"])
    expect_not_in("change_plan", toolset["configs"], "tools of support")
    registered(site, "api", *caller, "--url", "http://tools.example/mcp", ok=False)


@check
def a_skill_meets_the_published_rules_and_starts_its_server(world):
    site = world.site("skill")
    folder = site.manifests.parent / "desk"
    words = ["skill", "support-desk", "--folder", str(folder), "--as", "ada", "--groups", "support"]
    registered(site, *words, "--write")
    registered(site, *words, "--check")
    tools = validated_plugin(folder, "support-desk")
    expect_in("shop:customer_by_id", tools)
    expect_not_in("shop:change_plan", tools, "tools of support")
    entry = json.loads((folder / ".mcp.json").read_text())["mcpServers"]["shop"]
    expect(asyncio.run(call(entry)), 7, "the id")
    # A rule that is new is out of date in the text, and makes a new version of the plugin.
    policy = site.manifests / "policy" / "made.json"
    policy.write_text(json.dumps({"rules": [{
        "rule": "night", "effect": "deny", "when": {"tool.name": "find_customers"},
        "reason": "not at night"}]}))
    expect_in("SKILL.md differs", registered(site, *words, "--check", ok=False))
    registered(site, *words, "--write")
    plugin = json.loads((folder / ".claude-plugin" / "plugin.json").read_text())
    expect(plugin["version"], "1.0.1", "version")
    expect_in("not at night", (folder / "skills" / "support-desk" / "SKILL.md").read_text())
    registered(site, "skill", "my-claude", ok=False)


def validated_plugin(folder, name):
    """Checks the folder against the rules that Anthropic publishes; the tools that its text names."""
    found = sorted(
        os.path.relpath(os.path.join(place, file), folder)
        for place, _, files in os.walk(folder) for file in files)
    expect(found, [".claude-plugin/plugin.json", ".mcp.json", f"skills/{name}/SKILL.md"], "files")
    plugin = json.loads((folder / ".claude-plugin" / "plugin.json").read_text())
    expect(plugin["name"], name, "name of the plugin")
    expect(bool(re.fullmatch(r"\d+\.\d+\.\d+", plugin["version"])), True, "semantic version")
    text = (folder / "skills" / name / "SKILL.md").read_text()
    fields, body = front_matter(text)
    expect(sorted(fields), ["description", "name"], "fields")
    expect(fields["name"], name, "name of the skill")
    expect(bool(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)) and len(name) <= 64, True, "name")
    expect("claude" in name or "anthropic" in name, False, "reserved words in the name")
    description = fields["description"]
    expect(0 < len(description) <= 1024, True, f"{len(description)} characters of description")
    expect(bool(re.search("[<>]", description)), False, "tags in the description")
    expect_in("Use when", description)
    expect(len(body.splitlines()) < 500, True, "lines of the body")
    for server in json.loads((folder / ".mcp.json").read_text())["mcpServers"]:
        tools = re.findall(rf"^### ({re.escape(server)}:[A-Za-z0-9_-]+)$", body, re.MULTILINE)
        for tool in tools:
            whole = f"mcp__plugin_{name}_{tool.replace(':', '__')}"
            expect(len(whole) <= 128, True, f"length of {whole}")
    return tools


def front_matter(text):
    """The few forms of YAML that a skill needs: plain and double-quoted scalars."""
    start, head, body = text.split("---\n", 2)
    expect(start, "", "text before the front matter")
    fields = {}
    for line in head.splitlines():
        key, _, value = line.partition(": ")
        fields[key] = json.loads(value) if value.startswith('"') else value
    return fields, body
