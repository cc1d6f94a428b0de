"""A second verifier of the record, written from its description and not from the server's code.

Every line is a leaf of a Merkle tree (RFC 6962); every checkpoint is a signed note (C2SP) over the
root before it; the key of an epoch signs its successor.
"""

import base64
import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # comes with mcp


class Proof:
    """Takes the lines of a record in order, and raises at the first that does not fit."""

    def __init__(self, public_key):
        self._key = public_key.strip()
        self._epoch = 0
        # Roots of the complete subtrees, the largest first, each with its number of leaves.
        self._subtrees = []
        self.size = 0
        self.checkpoints = 0

    def take(self, line, text):
        """`text` is the line as it stands in the file, without its line feed."""
        event = line["event"]
        if event == "segment":
            # The head of a file repeats where the file before it ended, and is no leaf.
            self._expect_root(line)
            return
        if line["seq"] != self.size:
            raise AssertionError(f"line {self.size} bears the number {line['seq']}")
        if event == "checkpoint":
            self._expect_root(line)
            self._expect_note(line["note"], f"{self.size}\n{line['root']}\n")
            self.checkpoints += 1
        elif event == "epoch":
            self._epoch += 1
            statement = f"epoch {self._epoch} at {self.size}\n{line['key']}\n"
            self._expect_note(line["note"], statement)
            self._key = line["key"]
        self._append(text)

    def _expect_root(self, line):
        if (line["size"], line["root"]) != (self.size, self._root()):
            raise AssertionError(f"the root of {line['size']} lines is not the one before line {self.size}")

    def _expect_note(self, note, statement):
        origin, _, key = self._key.split("+", 2)
        text, _, signature = note.partition("\n\n— ")
        if text + "\n" != f"{origin}\n{statement}":
            raise AssertionError(f"a note that says something else before line {self.size}: {note!r}")
        name, _, value = signature.rstrip("\n").partition(" ")
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:])
        public.verify(base64.b64decode(value)[4:], (text + "\n").encode())
        if name != origin:
            raise AssertionError(f"a note signed by {name}")

    def _append(self, text):
        node, leaves = hashlib.sha256(b"\0" + text).digest(), 1
        while self._subtrees and self._subtrees[-1][1] == leaves:
            left, _ = self._subtrees.pop()
            node, leaves = hashlib.sha256(b"\1" + left + node).digest(), leaves * 2
        self._subtrees.append((node, leaves))
        self.size += 1

    def _root(self):
        if not self._subtrees:
            return base64.b64encode(hashlib.sha256().digest()).decode()
        root = self._subtrees[-1][0]
        for node, _ in reversed(self._subtrees[:-1]):
            root = hashlib.sha256(b"\1" + node + root).digest()
        return base64.b64encode(root).decode()
