"""Postgres: `import` on a schema of the size and the oddities of real ones, and the examples."""

import functools
import json
import shutil
import subprocess
import time

from example_checks import EXAMPLES
from harness import check, environment, expect, expect_in, expect_not_in
from postgres import Postgres

FILLERS = 50

SCHEMA = '''
create role reader login;
create type plan as enum ('free', 'plus', 'it''s "odd"');
create domain tel_number as text;
create table customers (
    id bigint generated always as identity primary key, full_name text not null, email text unique,
    phone tel_number, plan plan not null default 'free', birth_date date, seen_from inet,
    password_hash text, member_no text, created_at timestamptz not null default now(), logo bytea);
comment on table customers is 'Whoever has an account';
comment on column customers.plan is 'What they pay for';
create index on customers (created_at);
create table orders (
    id integer primary key, customer_id bigint not null references customers,
    status text not null, cents bigint not null, tags text[], extra jsonb);
create index on orders (status);
create table order_lines (
    order_id integer references orders, line integer, sku text not null, primary key (order_id, line));
create table accounts_by_mail (email text primary key, balance numeric);
create table "Order ""Notes""" ("Select" integer primary key, "from" text, "a.b" text, "e.mail" text);
create table parts (id integer, at date not null, primary key (id, at)) partition by range (at);
create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01');
create table nothing_readable (id integer primary key);
create table loose (word text);
create view contacts as select id, email as address, full_name from customers;
create view gmail as select id from customers where email like '%@gmail.com';
create schema billing;
create table billing.invoices (id uuid primary key, order_id integer references orders, due date);
create index on billing.invoices (due);
create table tenants (id integer primary key, name text);
alter table tenants enable row level security;
insert into customers (full_name, email, phone, plan, member_no, password_hash)
    select 'N ' || n, 'n' || n || '@example.com', '+49 30 555 ' || 1000 + n, 'plus',
        'KX' || md5(n::text), 'hash' || n from generate_series(1, 300) n;
insert into orders select n, n, 'open', n * 100 from generate_series(1, 300) n;
insert into order_lines select n, 1, 'sku' from generate_series(1, 300) n;
''' + "".join(
    f"create table filler_{n} (id integer primary key, customer_id bigint references customers, "
    f"kind plan, note text, amount numeric(10, 2), is_open boolean, at timestamptz);"
    for n in range(FILLERS)
) + """
analyze;
grant usage on schema billing to reader;
grant select on all tables in schema public, billing to reader;
revoke select on nothing_readable from reader;
revoke select on accounts_by_mail from reader;
grant select (email, balance) on accounts_by_mail to reader;
revoke select on tenants from reader;
grant select (id) on tenants to reader;
"""


@functools.cache
def database(world):
    """One server for all checks that only read its tables."""
    parent = world.directory / "toolserver-database"
    parent.mkdir()
    server = world.kept(Postgres(parent))
    server.load(SCHEMA)
    return server


def run(world, *words, code=0, **more):
    result = subprocess.run(
        [world.binary, *map(str, words)], env=environment() | more, capture_output=True, text=True,
        timeout=60)
    expect(result.returncode, code, f"exit code: {result.stdout[-1500:]}{result.stderr[-1500:]}")
    return result.stdout + result.stderr


@check
def imports_a_large_postgres_schema(world):
    server = database(world)
    manifests = world.directory / "imported tables"
    (manifests / "backends").mkdir(parents=True)
    backend = manifests / "backends" / "shop.json"
    backend.write_text(json.dumps(server.backend("shop") | {"user": "reader"}))
    began = time.monotonic()
    report = run(world, "import", "postgres", backend)
    seconds = time.monotonic() - began
    loaded = json.loads(run(world, "check", "--manifests", manifests, "--json"))
    expect(seconds < 5, True, f"{seconds:.2f} s below five")
    expect(loaded.get("warnings", []), [], "warnings")
    inspect_tools(manifests)
    inspect_report(report)
    inspect_policy(manifests)
    let_it_answer(world, manifests)
    again = run(world, "import", "postgres", backend)
    expect_in("kept as it was: tools/get_customer.json", again)
    return f"{loaded['tools']} tools in {seconds:.2f} s"


