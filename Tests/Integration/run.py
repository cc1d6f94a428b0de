"""Integration checks of a built `toolserver`: a real client, raw requests, crashes.

    python Tests/Integration/run.py PATH_TO_TOOLSERVER [--only TEXT] [--kills N --calls N]

Needs the packages of `client_environment` in scripts/lib.sh, nothing else. Prints a line a check
and a line at the end; the exit code is 1 when a check failed.
"""

import argparse
import sys
import time
import traceback

import harness


def arguments():
    parser = argparse.ArgumentParser(description="Integration checks of a built toolserver.")
    parser.add_argument("binary")
    parser.add_argument("--only", default="", metavar="TEXT", help="checks whose name holds TEXT")
    parser.add_argument("--demo", default=harness.DEMO, metavar="DIR", help="other demo manifests")
    parser.add_argument("--kills", type=int, default=3, help="times to kill the server (crash check)")
    parser.add_argument("--calls", type=int, default=2_000, help="calls over all kills (crash check)")
    parser.add_argument("--seed", type=int, default=None, help="when to kill (crash check)")
    parser.add_argument("--verbose", action="store_true", help="print the traceback of a failure")
    return parser.parse_args()


def collected():
    """Importing a file of checks lists its checks, in this order."""
    import client_checks  # noqa: F401
    import client_stream_checks  # noqa: F401
    import document_checks  # noqa: F401
    import http_checks  # noqa: F401
    import table_checks  # noqa: F401
    import stream_checks  # noqa: F401
    import tls_checks  # noqa: F401
    import binding_checks  # noqa: F401
    import sign_in_checks  # noqa: F401
    import saml_checks  # noqa: F401
    import upstream_checks  # noqa: F401
    import hostile_checks  # noqa: F401
    import stdio_checks  # noqa: F401
    import approval_checks  # noqa: F401
    import lost_checks  # noqa: F401
    import access_checks  # noqa: F401
    import ask_checks  # noqa: F401
    import operation_checks  # noqa: F401
    import mask_checks  # noqa: F401
    import register_checks  # noqa: F401
    import plain_checks  # noqa: F401
    import example_checks  # noqa: F401
    import verdict_checks  # noqa: F401
    import quota_checks  # noqa: F401
    import import_checks  # noqa: F401
    import import_postgres_checks  # noqa: F401
    import cost_checks  # noqa: F401
    import crash_checks  # noqa: F401
    import recorder_checks  # noqa: F401
    import recorder_retention_checks  # noqa: F401
    import body_checks  # noqa: F401
    import siem_checks  # noqa: F401
    import witness_checks  # noqa: F401
    import message_checks  # noqa: F401

    return harness.check.all


def outcome_of(function, world, verbose):
    """("ok" | "skip" | "FAIL", what there is to say)"""
    try:
        return "ok", function(world) or ""
    except harness.Skipped as reason:
        return "skip", str(reason)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        if verbose:
            traceback.print_exc()
        return "FAIL", reason_of(error)


def reason_of(error):
    """Task groups wrap what went wrong; the innermost says it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def main():
    options = arguments()
    # The last one judges what the others have seen, whichever they are.
    *others, last = collected()
    checks = [(name, check) for name, check in others if options.only in name] + [last]
    world = harness.World(options.binary, options)
    passed = failed = 0
    try:
        for name, function in checks:
            began = time.monotonic()
            outcome, text = outcome_of(function, world, options.verbose)
            passed += outcome == "ok"
            failed += outcome == "FAIL"
            seconds = time.monotonic() - began
            print(f"{outcome:4} {name} ({seconds:.2f} s){': ' + text if text else ''}", flush=True)
    finally:
        world.close()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
