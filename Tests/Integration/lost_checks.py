"""Approved changes of a real Postgres whose server or connection is killed in the middle: what the
database knows of them is what their callers and approvers are told."""

import contextlib
import json
import os
import pathlib
import tempfile
import threading

from approval_checks import Desk, hold_one, result_of
from client_stream_checks import Cutter
from harness import DEMO, Server, Site, check, eventually, expect, expect_in
from postgres import Postgres
from record import verify

SCHEMA = """
create table orders (id int primary key, state text not null);
insert into orders values (1, 'open'), (2, 'open');
create function slow() returns trigger language plpgsql as $$
    begin perform pg_sleep(2); return null; end $$;
create constraint trigger at_end after update on orders deferrable initially deferred
    for each row execute function slow();
"""
STATEMENTS = {
    # Slow at COMMIT, by the trigger.
    "close_order": "update orders set state = 'closed' where id = :id",
    # Slow before it.
    "close_slowly": "update orders set state = 'closed' from pg_sleep(2) where id = :id",
}


class Lost:
    """A server on a Postgres of its own, whose connections can be cut."""

    def __init__(self, world, name):
        self._cleanup = contextlib.ExitStack()
        # Not below the checks' own folder: the database is another user's.
        parent = pathlib.Path(self._cleanup.enter_context(
            tempfile.TemporaryDirectory(prefix="toolserver-")))
        self.database = self._cleanup.enter_context(Postgres(parent))
        self.database.load(SCHEMA)
        self.cutter = self._cleanup.enter_context(contextlib.closing(Cutter(self.database.port)))
        self.site = Site(world.binary, DEMO, world.directory, f"{name}-{os.urandom(3).hex()}",
                         made_tools=False)
        self._make()
        self.token = world.token(self.site, "support")
        self.desk = Desk(world, self.site)
        self.server = self._cleanup.enter_context(Server(self.site))

    def _make(self):
        tools, policy = self.site.manifests / "tools", self.site.manifests / "policy"
        backend = self.database.backend("orders") | {"port": self.cutter.port}
        (self.site.manifests / "backends" / "orders.json").write_text(json.dumps(backend))
        for name, sql in STATEMENTS.items():
            (tools / f"{name}.json").write_text(json.dumps({
                "tool": name, "title": name, "description": "Made for a test.",
                "backend": "orders", "scope": "billing.write", "effect": "write",
                "input": {"id": {"type": "integer"}}, "sql": sql}))
        rule = {"rule": "hold", "effect": "approve", "when": {"tool.name": list(STATEMENTS)},
                "approvers": {"groups": ["finance"]}, "reason": "orders end", "hold": "0s"}
        (policy / "made.json").write_text(json.dumps({"rules": [rule]}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def approved(self, tool, id):
        handle = hold_one(self.server, self.token, tool, {"id": id})
        self.desk.approve(handle)
        return handle

    def until(self, query):
        """Something of ours that the database is at work on."""
        wanted = f"select 1 from pg_stat_activity where query like '{query}%' and state = 'active'"
        eventually(lambda: self.answers(wanted), query)

    def answers(self, sql):
        # psql says nothing here: a division by zero does.
        with contextlib.suppress(AssertionError):
            self.database.load(f"select 1 / (select count(*) from ({sql}) found)")
            return True
        return False

    def state(self, id, wanted):
        eventually(
            lambda: self.answers(f"select 1 from orders where id = {id} and state = '{wanted}'"),
            wanted, seconds=10)

    def told(self, handle, part):
        eventually(lambda: part in result_of(self.server, self.token, handle), part, seconds=15)
        return result_of(self.server, self.token, handle)

    def run_and_kill(self, handle, query, id=None):
        with self.in_background(handle):
            self.until(query)
            if id:
                self.lose_the_answer(id)
            self.server.kill()
        self.cutter.is_mute = False
        self.server.start()
        self.server.wait_until_ready()

    def lose_the_answer(self, id):
        """The database makes the change and its word of it reaches nobody."""
        self.cutter.is_mute = True
        self.state(id, "closed")

    @contextlib.contextmanager
    def in_background(self, handle):
        answer = []

        def ask():
            with contextlib.suppress(Exception):
                answer.append(result_of(self.server, self.token, handle))

        thread = threading.Thread(target=ask)
        thread.start()
        yield answer
        thread.join(30)


@check
def lost_a_run_that_was_killed_at_commit_is_done_where_the_database_made_it(world):
    with Lost(world, "lost-commit") as lost:
        handle = lost.approved("close_order", 1)
        lost.run_and_kill(handle, "COMMIT", id=1)
        expect_in("approval.over", lost.told(handle, "the database says that the change was made"))
        request = next(r for r in lost.desk.listed("--all") if r["handle"] == handle)
        expect((request["state"], request["code"]), ("done", "committed"))
    verify(lost.site)


@check
def lost_a_run_that_was_killed_before_commit_has_changed_nothing_and_says_so(world):
    with Lost(world, "lost-abort") as lost:
        handle = lost.approved("close_slowly", 2)
        lost.run_and_kill(handle, "update orders")
        expect_in("approval.over", lost.told(handle, "the database says that nothing was changed"))
        lost.state(2, "open")
    verify(lost.site)


@check
def lost_a_connection_that_breaks_at_commit_loses_no_answer(world):
    with Lost(world, "lost-cut") as lost:
        handle = lost.approved("close_order", 1)
        with lost.in_background(handle) as answer:
            lost.until("COMMIT")
            lost.lose_the_answer(1)
            lost.cutter.is_mute = False
            lost.cutter.cut()
        expect(len(answer), 1, "answers")
        expect_in('"changed":1', answer[0])
