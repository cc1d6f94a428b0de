"""A witness of the record's checkpoints that checks every proof by itself, from RFC 9162 and C2SP.

What must hold: the witness follows the log over restarts with one key, its cosignature binds the
log, and a log that was set back or forked is said aloud, while calls go on.
"""

import base64
import hashlib
import shutil
import threading
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from harness import Server, check, eventually, expect, expect_in
from record import verified
from recorder_checks import ApartSite
from upstream import Upstream
from wire import call, post, send

NAME = "witness.example"


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def grows(old, old_root, new, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if old in (0, new):
        return not proof and (old == 0 or old_root == new_root)
    hashes = ([old_root] if old & (old - 1) == 0 else []) + proof
    if old > new or not hashes:
        return False
    first, second = old - 1, new - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    before = after = hashes[0]
    for piece in hashes[1:]:
        if second == 0:
            return False
        if first & 1 or first == second:
            before, after = node(piece, before), node(piece, after)
            while first and not first & 1:
                first, second = first >> 1, second >> 1
        else:
            after = node(after, piece)
        first, second = first >> 1, second >> 1
    return second == 0 and before == old_root and after == new_root


class Witness:
    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        public = self._key.public_key().public_bytes_raw()
        self._hash = hashlib.sha256(NAME.encode() + b"\n\4" + public).digest()[:4]
        coded = base64.b64encode(b"\4" + public).decode()
        self.key = f"{NAME}+{self._hash.hex()}+{coded}"
        self.log_key = None
        self.size, self.root = 0, b""
        self.sizes, self.statuses = [], []
        self._lock = threading.Lock()
        self.upstream = Upstream({"/log/add-checkpoint": self._answer})

    def _answer(self, connection, request):
        with self._lock:
            status, body = self._take(request.body.decode())
            self.statuses.append(status)
        head = f"HTTP/1.1 {status} Said\r\ncontent-length: {len(body.encode())}\r\n\r\n"
        connection.sendall((head + body).encode())
        return True

    def _take(self, text):
        head, _, note = text.partition("\n\n")
        first, *proof = head.split("\n")
        statement, _, signatures = note.partition("\n\n")
        statement += "\n"
        origin, size, root = statement.rstrip("\n").split("\n")
        if self.log_key is None or origin != self.log_key.split("+")[0]:
            return 404, ""
        if not self._is_signed(statement, signatures):
            return 403, ""
        old, size = int(first.removeprefix("old ")), int(size)
        root = base64.b64decode(root, validate=True)
        if old > size:
            return 400, ""
        if old != self.size or (old == size and root != self.root):
            return 409, f"{self.size}\n"
        if not grows(old, self.root, size, root, [base64.b64decode(line) for line in proof]):
            return 422, ""
        self.size, self.root = size, root
        self.sizes.append(size)
        return 200, self._cosignature(statement)

    def _is_signed(self, statement, signatures):
        origin, digits, key = self.log_key.split("+", 2)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
        for line in signatures.splitlines():
            _, name, value = line.split(" ")
            value = base64.b64decode(value)
            if name == origin and value[:4].hex() == digits:
                try:
                    public.verify(value[4:], statement.encode())
                    return True
                except InvalidSignature:
                    return False
        return False

    def _cosignature(self, statement):
        now = int(time.time())
        signed = self._key.sign(f"cosignature/v1\ntime {now}\n{statement}".encode())
        coded = base64.b64encode(self._hash + now.to_bytes(8, "big") + signed).decode()
        return f"— {NAME} {coded}\n"


def asking(witness):
    return {"witnesses": [
        {"witness": "w", "url": f"http://127.0.0.1:{witness.upstream.port}/log",
         "key": witness.key, "networks": ["127.0.0.0/8"], "seconds": 1}]}


def ask(server, token, count=5):
    for number in range(count):
        expect(post(server, token, call("customer_by_id", {"id": 1 + number})).status, 200)


def ready(server):
    return send(server, "GET", "/readyz", headers=[("Host", f"127.0.0.1:{server.port}")])


@check
def witness_follows_the_log_and_says_when_it_was_set_back_or_forked(world):
    witness = Witness()
    with witness.upstream:
        site = world.site("witness", made_tools=False, settings=asking(witness))
        token = site.token("witness-test", ["support"])
        kept = site.state / "witnesses" / "w.record.note"
        bound = lambda: verified(site, site.state / "record", witness=kept)
        with Server(site) as server:
            ask(server, token)
            eventually(lambda: 404 in witness.statuses, "a witness that does not know the log", 20)
            witness.log_key = (site.state / "witnesses" / "record.vkey").read_text().strip()
            eventually(lambda: witness.sizes, "the first cosignature", 30)
            ask(server, token)
            eventually(lambda: len(witness.sizes) > 1, "another one of the grown log", 30)
        for part in ("record", "keys"):
            shutil.copytree(site.state / part, site.state / f"older-{part}")
        # Another key of the record; the same for the witness.
        with Server(site) as server:
            ask(server, token)
            before = witness.size
            eventually(lambda: witness.size > before, "a cosignature after a restart", 30)
            eventually(lambda: kept.read_text().split("\n")[1] == str(witness.size), "kept", 10)
            expect(ready(server).body.strip(), b"ready", "readiness")
        expect(bound().returncode, 0, "the log agrees with its witness")
        for part in ("record", "keys"):
            shutil.rmtree(site.state / part)
            shutil.copytree(site.state / f"older-{part}", site.state / part)
        kept_note = kept.read_bytes()
        kept.unlink()
        with Server(site) as server:
            eventually(lambda: b"another history" in ready(server).body, "said by readiness", 30)
            expect(ready(server).status, 200, "calls are taken all the same")
            ask(server, token, 60)
            eventually(lambda: 422 in witness.statuses, "a fork is refused by the witness", 30)
            expect_in("ALARM", site.log_file.read_text(), "the log")
        kept.write_bytes(kept_note)
        expect(bound().returncode, 1, "the log does not agree with its witness")
        expect_in("two histories", bound().stdout + bound().stderr, "audit verify")


@check
def witness_follows_a_log_that_a_recorder_of_its_own_keeps(world):
    witness = Witness()
    site = ApartSite(world, "witness-apart", asking(witness))
    with witness.upstream:
        try:
            site.start_recorder()
            with Server(site) as server:
                token = site.token("witness-test", ["support"])
                key = site.state / "witnesses" / "record.vkey"
                witness.log_key = key.read_text().strip()
                ask(server, token)
                eventually(lambda: witness.sizes, "the first cosignature", 30)
                ask(server, token)
                eventually(lambda: len(witness.sizes) > 1, "another one of the grown log", 30)
                kept = site.state / "witnesses" / "w.record.note"
                eventually(lambda: kept.read_text().split("\n")[1] == str(witness.size), "kept", 10)
            site.stop_recorder()
        finally:
            site.kill_recorder()
        expect(verified(site, site.log, witness=kept).returncode, 0, "the log agrees")
