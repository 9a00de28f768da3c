#!/usr/bin/env python3
"""Counts the bad inputs that tests hold against the words that must answer
them: no kind may have fewer than docs/bad-inputs.md says.

Usage: bad_inputs.py SOURCE_ROOT [--write]
"""
import pathlib
import re
import sys

# What it is; then where: a file and how its bad inputs are told there.  A name
# is a table of C or Python; "call(" is a function that is given one each time.
KINDS = [
    ("frames of the websocket", [
        ("tests/codec/test_mattermost_json.c", "bad", 0),
        ("tests/shell/test_client_garbage.c", "bad", 0)]),
    ("answers by REST", [
        ("tests/shell/test_client_garbage.c", "bad", 1)]),
    ("configs", [("tests/codec/test_config_ini.c", "bad_configs", 0)]),
    ("runbooks: places that break a rule", [
        ("tests/codec/test_runbook_rules.c", "places", 0),
        ("tests/codec/test_runbook_rules.c", "other_ways", 0),
        ("tests/codec/test_config_use.c", "[rule]", 0)]),
    ("conditions", [("tests/codec/test_condition.c", "bad", 0)]),
    ("requests in a runbook", [("tests/codec/test_http_block.c", "bad", 4)]),
    ("commands nearly right", [
        ("tests/commands/test_parse.c", "near_rows", 0)]),
    ("message texts", [
        ("tests/render/test_template.c", "bad", 0),
        ("tests/render/test_template.c", "bad", 1)]),
    ("rows of the journal", [
        ("tests/codec/test_event_json.c", "\trefused(", 0),
        ("tests/codec/test_event_json.c", "\tplan_refused(", 0)]),
    ("files of a step", [("tests/shell/test_steprun.c", "bad", 0)]),
    ("what a step publishes", [
        ("tests/shell/test_steprunner.c", "ATTEMPT_FAILED, \"", 0),
        ("tests/shell/test_steprunner.c", "ATTEMPT_FAILED,\n", 0)]),
    ("what `run` refuses", [("tests/e2e/refusals.py", "is refused\"", 0)]),
    ("what `check --online` finds", [("tests/e2e/check_online.py", "CASES", 0)]),
]

HEAD = """# Bad inputs

<!-- Counted by tests/tools/bad_inputs.py; no test may hold fewer. -->

What comes from people, files and networks may be wrong. For each of these the tests hold the
words, or the file's line and column, with which it is refused.

| what | bad inputs | where |
|---|---|---|
"""
FOOT = """
The fuzz targets ([fuzzing.md](fuzzing.md)) try many more, for which it only matters that
nothing breaks.
"""


def elements(text, at):
    """How many elements the initializer behind text[at] has."""
    at = text.index("{" if "{" in text[at:at + 40] else "[", at)
    count, depth, filled, quoted = 0, 0, False, False
    while True:
        c = text[at]
        if quoted:
            if c == "\\":
                at += 1
            elif c == '"':
                quoted = False
        elif c == '"':
            quoted, filled = True, True
        elif text.startswith("/*", at):
            at = text.index("*/", at) + 1
        elif text.startswith("//", at):
            at = text.index("\n", at)
        elif c in "{[(":
            depth += 1
            filled = filled or depth > 1
        elif c in "}])":
            depth -= 1
            if depth == 0:
                return count + filled
        elif c == "," and depth == 1:
            count, filled = count + filled, False
        elif not c.isspace():
            filled = True
        at += 1


def count_in(root, path, what, which):
    text = (root / path).read_text()
    if what == "places":
        rows = re.findall(r'"[a-z-]+", (?:true|false),\s*((?:"[0-9: ]+"\s*)+)',
                          text)
        return sum(len(re.findall(r"\d+:\d+", row)) for row in rows)
    if what == "[rule]":
        return len(re.findall(r"\[[a-z]+-unknown\]", text))
    if what == "CASES":
        return len(re.findall(r"^    \(f?\"", text, re.M)) + 4
    if not re.fullmatch(r"\w+", what):
        return text.count(what)
    found = [m.end() for m in re.finditer(
        rf"\b{what}\[\](?:\[\d\])? =", text)]
    return elements(text, found[which])


def main(root, write):
    path = root / "docs/bad-inputs.md"
    promised = dict(re.findall(r"^\| (.*?) \| (\d+) \|", path.read_text(),
                               re.M)) if path.exists() and not write else {}
    rows, total, fewer = [], 0, []
    for name, places in KINDS:
        count = sum(count_in(root, *place) for place in places)
        files = ", ".join(f"`{place}`" for place in
                          dict.fromkeys(place for place, *_ in places))
        rows.append(f"| {name} | {count} | {files} |\n")
        total += count
        if count == 0 or (not write
                          and count < int(promised.get(name, 10 ** 6))):
            fewer.append(f"{name}: {count}, docs/bad-inputs.md says "
                         f"{promised.get(name, 'nothing')}")
    rows.append(f"| **all** | **{total}** | |\n")
    if write:
        path.write_text(HEAD + "".join(rows) + FOOT)
    print("".join(rows) + "\n".join(fewer))
    return 1 if fewer or total < 100 else 0


sys.exit(main(pathlib.Path(sys.argv[1]), "--write" in sys.argv))
