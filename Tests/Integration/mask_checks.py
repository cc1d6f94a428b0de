"""`toolserver mask`: the masks of values as a filter and as a lab."""

import json
import os
import pathlib
import subprocess
import sys

from harness import Skipped, check, expect, expect_in, expect_not_in

CORPORA = pathlib.Path(
    os.environ.get("TOOLSERVER_CORPORA", pathlib.Path(__file__).parents[3] / "shared" / "corpora"))


def mask(world, *words, text="", check=True):
    return subprocess.run(
        [str(world.binary), "mask", *words], input=text.encode(), capture_output=True, timeout=60,
        check=check)


def lines(world, *words, items=(), check=True):
    text = "".join(json.dumps(item) + "\n" for item in items)
    result = mask(world, "--jsonl", *words, text=text, check=check)
    return [json.loads(line) for line in result.stdout.decode().splitlines()]


@check
def mask_filters_a_text_in_pieces(world):
    text = "x " * 200_000 + "mail ana@example.com\n-----BEGIN PRIVATE KEY-----\nAAAA"
    shown = mask(world, text=text).stdout.decode()
    expect_in("mail <email:", shown, "the end")
    expect(shown.endswith("\n[private_key]"), True, "a key without an end is covered")
    expect_not_in("AAAA", shown)


@check
def mask_answers_lines_in_order_with_places(world):
    items = [
        {"id": 1, "text": "é 4111 1111 1111 1111"}, {"id": 2, "doc": {"ssn": 536228710, "n": [1.10]}},
        {"id": 3, "text": "nothing"}, {"id": 4}, {"id": "five", "doc": "ana@example.com"},
    ]
    answers = lines(world, items=items, check=False)
    expect([answer.get("id") for answer in answers], [1, 2, 3, 4, "five"], "ids")
    expect(answers[0]["spans"], [{"start": 2, "end": 21, "type": "card"}], "spans")
    expect(answers[1]["doc"]["n"], [1.10], "other numbers")
    expect_in("<ssn:", answers[1]["doc"]["ssn"])
    expect(answers[2], {"id": 3, "text": "nothing", "spans": []}, "an untouched text")
    expect_in("must have", answers[3]["error"])
    expect_in("<email:", answers[4]["doc"])


@check
def mask_follows_the_rules_of_its_manifests(world):
    site = world.site("mask")
    (site.manifests / "policy" / "values.json").write_text(json.dumps({
        "rules": [
            {"rule": "v1", "effect": "mask", "value": ["ip"], "with": "keep"},
            {"rule": "v2", "effect": "mask", "value": ["email"], "with": "partial"},
            {"rule": "v3", "effect": "mask", "field": "nick", "with": "null"},
        ],
        "detectors": [{"detector": "member", "matches": "M-[0-9]{4}"}],
    }))
    items = [{"text": "10.0.0.1 ana@example.com M-1234"}, {"doc": {"nick": "a", "ip": "10.0.0.1"}}]
    text, document = lines(world, "--manifests", str(site.manifests), items=items)
    expect(text["text"], "10.0.0.1 a***@example.com [member]", "text")
    expect(document["doc"], {"nick": None, "ip": "10.0.0.1"}, "doc")
    only = lines(world, "--types", "ip", items=[{"text": "10.0.0.1 ana@example.com"}])[0]
    expect_in("ana@example.com", only["text"])
    refused = mask(world, "--types", "emial", check=False)
    expect(refused.returncode, 2, "exit code")
    expect_in("did you mean email?", refused.stderr.decode())


@check
def mask_meets_the_marks_on_the_corpus(world):
    scorer = CORPORA / "score_masking.py"
    if not scorer.exists():
        raise Skipped("the corpora are absent; TOOLSERVER_CORPORA names their folder")
    sets = "base,hard,mixed,negative"
    emitted = subprocess.run(
        [sys.executable, str(scorer), "--emit"], capture_output=True, check=True).stdout
    results = world.directory / "masked.jsonl"
    results.write_bytes(mask(world, "--jsonl", text=emitted.decode()).stdout)
    report = world.directory / "masking.json"
    for names, recall, precision in [(sets, 0.97, 0.97), ("evasion", 0.9, 0.9)]:
        subprocess.run(
            [sys.executable, str(scorer), "--results", str(results), "--sets", names, "--json", str(report)],
            capture_output=True, check=True)
        score = json.loads(report.read_text())
        expect(score["all"]["recall"] >= recall, True, f"recall {score['all']['recall']:.3f} on {names}")
        expect(
            score["all"]["precision"] >= precision, True,
            f"precision {score['all']['precision']:.3f} on {names}")
        expect(score["negatives"][0], score["negatives"][1], "negatives untouched")


@check
def mask_keeps_the_shape_of_documents(world):
    scorer = CORPORA / "masking" / "mask_shape.py"
    if not scorer.exists():
        raise Skipped("the corpora are absent; TOOLSERVER_CORPORA names their folder")
    emitted = subprocess.run(
        [sys.executable, str(scorer), "--emit"], capture_output=True, check=True).stdout
    results = world.directory / "shapes.jsonl"
    results.write_bytes(mask(world, "--jsonl", text=emitted.decode()).stdout)
    said = subprocess.run(
        [sys.executable, str(scorer), "--score", str(results), "--joinable"], capture_output=True,
        check=True).stdout.decode()
    expect_in(" 0 failures", said)
