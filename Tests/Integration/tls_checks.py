"""TLS as a client and an operator see it: versions, certificates of both sides, renewal."""

import contextlib
import datetime
import http.client
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl

from cryptography import x509  # comes with mcp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness import Server, check, eventually, expect, expect_in
from wire import call, headers_for


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, name="Test authority"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraint = x509.BasicConstraints(ca=True, path_length=None)
        builder = self._builder(self._name, self._key).add_extension(constraint, critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256())

    def _builder(self, subject, key):
        now = datetime.datetime.now(datetime.timezone.utc)
        hour = datetime.timedelta(hours=1)
        return x509.CertificateBuilder(
            issuer_name=self._name, subject_name=subject, public_key=key.public_key(),
            serial_number=x509.random_serial_number(), not_valid_before=now - hour,
            not_valid_after=now + 24 * hour)

    def issue(self, directory, name, for_clients=False, names=()):
        """Writes NAME.pem and NAME.key; answers their paths. `names` stand beside `localhost`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if for_clients else ExtendedKeyUsageOID.SERVER_AUTH
        here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        issued = self._builder(subject, key).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False).add_extension(
            x509.SubjectAlternativeName([*here, *names]), critical=False).sign(self._key, hashes.SHA256())
        certificate, secret = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(pem(issued))
        secret.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        secret.chmod(0o600)
        return certificate, secret


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def client_context(authority, own=None):
    context = ssl.create_default_context(cadata=pem(authority.certificate).decode())
    if own:
        context.load_cert_chain(*own)
    return context


class SecureServer(Server):
    """`toolserver serve` with `http.tls` and an authority of its own."""

    def __init__(self, world, name, issuers=(), policy=None, **tls):
        site = world.site(name)
        self.authority = Authority()
        self.directory = site.manifests
        self.authority.issue(self.directory, "server")
        (self.directory / "ca.pem").write_bytes(pem(self.authority.certificate))
        files = {"certificate": "server.pem", "key": {"file": "server.key"}} | tls
        path = site.manifests / "server.json"
        # The demo's own `http` has to go: the loader refuses a second one.
        path.write_text(json.dumps({
            "server": "shop", "issuers": [{"issuer": "local"}, *issuers],
            "http": {"listen": "127.0.0.1:7070", "tls": files}}))
        if policy:
            shutil.rmtree(site.manifests / "policy")
            (site.manifests / "policy.json").write_text(json.dumps(policy))
        super().__init__(site)

    def is_ready(self):
        """Says whether anybody listens; who that is, the check finds out."""
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            return True

    def connect(self, context=None):
        context = context or client_context(self.authority)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return context.wrap_socket(plain, server_hostname="localhost")

    def reload(self, expected):
        told = len(self.site.log_file.read_text())
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: expected in self.site.log_file.read_text()[told:], f"`{expected}`")


def health(connection):
    """One request on a connection that stays open."""
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    received = b""
    while not received.endswith(b"ok\n"):
        piece = connection.recv(65536)
        if not piece:
            raise AssertionError(f"the server hung up: {received!r}")
        received += piece
    return received


@check
def tls_a_call_goes_through_and_nothing_below_1_2_does(world):
    with SecureServer(world, "tls") as server:
        token = world.token(server.site, "support")
        body = json.dumps(call("customer_by_id", {"id": 7})).encode()
        context = client_context(server.authority)
        connection = http.client.HTTPSConnection("localhost", server.port, context=context)
        with contextlib.closing(connection):
            changes = {"Host": f"localhost:{server.port}"}
            connection.request("POST", "/mcp", body, dict(headers_for(server, token, changes, body)))
            answer = connection.getresponse()
            expect(answer.status, 200)
            expect_in(b'"isError":false', answer.read(), "the answer")
        for version, is_served in [
            (ssl.TLSVersion.TLSv1, False), (ssl.TLSVersion.TLSv1_1, False),
            (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True),
        ]:
            context = client_context(server.authority)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            try:
                server.connect(context).close()
                served = True
            except ssl.SSLError:
                served = False
            expect(served, is_served, f"{version.name} served")


@check
def tls_certificates_are_renewed_without_dropping_connections(world):
    with SecureServer(world, "renewal") as server:
        kept = server.connect()
        health(kept)
        old = kept.getpeercert()["serialNumber"]
        server.authority.issue(server.directory, "server")
        server.reload("reload: ok")
        with server.connect() as fresh:
            new = fresh.getpeercert()["serialNumber"]
        expect(new != old, True, "a new certificate is served")
        health(kept)
        # A certificate without its key, and one that is none: what was served stays.
        right = (server.directory / "server.key").read_bytes()
        server.authority.issue(server.directory, "other")
        os.replace(server.directory / "other.key", server.directory / "server.key")
        server.reload("the key does not belong to the first certificate")
        (server.directory / "server.key").write_bytes(right)
        (server.directory / "server.pem").write_text("no certificate")
        server.reload("holds no PEM certificate")
        with server.connect() as fresh:
            expect(fresh.getpeercert()["serialNumber"], new, "the certificate after bad ones")
        health(kept)
        kept.close()


@check.each(["optional", "required"])
def tls_client_certificates_must_hold(world, demand):
    settings = {"clientCA": "ca.pem", "clientCertificates": demand}
    with SecureServer(world, demand, **settings) as server:
        right = server.authority.issue(server.directory, "agent", for_clients=True)
        wrong = Authority("Another authority").issue(server.directory, "stranger", for_clients=True)
        for own, is_served in [(right, True), (wrong, False), (None, demand == "optional")]:
            try:
                with server.connect(client_context(server.authority, own)) as connection:
                    health(connection)
                served = True
            except (ssl.SSLError, ConnectionError):
                served = False
            expect(served, is_served, f"{own and own[0].name} with {demand} certificates")
