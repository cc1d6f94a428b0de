"""Resources, prompts and completion, as the official client asks for them in every revision."""

import asyncio
import functools
import json

import mcp_types as types

from client_checks import SLOW_WAYS, connected, error_of, with_client
from example_checks import EXAMPLES
from harness import Server, Site, check, expect, expect_in, expect_not_in

GUIDE = "how_to_use_these_tools"
TOOLS, DATA = "toolserver://tools/{tool}", "toolserver://data/{backend}"


def text_of(result):
    [content] = result.contents
    return content.text


@functools.cache
def served(world, name):
    """A server of one example, for all ways to it; (its site, its URL)."""
    site = Site(world.binary, EXAMPLES / name, world.directory, f"served {name}", made_tools=False)
    return site, world.kept(Server(site)).url


def with_example(name, *groups):
    """Makes a check of each way out of `async def …(world, site, client)`."""

    def decorate(function):
        async def run(world, way):
            site, url = served(world, name)
            async with connected(world, way, *groups, site=site, url=url) as client:
                await function(world, site, client)

        def checked(world, way):
            asyncio.run(asyncio.wait_for(run(world, way), 40))

        checked.__name__ = "client_" + function.__name__
        return check.each(SLOW_WAYS)(checked)

    return decorate


@with_client("support", ways=SLOW_WAYS)
async def reads_about_its_own_tools_alone(world, way, client):
    listed = {str(resource.uri): resource for resource in (await client.list_resources()).resources}
    expect_in("toolserver://data/shop", listed)
    expect_in("toolserver://tools/customer_by_id", listed)
    expect_not_in("toolserver://tools/change_plan", listed, "resources of support")
    text = text_of(await client.read_resource("toolserver://tools/staff_directory"))
    expect_in("- `salary`: integer, covered for you", text)
    text = text_of(await client.read_resource("toolserver://data/shop"))
    expect_in("- `email`: string, covered for you", text)
    expect_not_in("change_plan", text, "data of support")
    templates = (await client.list_resource_templates()).resource_templates
    expect([template.uri_template for template in templates], [TOOLS, DATA], "templates")
    hidden = await error_of(client.read_resource("toolserver://tools/change_plan"))
    absent = await error_of(client.read_resource("toolserver://tools/no_such_tool"))
    expect(hidden.error.code, -32602 if way.is_stateless else -32002, "code")
    expect((hidden.error.code, hidden.error.message), (absent.error.code, absent.error.message))


@with_client("support", ways=SLOW_WAYS)
async def chooses_prompts_and_completes_them(world, way, client):
    prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
    expect(sorted(prompts), ["find_customers", GUIDE], "prompts")
    [message] = (await client.get_prompt(GUIDE)).messages
    expect_in("### shop:customer_by_id", message.content.text)
    expect_not_in("change_plan", message.content.text, "the guide of support")
    [message] = (await client.get_prompt("find_customers", {"plan": "plus"})).messages
    expect_in('{"plan":"plus"}', message.content.text)
    unknown = await error_of(client.get_prompt("change_plan", {}))
    expect(unknown.error.code, -32602, "code of another's prompt")
    for ref, name, typed, wanted in [
        (types.PromptReference(name="find_customers"), "plan", "b", ["business"]),
        (types.PromptReference(name=GUIDE), "tool", "staff_s", ["staff_salaries"]),
        (types.PromptReference(name=GUIDE), "tool", "change", []),
        (types.ResourceTemplateReference(uri=TOOLS), "tool", "customer", ["customer_by_id"]),
        (types.ResourceTemplateReference(uri=DATA), "backend", "", ["shop"]),
    ]:
        answer = await client.complete(ref, {"name": name, "value": typed})
        expect(answer.completion.values, wanted, f"values of {name} beginning {typed!r}")


@with_example("statements", "support")
async def reads_a_dictionary_through_the_gate(world, site, client):
    rows = json.loads(text_of(await client.read_resource("toolserver://data/crm")))["rows"]
    columns = {f"{row['relation']}.{row['column']}" for row in rows}
    expect_in("main.customers.email", columns)
    expect_not_in("main.staff.salary", columns, "what a rule keeps from support")
    expect_in("describe_crm", recorded_tools(site))


@with_example("incident", "oncall")
async def completes_from_a_query_through_the_gate(world, site, client):
    answer = await client.complete(
        types.PromptReference(name="runbook"), {"name": "service", "value": "se"})
    expect(answer.completion.values, ["search"], "services")
    expect_in("services", recorded_tools(site))


def recorded_tools(site):
    """The tools of the calls on record, whichever process wrote it."""
    lines = "".join(path.read_text() for path in site.state.glob("record*/*.jsonl"))
    return {json.loads(line).get("tool") for line in lines.splitlines() if line.startswith("{")}
