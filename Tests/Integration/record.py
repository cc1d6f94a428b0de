"""Reads the record as an auditor would: JSON lines in files, each proved, without the server."""

import json

from harness import eventually
from proof import Proof


class Record:
    """The calls of one record, read on from where the last reading ended."""

    def __init__(self, site, log="record"):
        self.directory = site.state / log
        self._read = {}
        self._proof = None
        self.lines = 0
        self.last = None
        self.intents = {}
        self.outcomes = {}

    def update(self):
        if self._proof is None:
            self._proof = Proof((self.directory / "record.pub").read_text())
        for path in sorted(self.directory.glob("*.jsonl")):
            with open(path, "rb") as file:
                file.seek(self._read.get(path, 0))
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    try:
                        content = json.loads(line)
                    except ValueError:
                        # Half of it was read while it was written: the next time.
                        break
                    self._read[path] = self._read.get(path, 0) + len(line)
                    self._proof.take(content, line[:-1])
                    self._take(content)
        return self

    def _take(self, line):
        self.lines += 1
        # A checkpoint follows every group of lines.
        self.last = self.last if line["event"] == "checkpoint" else line
        match line.get("event"):
            case "intent":
                self.intents[line["call"]] = line
            case "outcome":
                if line["call"] in self.outcomes:
                    raise AssertionError(f"two outcomes of one call: {line['call']}")
                self.outcomes[line["call"]] = line

    def outcomes_with(self, argument, value):
        return [
            self.outcomes[call]
            for call, intent in self.intents.items()
            if intent["arguments"].get(argument) == value and call in self.outcomes
        ]


def recorded_code(site, number, seconds=8):
    """How the call of `count` with that number ended, once it has."""
    record = Record(site)
    outcomes = eventually(
        lambda: record.update().outcomes_with("n", number),
        f"an outcome of the call with n = {number} in the record", seconds)
    return outcomes[0]["code"]


def verified(site, directory, key=None, witness=None):
    """What `audit verify` says of a record; nothing but the public key is given to it."""
    key = key or directory / "record.pub"
    kept = ["--witness", str(witness)] if witness else []
    return site.run("audit", "verify", str(directory), "--key", str(key), *kept, check=False)


def verify(site, log="record"):
    result = verified(site, site.state / log)
    if result.returncode != 0 or not result.stdout:
        raise AssertionError(f"audit verify: {(result.stdout + result.stderr)[-500:] or 'no word'}")
