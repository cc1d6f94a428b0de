"""Quotas of several processes over one state directory, some of which are killed."""

import json

from harness import Server, check, expect, expect_in
from wire import call, post

ALLOWED = 6


@check
def a_quota_is_shared_by_processes_and_survives_their_death(world):
    site = world.site("quota")
    (site.manifests / "policy" / "quota.json").write_text(json.dumps({"rules": [{
        "rule": "few-customers", "effect": "limit", "reason": "this is a test",
        "when": {"tool.name": "customer_by_id"},
        "limit": {"calls": ALLOWED, "within": "1h", "per": "caller"}}]}))
    ada, bob = site.token("ada", ["support"]), site.token("bob", ["support"])

    def answer(server, token):
        return post(server, token, call("customer_by_id", {"id": 7})).json["result"]

    with Server(site) as first, Server(site) as second:
        for server in (first, second, first, second):
            expect(answer(server, ada)["isError"], False, "a call within the quota")
        first.kill()
        expect(answer(second, ada)["isError"], False, "the fifth call, after a kill")
        second.kill()
    with Server(site) as third, Server(site) as fourth:
        expect(answer(third, ada)["isError"], False, "the sixth call, in a new process")
        for server in (third, fourth):
            refused = answer(server, ada)
            expect(refused["isError"], True, "a call over the quota")
            told = refused["content"][0]["text"]
            expect_in("few-customers", told)
            expect_in("this is a test", told)
            expect_in("code: limit.rule", told)
        expect(answer(fourth, bob)["isError"], False, "another caller's call")
    return f"{ALLOWED} calls by four processes"
