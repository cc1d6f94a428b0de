"""Keys that callers hold, over TLS: tokens bound to one, and certificates that say who calls."""

import base64
import hashlib
import http.client
import json
import time
import uuid

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from harness import check, expect, expect_in, expect_not_in
from sign_in_checks import LIST, record
from tls_checks import Authority, SecureServer, client_context, pem

RESOURCE = "https://localhost:7070/mcp"  # as the settings of the server name it
CLIENTS = {"clientCA": "ca.pem", "clientCertificates": "optional"}


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest(data):
    return encoded(hashlib.sha256(data).digest())


def thumbprint(own):
    certificate = x509.load_pem_x509_certificate(own[0].read_bytes())
    return certificate.fingerprint(hashes.SHA256())


class Line:
    """One connection over TLS, with a client certificate or none."""

    def __init__(self, server, own=None):
        context = client_context(server.authority, own)
        self.connection = http.client.HTTPSConnection("localhost", server.port, context=context)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, authorization=None, proofs=(), body=LIST, path="/mcp"):
        """Status, challenges and body of one request."""
        self.connection.putrequest("POST", path)
        fields = {
            "Content-Type": "application/json", "Content-Length": str(len(body)),
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        for name, value in fields.items():
            self.connection.putheader(name, value)
        if authorization:
            self.connection.putheader("Authorization", authorization)
        for proof in proofs:
            self.connection.putheader("DPoP", proof)
        self.connection.endheaders(body.encode())
        answer = self.connection.getresponse()
        return answer.status, answer.headers.get_all("WWW-Authenticate") or [], answer.read()


class Holder:
    """A key of a client, and the proofs that it signs."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        members = {name: self.jwk[name] for name in ("crv", "kty", "x", "y")}
        self.thumbprint = digest(json.dumps(members, separators=(",", ":")).encode())

    def proof(self, token, key=None, header=None, **changes):
        claims = {
            "jti": uuid.uuid4().hex, "htm": "POST", "htu": RESOURCE, "iat": int(time.time()),
            "ath": digest(token.encode())} | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(
            claims, key or self.key, "ES256",
            headers={"typ": "dpop+jwt", "jwk": self.jwk} | (header or {}))


@check
def binding_a_token_with_a_key_needs_a_fresh_proof_of_it(world):
    with SecureServer(world, "proofs") as server, Line(server) as line:
        holder, other = Holder(), Holder()
        plain = world.token(server.site, "support")
        token = server.site.altered_token(plain, cnf={"jkt": holder.thumbprint})
        now = int(time.time())
        good = holder.proof(token)
        expect(line.ask(f"DPoP {token}", [good])[0], 200, "a good proof")
        refused = {
            "plainly": (f"Bearer {token}", []),
            "plainly beside a proof": (f"Bearer {token}", [holder.proof(token)]),
            "without a proof": (f"DPoP {token}", []),
            "two proofs": (f"DPoP {token}", [holder.proof(token), holder.proof(token)]),
            "replayed": (f"DPoP {token}", [good]),
            "another's key": (f"DPoP {token}", [other.proof(token)]),
            "another's signature": (f"DPoP {token}", [holder.proof(token, other.key)]),
            "another's key in the header": (
                f"DPoP {token}", [holder.proof(token, header={"jwk": other.jwk})]),
            "another URL": (f"DPoP {token}", [holder.proof(token, htu="https://localhost:7070/v1")]),
            "another scheme": (
                f"DPoP {token}", [holder.proof(token, htu="http://localhost:7070/mcp")]),
            "another method": (f"DPoP {token}", [holder.proof(token, htm="GET")]),
            "old": (f"DPoP {token}", [holder.proof(token, iat=now - 320)]),
            "of the future": (f"DPoP {token}", [holder.proof(token, iat=now + 320)]),
            "no time": (f"DPoP {token}", [holder.proof(token, iat=None)]),
            "no token": (f"DPoP {token}", [holder.proof(token, ath=None)]),
            "another token": (f"DPoP {token}", [holder.proof(plain)]),
            "no id": (f"DPoP {token}", [holder.proof(token, jti=None)]),
            "another type": (f"DPoP {token}", [holder.proof(token, header={"typ": "JWT"})]),
            "the token as its proof": (f"DPoP {token}", [token]),
            "a token that is not bound": (f"DPoP {plain}", [holder.proof(plain)]),
        }
        for what, (authorization, proofs) in refused.items():
            status, challenges, body = line.ask(authorization, proofs)
            expect(status, 401, what)
            expect_in('error="invalid_dpop_proof"', " ".join(challenges), what)
            expect_in(b"bound to a key", body, what)
        expect(line.ask(f"DPoP {token}", [holder.proof(token)])[0], 200, "the next proof")
        expect(line.ask(f"Bearer {plain}")[0], 200, "a token that is not bound")
        tools = holder.proof(token, htm="POST", htu="https://localhost:7070/v1/tools/customer_by_id")
        status, _, body = line.ask(
            f"DPoP {token}", [tools], '{"id": 7}', "/v1/tools/customer_by_id")
        expect(status, 200, f"a proof for the URL of a tool: {body}")
        expect_not_in(token, record(server), "the record")
        return f"{len(refused)} ways refused"


@check
def binding_a_token_with_a_certificate_needs_its_connection(world):
    with SecureServer(world, "bound", **CLIENTS) as server:
        issue = lambda name: server.authority.issue(server.directory, name, for_clients=True)
        right, wrong = issue("right"), issue("wrong")
        plain = world.token(server.site, "support")
        bound = lambda data: server.site.altered_token(plain, cnf={"x5t#S256": encoded(data)})
        token = bound(thumbprint(right))
        with Line(server, right) as holding, Line(server, wrong) as other, Line(server) as bare:
            expect(holding.ask(f"Bearer {token}")[0], 200, "over its certificate")
            for what, line in [("over another", other), ("over none", bare)]:
                for _ in range(2):
                    expect(line.ask(f"Bearer {token}")[0], 401, what)
                expect(line.ask(f"Bearer {plain}")[0], 200, f"{what}, not bound")
            # RFC 8705 says SHA-256 of the DER, and neither another digest nor that of the text.
            for data in [hashlib.sha256(right[0].read_bytes()).digest(), bytes(32)]:
                expect(holding.ask(f"Bearer {bound(data)}")[0], 401, "another thumbprint")
            empty = server.site.altered_token(plain, cnf={})
            expect(holding.ask(f"Bearer {empty}")[0], 401, "bound to nothing known")
            # Bound twice, it needs both.
            key = Holder()
            both = server.site.altered_token(
                plain, cnf={"x5t#S256": encoded(thumbprint(right)), "jkt": key.thumbprint})
            expect(holding.ask(f"Bearer {both}")[0], 401, "the certificate alone")
            expect(bare.ask(f"DPoP {both}", [key.proof(both)])[0], 401, "the proof alone")
            expect(holding.ask(f"DPoP {both}", [key.proof(both)])[0], 200, "both")
            revoke(server, "--certificate", thumbprint(right).hex())
            expect(holding.ask(f"Bearer {token}")[0], 401, "once its certificate is revoked")


def revoke(server, *words):
    server.site.run(
        "token", "revoke", *words, "--manifests", str(server.directory), "--state",
        str(server.site.state))


def names(answer):
    """Of the tools that were listed."""
    status, _, body = answer
    expect(status, 200, "status of a list")
    return [tool["name"] for tool in json.loads(body)["result"]["tools"]]


@check
def binding_a_listed_certificate_is_its_caller_and_no_other_is(world):
    uri = "spiffe://shop.example/nightly"
    callers = [
        {"uri": uri, "subject": "nightly", "groups": ["support"]},
        {"distinguishedName": "CN=clerk", "subject": "clerk", "groups": ["support"]}]
    workloads = {"issuer": "workloads", "clients": {"ca": "ca.pem", "callers": callers}}
    policy = {"grants": [
        {"grant": ["crm.read"], "to": {"issuer": "workloads", "groups": ["support"]}},
        {"grant": ["staff.read"], "to": {"issuer": "local", "groups": ["support"]}}]}
    with SecureServer(world, "workloads", [workloads], policy, **CLIENTS) as server:
        def issue(name, *more):
            return server.authority.issue(server.directory, name, True, more)

        nightly = issue("nightly", x509.UniformResourceIdentifier(uri))
        clerk, stranger = issue("clerk"), issue("stranger")
        named = issue("named", x509.DNSName(uri))
        token = world.token(server.site, "support")
        with Line(server, nightly) as line:
            for _ in range(2):
                expect_in("customer_by_id", names(line.ask()), "tools of the certificate")
            # Beside a token, the token decides: a good one, a bad one, and what is none.
            expect_in("staff_directory", names(line.ask(f"Bearer {token}")), "tools of the token")
            expect_not_in("customer_by_id", names(line.ask(f"Bearer {token}")), "those")
            for words in ["Bearer x", f"Bearer {token}x", f"DPoP {token}", "Basic eDp5", "x"]:
                expect(line.ask(words)[0], 401, f"a good certificate beside `{words[:8]}`")
            status, _, body = line.ask(body='{"id": 7}', path="/v1/tools/customer_by_id")
            expect(status, 200, f"a call: {body}")
            expect_in(f'"certificate":"{thumbprint(nightly).hex()}"', record(server), "the record")
            revoke(server, "--serial", serial(nightly), "--issuer", "workloads")
            status, challenges, body = line.ask()
            expect(status, 401, "on the same connection, once it is revoked")
            expect_in("Bearer", " ".join(challenges), "the challenge")
            expect_not_in("error=", " ".join(challenges), "the challenge, where no token was shown")
            told = body
        # Another process wrote it, in a log of its own.
        log = (server.site.state / "record-2" / "000001.jsonl").read_text()
        expect_in('"event":"revoke","v":1,"kind":"serial"', log, "the record")
        for own in [nightly, stranger, named]:
            with Line(server, own) as line:
                status, _, body = line.ask()
                expect((status, body), (401, told), f"{own[0].name} is nobody's, and not why")
        with Line(server) as line:
            expect(line.ask()[0], 401, "neither token nor certificate")
        with Line(server, clerk) as line:
            expect_in("customer_by_id", names(line.ask()), "tools of the clerk")
            # An authority that is trusted no more is so on connections that are open.
            (server.directory / "ca2.pem").write_bytes(pem(Authority("Another").certificate))
            settings = server.directory / "server.json"
            settings.write_text(settings.read_text().replace('"ca": "ca.pem"', '"ca": "ca2.pem"'))
            server.reload("reload: ok")
            expect(line.ask()[0], 401, "of another authority")


def serial(own):
    return f"{x509.load_pem_x509_certificate(own[0].read_bytes()).serial_number:X}"
