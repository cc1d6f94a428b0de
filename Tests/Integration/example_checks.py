"""The cookbook, tried: what its recipes answer, refuse and mask."""

import json
import shutil
import subprocess

from harness import DEMO, check, environment, expect, expect_in, expect_not_in

EXAMPLES = DEMO.parent / "examples"


def recipe(world, name):
    folder = world.directory / f"recipe {name}"
    if not folder.exists():
        shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("*.db*", "data"))
    return folder


def run(world, *words, code=0):
    result = subprocess.run(
        [world.binary, *map(str, words)], env=environment(), capture_output=True, text=True,
        timeout=60)
    expect(result.returncode, code, f"exit code of {words}: {result.stdout}{result.stderr}")
    return result.stdout + result.stderr


def tried(world, name, tool, arguments, groups, code):
    return run(
        world, "try", tool, json.dumps(arguments), "--as", "me", "--groups", groups,
        "--manifests", recipe(world, name), code=code)


@check
def analysts_get_tables_and_meet_no_customer(world):
    folder = recipe(world, "analytics")
    months = json.loads(run(
        world, "call", "revenue_by_month", '{"year": 2026}', "--manifests", folder))
    expect(months["columns"], ["month", "country", "channel", "orders", "cents"], "columns")
    expect(months["rows"][0], ["01", "NL", "shop", 1, 1250], "first row")
    people = json.loads(run(
        world, "call", "query_sales",
        '{"sql": "select customer_email, cents from orders order by id"}', "--manifests", folder))
    expect_not_in("example.com", str(people), "addresses")
    expect(people["rows"][0][0], people["rows"][3][0], "the token of one customer, twice")


@check
def the_runbook_is_read_before_and_noted_after(world):
    folder = recipe(world, "incident")
    run(world, "call", "note", '{"service": "checkout", "note": "restarted"}', "--manifests", folder)
    text = run(world, "call", "runbook", '{"service": "checkout"}', "--manifests", folder)
    expect_in("orders time out", text)
    told = tried(world, "incident", "restart_service", {"service": "search"}, "oncall", 1)
    expect_in("loses the index", told)
    expect_in("scope.unknown_tool",
              tried(world, "incident", "restart_service", {"service": "x"}, "engineering", 1))


@check
def prompts_with_secrets_do_not_reach_the_model(world):
    good = {"question": "What is a Merkle tree?", "model": "claude-haiku-4-5"}
    told = tried(world, "messages-api", "ask_model", good, "staff", 0)
    expect_in("https://api.anthropic.com/v1/messages", told)
    expect_in('\\"max_tokens\\":2000', told)
    for question, rule in [("Who is KD-123456?", "no-customers"),
                           ("Is AKIAABCDEFGHIJKLMNOP a key?", "no-keys")]:
        told = tried(world, "messages-api", "ask_model", good | {"question": question}, "staff", 1)
        expect_in(rule, told)


@check
def the_bucket_keeps_the_boards_papers(world):
    told = tried(world, "s3", "read_report", {"year": 2026, "name": "q1-sales.csv"}, "staff", 0)
    expect_in("amazonaws.com/2026/q1-sales.csv", told)
    told = tried(world, "s3", "read_report", {"year": 2026, "name": "board-may.md"}, "staff", 1)
    expect_in("for the board", told)
    tried(world, "s3", "read_report", {"year": 2026, "name": "board-may.md"}, "staff,board", 0)


@check
def refunds_have_a_limit_and_partners_no_admin_pages(world):
    told = tried(world, "http", "refund", {"payment": "pay_1", "cents": 20_000}, "support", 1)
    expect_in("open a ticket for finance", told)
    told = tried(world, "http", "refund", {"payment": "pay_1", "cents": 200}, "support", 0)
    expect_in("https://billing.internal/v1/payments/pay_1/refunds", told)
    expect_not_in("note", told.split("would send")[1], "a note that nobody gave")
    page = {"url": "https://x.cdn.example/a/%61dmin/b"}
    expect_in("no-admin", tried(world, "http", "partner_page", page, "support", 1))


