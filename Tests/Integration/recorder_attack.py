"""What somebody tries who has the server's user. Prints what they brought about, as JSON."""

import json
import os
import pathlib
import signal
import socket
import struct
import sys

facts = json.loads(sys.argv[1])
log, records = pathlib.Path(facts["log"]), pathlib.Path(facts["records"])
segment = log / "000001.jsonl"
succeeded, refused = [], 0


def attempt(name, action):
    global refused
    try:
        action()
        succeeded.append(name)
    except (OSError, ConnectionError):
        refused += 1


def overwrite():
    with open(segment, "r+b") as file:
        file.write(b"x")


def append():
    with open(segment, "ab") as file:
        file.write(b"{}\n")


def read_keys():
    for path in (records / "keys" / "record").iterdir():
        path.read_bytes()


def read_memory():
    with open(f"/proc/{facts['pid']}/mem", "rb"):
        pass


def replace():
    copy = log / "copy"
    copy.write_bytes(segment.read_bytes())
    copy.rename(segment)


def frame(kind, *parts):
    body = bytes([kind]) + b"".join(parts)
    return struct.pack(">I", len(body)) + body


def text(value):
    return struct.pack(">I", len(value)) + value


def say(body):
    """Succeeds only where the recorder takes the line as it is."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(facts["socket"])
        line.sendall(frame(1, struct.pack(">I", 1), text(b"attacker"), struct.pack(">QQ", 0, 0)))
        if answer(line)[0] != 0x81:
            raise ConnectionError
        line.sendall(frame(2, struct.pack(">QII", 1, 1, 1), text(body)))
        if answer(line)[0] != 0x82:
            raise ConnectionError
        line.sendall(frame(3))


def answer(line):
    size = struct.unpack(">I", line.recv(4, socket.MSG_WAITALL))[0]
    return line.recv(size, socket.MSG_WAITALL)


attempt("truncate", lambda: os.truncate(segment, 100))
attempt("overwrite", overwrite)
attempt("append", append)
attempt("replace", replace)
attempt("rename", lambda: segment.rename(log / "old"))
attempt("new file", lambda: (log / "000002.jsonl").write_bytes(b"{}"))
attempt("mode", lambda: segment.chmod(0o666))
attempt("rename the log", lambda: log.rename(records / "old"))
attempt("rename the folder", lambda: records.rename(records.parent / "old"))
attempt("keys", read_keys)
attempt("memory", read_memory)
attempt("kill", lambda: os.kill(facts["pid"], signal.SIGSTOP))
attempt("lock", lambda: open(log / "lock", "rb"))
attempt("back-dated", lambda: say(b'"event":"start","v":1,"at":"2020-01-01T00:00:00.000000Z"'))
attempt("numbered", lambda: say(b'"event":"start","v":1,"seq":1'))
attempt("escaped", lambda: say(b'"event":"start","v":1,"\\u0061t":"2020-01-01T00:00:00.000000Z"'))
attempt("two lines", lambda: say(b'"event":"start"},{"seq":1'))
attempt("checkpoint", lambda: say(b'"event":"checkpoint","size":1'))
attempt("removed", lambda: say(b'"event":"removed","v":1,"segment":1,"lines":1,"sha256":""'))
attempt("recovered", lambda: say(b'"event":"recovered","segment":1,"from":0,"x":1'))
attempt("another's frame", lambda: say(b'"event":"start","frame":"x#1"'))
attempt("unlink", lambda: segment.unlink())
print(json.dumps({"succeeded": succeeded, "refused": refused}))
