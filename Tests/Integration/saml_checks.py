"""SAML assertions that another implementation signed, exchanged for tokens over the wire."""

import base64
import contextlib
import datetime
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import SignatureReference, XMLSigner, methods

from harness import Server, check, expect, free_port
from sign_in_checks import record, status

ENTITY = "https://idp.example/saml"
BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
KEYS = {
    "rsa-sha256": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-sha512": lambda: rsa.generate_private_key(65537, 3072),
    "ecdsa-sha256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-sha384": lambda: ec.generate_private_key(ec.SECP384R1()),
}
# As providers write them: declarations far above their use, types, lines of their own.
FORM = """<saml2:Assertion xmlns:saml2="urn:oasis:names:tc:SAML:2.0:assertion"
    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    Version="2.0" ID="{id}" IssueInstant="{now}"><saml2:Issuer>{issuer}</saml2:Issuer>
  <ds:Signature Id="placeholder"/>
  <saml2:Subject>
    <saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">ada</saml2:NameID>
    <saml2:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
      <saml2:SubjectConfirmationData NotOnOrAfter="{end}" Recipient="{recipient}"/>
    </saml2:SubjectConfirmation>
  </saml2:Subject>
  <saml2:Conditions NotBefore="{now}" NotOnOrAfter="{end}">
    <saml2:AudienceRestriction><saml2:Audience>{audience}</saml2:Audience></saml2:AudienceRestriction>
  </saml2:Conditions>
  <saml2:AttributeStatement>
    <saml2:Attribute Name="groups"><!-- from the directory -->
      <saml2:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">support</saml2:AttributeValue>
    </saml2:Attribute>
  </saml2:AttributeStatement>
</saml2:Assertion>"""


class Provider:
    def __init__(self, algorithm):
        self.algorithm = algorithm
        self.key = KEYS[algorithm]()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        self.certificate = x509.CertificateBuilder(
            issuer_name=name, subject_name=name, public_key=self.key.public_key(),
            serial_number=1, not_valid_before=now - day, not_valid_after=now + day,
        ).sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def assertion(self, server, prefixes=None, audience=None):
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        moment = lambda seconds: (now + datetime.timedelta(seconds=seconds)).strftime(
            "%Y-%m-%dT%H:%M:%S.250Z")
        name = "_" + uuid.uuid4().hex
        root = etree.fromstring(FORM.format(
            id=name, issuer=ENTITY, now=moment(-1), end=moment(300),
            recipient=f"http://127.0.0.1:{server.port}/token",
            audience=audience or f"http://127.0.0.1:{server.port}/mcp"))
        signer = XMLSigner(
            method=methods.enveloped, signature_algorithm=self.algorithm,
            digest_algorithm="sha256" if self.algorithm.endswith("256") else "sha512",
            c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
        # For an enveloped reference signxml uses the prefixes without writing them down.
        reference = SignatureReference(URI="#" + name, inclusive_ns_prefixes=[])
        signed = signer.sign(
            root, key=self.key, cert=self.certificate.decode(), reference_uri=[reference],
            id_attribute="ID", inclusive_ns_prefixes=prefixes)
        return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


@contextlib.contextmanager
def trusting(world, provider):
    port = free_port()
    site = world.site("saml", made_tools=False)
    (site.manifests / "idp.pem").write_bytes(provider.certificate)
    (site.manifests / "server.json").write_text(json.dumps({
        "server": "shop",
        "http": {"listen": f"127.0.0.1:{port}", "resource": f"http://127.0.0.1:{port}/mcp"},
        "issuers": [{"issuer": ENTITY, "saml": {"certificates": ["idp.pem"], "groups": "groups"}}],
    }))
    with Server(site, port=port) as server:
        yield server


def exchange(server, assertion, **fields):
    text = base64.urlsafe_b64encode(assertion).decode().rstrip("=")
    fields = fields or {"grant_type": BEARER, "assertion": text}
    fields = {name: text if value is None else value for name, value in fields.items()}
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/token", urllib.parse.urlencode(fields).encode())
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


@check.each(list(KEYS))
def an_assertion_that_signxml_signed_becomes_a_token(world, algorithm):
    provider = Provider(algorithm)
    with trusting(world, provider) as server:
        for prefixes in [None, ["xs"], ["xs", "xsi", "ds"]]:
            assertion = provider.assertion(server, prefixes)
            code, answer = exchange(server, assertion)
            expect(code, 200, f"prefixes {prefixes}: {answer}")
            expect(answer["expires_in"], 600, "seconds")
            expect(status(server, answer["access_token"]), 200, "a call with the token")
            expect(exchange(server, assertion)[0], 400, "the same assertion again")
            changed = provider.assertion(server, prefixes).replace(b">ada<", b">bo<")
            expect(exchange(server, changed)[0], 400, "another name")
        other = Provider(algorithm).assertion(server)
        expect(exchange(server, other)[0], 400, "another provider's key")
        expect('"event":"exchange"' in record(server), True, "the exchange on record")
        expect('"noted":"assertion: ' in record(server), True, "a refusal on record")


@check
def an_assertion_serves_once_over_a_restart_and_in_either_form(world):
    provider = Provider("ecdsa-sha256")
    with trusting(world, provider) as server:
        assertion = provider.assertion(server)
        code, answer = exchange(
            server, assertion, grant_type=EXCHANGE, subject_token=None,
            subject_token_type="urn:ietf:params:oauth:token-type:saml2")
        expect(code, 200, f"the exchange: {answer}")
        token = answer["access_token"]
        server.stop()
        server.start()
        server.wait_until_ready()
        expect(exchange(server, assertion)[0], 400, "again after a restart")
        expect(status(server, token), 200, "its token after a restart")


@check
def keys_rotate_under_a_running_server(world):
    provider = Provider("ecdsa-sha256")
    with trusting(world, provider) as server:
        places = server.site.arguments("keys")[2:]
        old = exchange(server, provider.assertion(server))[1]["access_token"]
        server.site.run("keys", "rotate", *places)
        new = exchange(server, provider.assertion(server))[1]["access_token"]
        expect(old.split(".")[0] != new.split(".")[0], True, "another key")
        for token in (old, new):
            expect(status(server, token), 200, "a token after the rotation")
        url = f"http://127.0.0.1:{server.port}/.well-known/jwks.json"
        with urllib.request.urlopen(url, timeout=20) as answer:
            expect(len(json.load(answer)["keys"]), 2, "published keys")
        server.site.run("keys", "rotate", "--at-once", *places)
        last = exchange(server, provider.assertion(server))[1]["access_token"]
        expect(status(server, last), 200, "a token of the last key")
        for token in (old, new):
            expect(status(server, token), 401, "a token of a key that was taken back")