def inspect_tools(manifests):
    def tool(name):
        text = (manifests / "tools" / f"{name}.json").read_text()
        return json.loads(text), (manifests / "tools" / f"{name}.sql").read_text()

    one, statement = tool("get_customer")
    expect(one["input"], {"id": {"type": "integer"}}, "input")
    expect(one["scope"], "shop.personal", "scope")
    expect_in("Whoever has an account.", one["description"])
    expect_in("where id = :id", statement)
    for absent in ["password_hash", "logo"]:
        expect_not_in(absent, statement, "the statement")
    many, statement = tool("find_customers")
    expect(list(many["input"]), ["plan", "created_at_from", "created_at_before", "after"], "filters")
    expect(many["input"]["plan"]["enum"], ["free", "plus", "it's \"odd\""], "labels")
    expect(many["next"], {"after": "id"}, "next")
    expect_in("order by id\nlimit 101", statement)
    lines, statement = tool("get_order_line")
    expect(list(lines["input"]), ["order_id", "line"], "both of the key")
    orders, _ = tool("find_orders")
    expect(list(orders["input"]), ["customer_id", "status", "after"], "filters")
    expect_in("customer_id: see get_customer", orders["description"])
    expect(orders["scope"], "shop.read", "scope")
    odd, statement = tool("get_order_note")
    expect_in('from public."Order ""Notes"""\nwhere "Select" = :select', statement)
    expect_in('"a.b"', statement)
    tool("find_billing_invoices")
    tool("find_contacts")
    for absent in ["get_accounts_by_mail", "find_gmail", "find_parts_2026", "find_nothing_readable"]:
        expect((manifests / "tools" / f"{absent}.json").exists(), False, absent)


def inspect_report(report):
    for told in [
        "public.nothing_readable: left out, the login may not read it",
        "public.tenants.name: left out, the login may not read it",
        "public.tenants: row-level security decides",
        "public.customers.logo: left out, its type bytea",
        "public.customers.password_hash: left out, it holds secrets by its name",
        "public.customers.email: masked by its name",
        "public.customers.seen_from: masked by its type",
        "public.customers.phone: masked by its name",
        "public.customers.member_no: masked by its statistics",
        "public.accounts_by_mail: no tool for one row",
        "find_gmail: left out, `public.customers.email`, which is masked, decides",
        '"e.mail": left out, no rule can name it',
    ]:
        expect_in(told, report)


def inspect_policy(manifests):
    # A comment above says that it is a proposal.
    text = (manifests / "policy" / "shop.json").read_text()
    expect(text.startswith("// A proposal"), True, "the comment")
    policy = json.loads("\n".join(line for line in text.splitlines() if not line.startswith("//")))
    expect([grant["grant"] for grant in policy["grants"]], [["shop.personal"], ["shop.read"]], "grants")
    masks = {rule["column"].removeprefix("shop.public."): rule["with"] for rule in policy["rules"]}
    expect(masks["customers.email"], "partial", "e-mail")
    expect(masks["customers.birth_date"], "null", "birth")
    expect(masks["customers.member_no"], "pseudonym", "member")
    expect("customers.password_hash" in masks, False, "a mask for what no tool reads")
    expect("customers.id" in masks or "orders.customer_id" in masks, False, "keys are masked")


def let_it_answer(world, manifests):
    (manifests / "server.json").write_text(json.dumps({
        "server": "shop", "issuers": [{"issuer": "local"}],
        "localUsers": [{"user": "*", "subject": "me", "groups": ["shop-read", "shop-personal"]}]}))
    policy = manifests / "policy" / "shop.json"
    policy.write_text(policy.read_text().replace(
        '"to": {"groups"', '"to": {"issuer": "any", "groups"'))
    page = json.loads(run(
        world, "call", "find_customers", '{"plan": "plus"}', "--manifests", manifests))
    expect(len(page["rows"]), 100, "rows")
    expect(page["next"], {"after": 100}, "next")
    first = dict(zip(page["columns"], page["rows"][0]))
    expect(first["email"], "n***@example.com", "e-mail")
    expect_not_in("KX", str(first["member_no"]), "member")
    last = json.loads(run(
        world, "call", "find_customers", '{"after": 299}', "--manifests", manifests))
    expect(len(last["rows"]), 1, "the last page")
    expect("next" in last, False, "a page behind the last")
    line = json.loads(run(
        world, "call", "get_order_line", '{"order_id": 7, "line": 1}', "--manifests", manifests))
    expect(line["rows"], [{"order_id": 7, "line": 1, "sku": "sku"}], "one line")


