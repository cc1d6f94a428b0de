"""The last check: what the others made the server say."""

from harness import Skipped, check, expect
from messages import REVISIONS, ledger


@check
def every_message_that_was_sent_meets_the_schema_of_its_revision(world):
    if not ledger.kinds:
        raise Skipped("nothing was sent")
    if ledger.problems:
        raise AssertionError("\n    ".join([f"{len(ledger.problems)} problems", *ledger.problems[:12]]))
    if not world.options.only:
        seen = {(transport, revision) for transport, revision, _ in ledger.kinds}
        wanted = {(transport, revision) for transport in ("http", "stdio") for revision in REVISIONS}
        expect(seen & wanted, wanted, "transports and revisions seen")
    return f"{sum(ledger.kinds.values())} messages of {len(ledger.kinds)} kinds"
