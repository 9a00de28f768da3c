#!/usr/bin/env python3
"""Every rule that the code of the runbook's check names is in its list, in
docs/runbook-format.md with its severity, and has runbooks that try it.

Usage: rules.py SOURCE_ROOT
"""
import pathlib
import re
import sys

# Who says a finding, and which argument of it is the rule.
SAYS = re.compile(r"\b(md_error|md_warn|report|findings_add)\(")
PLACE = {"md_error": 1, "md_warn": 1, "report": 2, "findings_add": 2}
NAMED = re.compile(r"const char \*rule\s*=\s*\"([a-z-]+)\";")
DEFINED = re.compile(r"#define RULE \"([a-z-]+)\"")
SOURCES = ("bot/codec/md*.c", "bot/codec/runbook_md.c",
           "bot/codec/command_lint.c", "bot/core/lint*.c",
           "bot/codec/config_use.c")


def arguments(text):
    """The arguments of the call that goes on with @text."""
    depth, start, quoted, at = 0, 0, False, 0
    while at < len(text):
        c = text[at]
        if quoted and c == "\\":
            at += 1
        elif c == '"':
            quoted = not quoted
        elif not quoted and c in "([{":
            depth += 1
        elif not quoted and c == "," and depth == 0:
            yield text[start:at]
            start = at + 1
        elif not quoted and c in ")]}":
            if depth == 0:
                break
            depth -= 1
        at += 1
    yield text[start:at]


def in_code(root):
    """rule -> the severities it is said with, where that stands in the call."""
    found = {}
    for pattern in SOURCES:
        for path in root.glob(pattern):
            text = path.read_text()
            names = NAMED.findall(text) + DEFINED.findall(text)
            for call in SAYS.finditer(text):
                words = list(arguments(text[call.end():]))
                if len(words) <= PLACE[call[1]]:
                    continue
                rule = words[PLACE[call[1]]]
                for name in re.findall(r"\"([a-z-]+)\"", rule):
                    found.setdefault(name, set())
                    if call[1] in ("md_error", "md_warn"):
                        found[name].add("error" if call[1] == "md_error"
                                        else "warning")
                    elif "SEVERITY_WARNING" in words[1]:
                        found[name].add("warning")
                    elif "SEVERITY_ERROR" in words[1]:
                        found[name].add("error")
            for name in names:
                found.setdefault(name, set())
    return found


def main(root):
    code = in_code(root)
    listed = set(re.findall(r'^\t\t"([a-z-]+)",$', (
        root / "bot/codec/runbook_check.c").read_text(), re.M))
    page = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| (error|warning) \|$", (
        root / "docs/runbook-format.md").read_text(), re.M))
    tried = (root / "tests/codec/test_runbook_rules.c").read_text()
    # What a runbook uses of the config is looked at apart.
    uses = set(re.findall(r"\"\d+:\d+ [^\[]*(?:\[(?:env|target) [^\[]*)*"
                          r"\[([a-z-]+)\]\\n\"", (
                              root / "tests/codec/test_config_use.c"
                          ).read_text()))
    listed |= uses
    problems = []
    for rule in sorted(set(code) | listed | set(page)):
        if rule not in code:
            problems.append(f"{rule}: nothing in the code says it")
        if rule not in listed:
            problems.append(f"{rule}: not in runbook_check_rules()")
        if rule not in page:
            problems.append(f"{rule}: no row in docs/runbook-format.md")
        elif code.get(rule) and code[rule] != {page[rule]}:
            problems.append(f"{rule}: {page[rule]} on the page, in the code "
                            + " and ".join(sorted(code[rule])))
        pair = [root / f"tests/codec/runbooks/{rule}-{kind}.md"
                for kind in ("bad", "good")]
        if rule not in uses and not (all(path.exists() for path in pair)
                and f'{{ "{rule}", ' in tried) and (
                    rule != "too-large" or f" {rule}\"" not in tried):
            problems.append(f"{rule}: no runbooks that try it")
    print(f"{len(code)} rules")
    print("\n".join(problems))
    return 1 if problems or len(code) < 25 else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