@check
def an_account_is_closed_by_whoever_can_be_asked(world):
    folder = recipe(world, "asking")
    years = json.loads(run(world, "call", "accounts_by_year", "{}", "--manifests", folder))["rows"]
    expect([row["year"] for row in years], ["2023", "2024", "2025"], "years")
    told = run(world, "call", "close_account", '{"account": 1}', "--manifests", folder, code=1)
    expect_in("confirm.unreachable", told)


@check
def refunds_are_decided_by_people_and_some_by_two(world):
    def told(cents, code):
        refund = {"order": 2, "cents": cents, "reason": "late"}
        return tried(world, "approvals", "refund_order", refund, "support", code)

    expect_in("allow", told(900, 0))
    expect_in("money leaves the shop", told(4_900, 1))
    expect_in("two people", told(60_000, 1))
    expect_in("ask accounting", told(300_000, 1))


@check
def who_vouches_for_a_caller_and_when_decides_what_they_may_use(world):
    def granted(subject, issuer, *words):
        return run(world, "grants", "--as", subject, "--issuer", issuer, *words,
                   "--manifests", recipe(world, "identity"))

    partner = ["ada", "https://partner.example.com", "--groups", "support"]
    friday, sunday = "2026-11-27T10:00:00Z", "2026-11-29T10:00:00Z"
    expect_in("depends orders_of_region", granted(*partner, "--at", friday))
    expect_in("no      orders_of_region", granted(*partner, "--at", sunday))
    expect_in("no      orders_of_region", granted(*partner, "--at", "2030-02-01T10:00:00Z"))
    ours = granted("ada", "https://login.example.com", "--groups", "support")
    expect_in("yes     cancel_order", ours)
    expect_in("yes     orders_of_region", granted("report", "local", "--from", "10.9.9.9"))
    expect_in("no      orders_of_region", granted("report", "local", "--from", "192.0.2.9"))


@check
def statements_of_callers_see_no_salary(world):
    words = {"sql": "select name, salary from staff"}
    expect_in("ask finance", tried(world, "statements", "query_crm", words, "support", 1))
    told = run(world, "call", "query_crm", '{"sql": "select email from customers"}', "--manifests",
               recipe(world, "statements"))
    expect_in("***@", told)


@check
def a_new_tool_is_asked_for_and_loads(world):
    folder = recipe(world, "analytics")
    words = [world.binary, "new", "tool", "orders_from", "--backend", "sales", "--scope", "sales.read",
             "--title", "Orders from a country", "--manifests", folder]

    def asked(answers):
        return subprocess.run(
            words, input=answers, env=environment(), capture_output=True, text=True, timeout=60)

    told = asked("select nothing from orders\nRows.\n")
    expect(told.returncode, 1, "exit code")
    expect_in("would not load", told.stderr)
    expect((folder / "tools" / "orders_from.sql").exists(), False, "written in spite of that")
    made = asked("select id, cents from orders where country = :country order by id\nOrders.\n")
    expect(made.returncode, 0, f"exit code {made.stderr}")
    tool = json.loads((folder / "tools" / "orders_from.json").read_text())
    expect((tool["effect"], list(tool["input"])), ("read", ["country"]), "tool")
    run(world, "check", "--manifests", folder)
    expect_in("is there already", asked("select 1 as one\nOne.\n").stderr)


@check
def every_command_says_what_it_takes(world):
    usage = run(world, "help")
    commands = {line.split()[1] for line in usage.splitlines() if line.startswith("toolserver ")}
    for command in sorted(commands - {"version", "help", "completion"}):
        expect_in(f"toolserver {command}", run(world, command, "--help"))
    expect_in("did you mean", run(world, "help", "registr", code=2))
    expect_in(".B toolserver register CLIENT", run(world, "help", "--man"))
    script = world.directory / "completion.bash"
    script.write_text(run(world, "completion", "bash"))
    ask = f"""source '{script}'; COMP_WORDS=(toolserver register claude-code --tr); COMP_CWORD=3
        _toolserver; echo "${{COMPREPLY[@]}}"; COMP_WORDS=(toolserver reg); COMP_CWORD=1
        _toolserver; echo "${{COMPREPLY[@]}}" """
    shown = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=20)
    expect(shown.stdout.split(), ["--transport", "register"], f"completions {shown.stderr}")
    expect_in("bashcompinit", run(world, "completion", "zsh"))
    expect_in("-n __fish_use_subcommand -a register", run(world, "completion", "fish"))
