"""Tokens of a real OpenID provider: sign-in, discovery, rotation, outage, revocation."""

import asyncio
import base64
import contextlib
import http.client
import json
import threading
import time
import urllib.parse

import httpx2
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from harness import Server, check, eventually, expect, expect_in, free_port
from provider import Provider

LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})


@contextlib.contextmanager
def signed_in(world, **issuer):
    """A provider, and a server that trusts it and nobody else."""
    with Provider() as provider:
        # Chosen while the provider holds its own.
        port = free_port()
        resource = provider.audience = f"http://127.0.0.1:{port}/mcp"
        # Discovery comes with the first token; a request before it gives the provider its keys.
        httpx2.get(provider.issuer + "/.well-known/openid-configuration")
        site = world.site("sign-in", made_tools=False)
        server = {
            "server": "shop", "http": {"listen": f"127.0.0.1:{port}", "resource": resource},
            "issuers": [{"issuer": provider.issuer, "algorithms": ["RS256"]} | issuer],
        }
        (site.manifests / "server.json").write_text(json.dumps(server))
        with Server(site, port=port) as running:
            yield provider, running


def status(server, token):
    """Of one request: who may list tools."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    with contextlib.closing(connection):
        connection.request("POST", "/mcp", LIST, {
            "Authorization": f"Bearer {token}", "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"})
        answer = connection.getresponse()
        answer.read()
        return answer.status


def record(server):
    files = sorted((server.site.state / "record").glob("*"))
    return "".join(file.read_text(errors="replace") for file in files if file.is_file())


class Kept:
    """What a client keeps of its sign-in."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Person:
    """Signs in with the browser that the client opens."""

    def __init__(self, subject):
        self.subject = subject
        self.result = None

    async def browse(self, url):
        async with httpx2.AsyncClient() as browser:
            answer = await browser.post(url, data={"sub": self.subject})
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["location"]).query)
        self.result = AuthorizationCodeResult(code=query["code"][0], state=query["state"][0])

    async def come_back(self):
        return self.result


@check
def the_python_client_signs_in_from_401_to_a_listed_tool(world):
    async def run(server):
        person, kept = Person("ada"), Kept()
        auth = OAuthClientProvider(
            server.url, OAuthClientMetadata(
                client_name="check", redirect_uris=["http://127.0.0.1:1/callback"],
                token_endpoint_auth_method="client_secret_basic"),
            kept, person.browse, person.come_back)
        transport = streamable_http_client(
            server.url, http_client=create_mcp_http_client(auth=auth))
        async with Client(transport, read_timeout_seconds=20) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
        expect_in("customer_by_id", tools, "tools after sign-in")
        expect(kept.client is not None, True, "the client was registered")

    with signed_in(world) as (_, server):
        expect(status(server, "x"), 401, "before sign-in")
        asyncio.run(asyncio.wait_for(run(server), 40))


@check
def keys_that_rotate_during_load_refuse_no_token(world):
    with signed_in(world) as (provider, server):
        expect(status(server, provider.token()), 200, "a first token")
        old, failures, done = provider.token(), [], threading.Event()

        def load():
            while not done.is_set():
                found = status(server, provider.token())
                if found != 200:
                    failures.append(found)

        callers = [threading.Thread(target=load) for _ in range(4)]
        for caller in callers:
            caller.start()
        try:
            for _ in range(3):
                provider.rotate()
                time.sleep(0.3)
        finally:
            done.set()
            for caller in callers:
                caller.join()
        # A token may be made with a key that is changed before it arrives.
        expect(len(failures) <= 12, True, f"refused: {len(failures)}")
        expect(status(server, provider.token()), 200, "a token of the new key")
        expect(status(server, old), 401, "a token of the old key")
        eventually(lambda: '"state":"changed"' in record(server), "the change on record")
        # Strangers' key ids do not decide how often the provider is asked.
        asked = provider.questions.count("/jwks")
        for number in range(50):
            head, body, signature = old.split(".")
            forged = base64.urlsafe_b64encode(json.dumps(
                {"alg": "RS256", "typ": "at+jwt", "kid": f"k{number}"}).encode()).rstrip(b"=")
            expect(status(server, f"{forged.decode()}.{body}.{signature}"), 401, "a forged token")
        expect(provider.questions.count("/jwks") - asked <= 5, True, "questions for unknown keys")


@check
def a_provider_that_is_away_ends_nobodys_tokens_at_once(world):
    with signed_in(world) as (provider, server):
        token = provider.token()
        expect(status(server, token), 200, "before")
        with provider.away():
            expect(status(server, token), 200, "a token that is known")
            expect(status(server, provider.token("bo")), 200, "a token of a key that is known")
            server.reload()
            expect(status(server, provider.token("cy")), 200, "after a reload")
        expect(status(server, provider.token("di")), 200, "when it is back")


@check
def a_provider_that_was_never_there_is_answered_with_503(world):
    with signed_in(world) as (provider, server):
        token = provider.token()
        with provider.away():
            expect(status(server, token), 503, "its keys are not known")
            eventually(lambda: '"state":"away"' in record(server), "the outage on record")
        eventually(lambda: status(server, token) == 200, "a retry when it is back", seconds=12)


@check
def an_opaque_token_is_asked_about(world):
    with signed_in(world) as (provider, server):
        path = server.site.manifests / "server.json"
        settings = json.loads(path.read_text())
        secret = server.site.manifests / "secret"
        secret.write_text("s\n")
        settings["issuers"][0]["introspection"] = {
            "clientID": "shop", "secret": {"file": "secret"}, "url": provider.issuer + "/introspect"}
        path.write_text(json.dumps(settings))
        server.reload()
        provider.opaque["opaque-1"] = {
            "sub": "ada", "aud": provider.audience, "groups": ["support"],
            "exp": int(time.time()) + 600}
        provider.opaque["elsewhere"] = {"sub": "ada", "aud": "other", "exp": int(time.time()) + 600}
        for _ in range(5):
            expect(status(server, "opaque-1"), 200, "an active token")
            expect(status(server, "unknown"), 401, "a token that is not active")
        expect(status(server, "elsewhere"), 401, "a token for another")
        expect(provider.questions.count("/introspect"), 3, "questions")


@check
def a_revoked_token_ends_at_once_in_a_running_server(world):
    with signed_in(world) as (provider, server):
        words = server.site.arguments("token")[1:]
        one, other = provider.token(jti="one"), provider.token("bo")
        for token in (one, other):
            expect(status(server, token), 200, "before")
        server.site.run("token", "revoke", *words[1:], "--id", "one")
        expect(status(server, one), 401, "the revoked token")
        expect(status(server, other), 200, "another token")
        server.site.run("token", "revoke", *words[1:], "--subject", "bo")
        expect(status(server, other), 401, "a token of the revoked subject")