@check
def imports_a_postgres_service_into_an_empty_directory(world):
    services = database(world).services(
        world.directory / "services.conf", shop=("postgres", "reader"))
    manifests = world.directory / "new directory"
    report = run(world, "import", "postgres", "shop", "--tls", "disable", "--schema", "billing",
                 "--manifests", manifests, PGSERVICEFILE=services)
    expect_in("2 tools", report)
    loaded = json.loads(run(
        world, "check", "--manifests", manifests, "--json", PGSERVICEFILE=services))
    expect(loaded["tools"], 2, "tools")
    told = run(world, "import", "postgres", "shop", "--tls", "disable", "--schema", "biling",
               "--manifests", manifests, code=1, PGSERVICEFILE=services)
    expect_in("can read no table of these schemas", told)
    told = run(world, "import", "postgres", "nowhere", "--manifests", manifests, code=1,
               PGSERVICEFILE=services)
    expect_in("cannot be asked", told)


def served_on_postgres(world, name, service, role):
    """(the manifests of an example on a database of its own, what tells where that is)"""
    server = database(world)
    folder = world.directory / f"served {name}"
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("data"))
    # The server of the test speaks no TLS.
    for path in folder.glob("*.json"):
        path.write_text(path.read_text().replace('"tls": "verify-full"', '"tls": "disable"'))
    file = world.directory / f"{service}.conf"
    return folder, {"PGSERVICEFILE": server.services(file, **{service: (service, role)})}


@check
def a_database_is_described_and_asked_as_it_is(world):
    database(world).load("create database toolserver")
    database(world).load(
        "create table people (id integer primary key, name text, email text);"
        "insert into people values (1, 'Ada', 'ada@example.com'); grant select on people to reader",
        "toolserver")
    folder, where = served_on_postgres(world, "postgres", "toolserver", "reader")
    told, *_ = run(
        world, "call", "describe_db", "{}", "--manifests", folder, **where).splitlines()
    rows = json.loads(told)["rows"]
    expect([row["column"] for row in rows], ["id", "name", "email"], "columns")
    told = run(world, "call", "query_db", '{"sql": "select * from people limit 5"}',
               "--manifests", folder, **where)
    expect_in('"name":"Ada"', told)
    expect_not_in("example.com", told, "an answer without a rule")
    told = run(world, "call", "query_db", '{"sql": "delete from people"}', "--manifests", folder,
               code=1, **where)
    expect_in("statement.refused", told)


@check
def the_support_desk_shows_each_agent_their_own_tickets(world):
    database(world).load("create database desk")
    database(world).load((EXAMPLES / "support-desk" / "database" / "desk.sql").read_text(), "desk")
    folder, where = served_on_postgres(world, "support-desk", "desk", "desk_tools")

    def call(tool, code=0, **arguments):
        return run(world, "call", tool, json.dumps(arguments), "--manifests", folder, code=code, **where)

    proved = run(world, "check", "--live", "--manifests", folder, **where)
    expect_not_in("PROBLEM", proved, "what the role may do beyond its tools")
    expect_in('[1,"', call("open_tickets"))
    expect_not_in('[2,"', call("open_tickets"), "the list of another team")
    shown = call("ticket", ticket=1)
    for part in ["i***@example.com", "[phone]", "Call me at <phone:"]:
        expect_in(part, shown)
    expect_not_in("600 111", shown, "the number in what the customer wrote")
    expect_in('"changed":1', call("answer_ticket", ticket=1, text="Please update."))
    expect_in('"author":"me"', call("ticket", ticket=1))
    expect_in('"changed":0', call("answer_ticket", ticket=2, text="Please update."))
    expect_in("no-promises", call("answer_ticket", ticket=1, text="You get a refund.", code=1))
    expect_in('"changed":1', call("close_ticket", ticket=3))
    expect_not_in('[3,"', call("open_tickets"), "open tickets")
