#!/usr/bin/env python3
"""The log's event names in the code are those in docs/operations.md.

Usage: events.py SOURCE_ROOT
"""
import pathlib
import re
import sys

LITERAL = re.compile(r'\blog_(info|warn|error)\(\s*"([a-z_.]+)"')
TABLES = {"error": "error", "warn": "warning", "info": "information"}


def in_code(root):
    return {(match[1], match[2]) for path in (root / "bot").rglob("*.c")
            for match in LITERAL.finditer(path.read_text())}


def in_document(root):
    text = (root / "docs/operations.md").read_text()
    found = set()
    for severity, title in TABLES.items():
        table = re.search(rf"^\| {title} \| \|\n((?:\|.*\n)+)", text, re.M)
        for row in table[1].splitlines():
            names = row.split("|")[1]
            found |= {(severity, name)
                      for name in re.findall(r"`([a-z_.]+)`", names)}
    return found


def main(root):
    code, document = in_code(root), in_document(root)
    for severity, name in sorted(code - document):
        print(f"docs/operations.md does not tell of {severity} {name}")
    for severity, name in sorted(document - code):
        print(f"docs/operations.md tells of {severity} {name}, which is gone")
    return 1 if code != document or not code else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
