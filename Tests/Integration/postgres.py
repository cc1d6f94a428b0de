"""A real server of this machine's PostgreSQL, in a directory of its own, never as root."""

import os
import pathlib
import shlex
import subprocess

from harness import Skipped, free_port

PLACE = pathlib.Path("/usr/lib/postgresql")


class Postgres:
    """A context manager; `load` runs a script on a database, `postgres` when not named."""

    def __init__(self, parent):
        versions = sorted(PLACE.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        if not versions:
            raise Skipped(f"no PostgreSQL in {PLACE}")
        self._binaries = versions[-1].parent
        self.directory = parent / "postgres"
        self.port = free_port()

    def __enter__(self):
        self.directory.mkdir()
        if os.geteuid() == 0:
            # The directories above are ours alone, and the server runs as somebody else.
            for folder in [self.directory.parent, *self.directory.parent.parents]:
                if folder.name.startswith("toolserver-"):
                    folder.chmod(folder.stat().st_mode | 0o011)
            subprocess.run(["chown", "postgres", self.directory], check=True)
        self._run("initdb -D data -A trust -U owner --no-sync -E UTF8 --locale=C.UTF-8")
        options = f"-p {self.port} -k . -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run(f"pg_ctl -D data -l log -w -o {shlex.quote(options)} start")
        return self

    def __exit__(self, *_):
        self._run("pg_ctl -D data -m immediate stop")

    def load(self, script, database="postgres"):
        self._run(
            f"psql -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p {self.port} -U owner {database}", script)

    def services(self, file, **users):
        """Writes the services of libpq, each with its database and user; for PGSERVICEFILE."""
        file.write_text("".join(
            f"[{name}]\nhost=127.0.0.1\nport={self.port}\ndbname={database}\nuser={user}\n"
            for name, (database, user) in users.items()))
        file.chmod(0o600)
        return str(file)

    def backend(self, name):
        return {
            "backend": name, "kind": "postgres", "host": "127.0.0.1", "port": self.port,
            "database": "postgres", "user": "owner", "tls": "disable"}

    def _run(self, command, script=None):
        line = f"cd {shlex.quote(str(self.directory))} && {self._binaries}/{command} >>shell.log 2>&1"
        shell = ["su", "postgres", "-s", "/bin/sh", "-c"] if os.geteuid() == 0 else ["sh", "-c"]
        done = subprocess.run(shell + [line], input=script, text=True, timeout=120)
        if done.returncode:
            log = (self.directory / "shell.log").read_text()[-1000:]
            raise AssertionError(f"{command.split()[0]} failed: {log}")
