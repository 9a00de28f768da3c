#!/usr/bin/env python3
"""bridgekeeper check, plan and the dispatcher, as a person runs them.

Usage: test_cli.py BRIDGEKEEPER SOURCE_ROOT
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM, ROOT = (
    pathlib.Path(path).resolve() for path in sys.argv[1:3])
CUTOVER = ROOT / "templates/runbooks/launch-cutover.md"
BAD = ROOT / "tests/codec/runbooks/gate-unknown-bad.md"
GOOD = ROOT / "tests/codec/runbooks/gate-unknown-good.md"
FINDING = re.compile(r"^(.+):(\d+):(\d+): (error|warning): .+ \[[a-z-]+\]$")


def run(*arguments, cwd="/"):
    done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=cwd, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def example(folder):
    """config.example.ini with all that it names."""
    shutil.copy(ROOT / "config.example.ini", folder / "config.ini")
    (folder / "templates/runbooks").mkdir(parents=True)
    shutil.copy(CUTOVER, folder / "templates/runbooks")
    for name, text in (("token", "t0k3n"),
                       ("prod.secrets", "MONGO_BACKUP_URI=mongodb://hush\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    text = (folder / "config.ini").read_text()
    for line in re.findall(r"^files = (.*)$", text, re.M):
        for pattern in line.split(","):
            path = folder / "stellaops" / pattern.strip().replace("*", "any")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pattern)
    return folder / "config.ini"


def check_prints_a_line_for_each_finding():
    status, out, _ = run("check", BAD, GOOD)
    lines = out.splitlines()
    assert status == 1, status
    assert all(FINDING.match(line) for line in lines[:-1]), out
    assert lines[0].startswith(f"{BAD}:12:29: error: "), out
    assert lines[-1].startswith("2 errors, 0 warnings in 2 files; "), out


def check_finds_what_ssh_lacks():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        config = example(folder)
        config.write_text(config.read_text() + """
[target far]
hosts = node1, deploy@node2:2222
workdir = /srv
ssh_key = key
ssh_known_hosts = known_hosts
""")
        line = config.read_text().split("\n").index("[target far]") + 1
        out = run("check", "--config", config)[1]
        assert f":{line}:1: error: the key of [target far]: " in out, out
        assert "[ssh-known-hosts]" in out and "cannot be read" in out, out
        (folder / "key").write_text("a key\n")
        (folder / "key").chmod(0o644)
        (folder / "known_hosts").write_text(
            "[node2]:2222 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO6LUmJ8"
            "XcB5nWJXwHGzHrO7PhCcmZEzBzVZFTqfxHEO\n")
        out = run("check", "--config", config)[1]
        assert "[ssh-key]" in out, out
        assert "node1 of [target far] is not in " in out, out
        assert "node2" not in out, out
        (folder / "key").chmod(0o600)
        assert "[ssh-key]" not in run("check", "--config", config)[1]


def check_of_a_good_runbook_ends_well():
    status, out, _ = run("check", GOOD)
    assert status == 0 and out.startswith("0 errors, 0 warnings in 1 file;"), out


def check_says_what_cannot_be_read():
    status, out, _ = run("check", "/nowhere/x.md")
    assert status == 1 and "/nowhere/x.md" in out, out
    status, out, _ = run("check", "--config", "/nowhere/config.ini")
    assert status == 1 and "/nowhere/config.ini" in out, out
    status, out, _ = run("check", "/")
    assert status == 1 and "error" in out, out


def check_passes_the_example_config(folder):
    config = example(folder)
    status, out, _ = run("check", "--config", config)
    assert status == 0, out
    assert out.splitlines()[-1] == "0 errors, 1 warning in 3 files", out
    assert run("check", cwd=folder)[0] == 0  # where ./config.ini is found


def check_passes_the_config_that_a_newcomer_is_told_to_write(folder):
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    config = text.split("```ini\n", 1)[1].split("```", 1)[0]
    shutil.copy(ROOT / "templates/runbooks/hello-bridge.md", folder)
    (folder / "hello").mkdir()
    (folder / "token").write_text("t0k3n\n")
    (folder / "token").chmod(0o600)
    (folder / "config.ini").write_text(
        config.replace("/var/lib/bridgekeeper", str(folder))
        .replace("token_credential", "token_file"))
    status, out, err = run("check", "--config", folder / "config.ini")
    assert status == 0 and "0 errors, 1 warning" in out, out + err
    assert "gate-fragile" in out, out


def check_finds_what_the_config_names_and_is_not_there(folder):
    config = example(folder)
    (folder / "stellaops/prod.env").unlink()
    (folder / "token").chmod(0o644)
    status, out, _ = run("check", "--config", config)
    assert status == 1, out
    assert "prod.env" in out and "chmod 600" in out, out
    assert "hush" not in out and "t0k3n" not in out, out


def check_warns_of_a_secret_that_is_too_short_to_hide(folder):
    config = example(folder)
    (folder / "prod.secrets").write_text("MONGO_BACKUP_URI=hush\n")
    status, out, _ = run("check", "--config", config)
    assert status == 0, out
    assert f"{folder}/prod.secrets:1:1: warning: this value has fewer" in out
    assert "hush" not in out, out


def check_shows_where_a_secrets_file_is_wrong(folder):
    config = example(folder)
    (folder / "prod.secrets").write_text("# uri\nMONGO_BACKUP_URI hush\n")
    status, out, _ = run("check", "--config", config)
    assert status == 1, out
    assert f"{folder}/prod.secrets:2:1: error: the line has no `=`" in out
    assert "hush" not in out, out


def check_holds_a_runbook_against_the_people(folder):
    config = example(folder)
    config.write_text(re.sub(r"\[role CTO\]\nprimary = cto\nbackup = .*", "",
                             config.read_text()))
    status, out, _ = run("check", "--config", config)
    assert status == 1 and "[role-unheld]" in out, out
    status, out, _ = run("check", "--config", config, GOOD)
    assert "[role-unheld]" in out and "config.ini" not in out, out


def as_lines(out):
    """What the JSON of check says, in the words that it has without."""
    report = json.loads(out)
    lines = [f"{f['file']}:{f['line']}:{f['column']}: {f['severity']}: "
             f"{f['text']} [{f['rule']}]" for f in report["findings"]]
    assert out.count("\n") == 1 and out.endswith("\n"), out
    assert report["errors"] + report["warnings"] == len(lines), report
    assert report["errors"] == sum(": error: " in line for line in lines)
    return lines, report


def check_says_the_same_as_data():
    for files in ((BAD,), (BAD, GOOD), (GOOD,), ("/nowhere/x.md",), ("/",)):
        status, words, _ = run("check", *files)
        data_status, out, _ = run("check", "--json", *files)
        lines, report = as_lines(out)
        assert data_status == status, (files, data_status)
        assert lines == words.splitlines()[:-1], (lines, words)
        assert list(report) == ["findings", "errors", "warnings", "files",
                                "config", "reached"], list(report)
        assert report["files"] == len(files), report
        assert report["config"] is False and report["reached"] is None
    first = as_lines(run("check", "--json", BAD)[1])[1]["findings"][0]
    assert list(first) == ["file", "line", "column", "severity", "rule",
                           "text"], list(first)
    assert (first["file"], first["line"], first["column"], first["rule"]) == (
        str(BAD), 12, 29, "gate-unknown"), first


def check_says_what_is_wrong_with_a_config_as_data(folder):
    config = example(folder)
    status, out, _ = run("check", "--json", "--config", config)
    lines, report = as_lines(out)
    assert status == 0 and report["config"] is True and report["files"] == 3
    assert lines == run("check", "--config", config)[1].splitlines()[:-1]
    (folder / "prod.secrets").write_text("MONGO_BACKUP_URI hush\n")
    config.write_text(config.read_text() + "[nonsense]\nkey = 1\n")
    for trouble in (config, "/nowhere/config.ini"):
        status, out, _ = run("check", "--json", "--config", trouble)
        lines, report = as_lines(out)
        assert status == 1 and report["errors"] >= 1 and "hush" not in out, out
        assert report["reached"] is None, report
    status, out, err = run("check", "--json", "--nope")
    assert status == 2 and out == "" and "usage:" in err, (out, err)


def check_prints_json_whatever_a_file_is_called(folder):
    name = bytes(folder) + b"/na\xffme\n\"quoted\".md"
    shutil.copy(BAD, name)
    done = subprocess.run([PROGRAM, "check", "--json", name],
                          stdin=subprocess.DEVNULL, capture_output=True)
    report = json.loads(done.stdout.decode())
    assert done.returncode == 1, done.returncode
    assert report["findings"][0]["file"].endswith(
        "/na\ufffdme\n\"quoted\".md"), report


def plan_is_text_or_json():
    status, out, _ = run("plan", CUTOVER)
    assert status == 0 and out.startswith("Launch cutover"), out
    status, out, _ = run("plan", CUTOVER, "--json")
    plan = json.loads(out)
    assert status == 0
    assert list(plan) == ["title", "digest", "digest_kind", "roles", "groups",
                          "parameters", "phases", "gates", "milestones",
                          "warnings"], list(plan)
    assert plan["digest_kind"] == "document" and len(plan["digest"]) == 64
    assert [len(g["slots"]) for g in plan["gates"]] == [2, 5, 2, 2]
    assert [m["offset_s"] for m in plan["milestones"]] == [
        -86400, -43200, -21600, -7200, -1800, 0, 2700, 14400]
    phases = {phase["kind"]: phase["steps"] for phase in plan["phases"]}
    assert len(phases["smoke"]) == 6
    whens = {step["when"] for step in phases["rollback"]}
    assert {"PLATFORM=compose", "PLATFORM=helm"} <= whens, whens
    for step in sum(phases.values(), []):
        assert list(step) == ["number", "title", "kind", "owner", "gate",
                              "when", "on", "env", "sets", "blocks"], step
    assert all(w["severity"] == "warning" for w in plan["warnings"])


def plan_with_a_config_has_another_digest(folder):
    config = example(folder)
    status, out, err = run("plan", CUTOVER, "--json", "--config", config)
    assert status == 0, err
    first = json.loads(out)
    assert first["digest_kind"] == "plan"
    again = json.loads(run("plan", "--json", "--config", config)[1])
    assert again["digest"] == first["digest"]
    (folder / "prod.secrets").write_text("MONGO_BACKUP_URI=mongodb://other\n")
    other = json.loads(run("plan", "--json", "--config", config)[1])
    assert other["digest"] != first["digest"]
    helm = json.loads(
        run("plan", "--json", "--config", config, "PLATFORM=helm")[1])
    assert helm["digest"] != other["digest"]
    assert "hush" not in out + err


def plan_shows_all_that_is_approved(folder):
    status, out, err = run("plan", "--config", example(folder))
    assert status == 0, err
    assert "\nEnvironments\n" in out, out
    assert re.search(r"\n    MONGO_BACKUP_URI=\(secret\)\n", out), out
    assert "hush" not in out + err
    assert re.search(r"\n    AUTHORITY_URL=https://\S+\n", out), out
    assert re.search(r"after a failure again, \d times?, each \d+ s later",
                     out), out
    assert "expected: the UI loads in under 2 seconds" in out, out


def plan_refuses_what_a_parameter_cannot_be(folder):
    status, _, err = run("plan", CUTOVER, "PLATFORM=mainframe")
    assert status == 1 and "`compose` or `helm`" in err, err
    status, out, err = run("plan", CUTOVER, "--json", "--config",
                           example(folder), "NOPE=1")
    assert status == 1 and "NOPE" in err, err
    assert json.loads(out)["digest_kind"] == "document"


def plan_shows_a_bad_runbook_as_far_as_it_goes():
    status, out, _ = run("plan", BAD, "--json")
    plan = json.loads(out)
    assert status == 1 and plan["title"] == "Gates have rows"
    assert [(w["rule"], w["line"]) for w in plan["warnings"]] == [
        ("gate-unknown", 12), ("gate-unknown", 16)]


def wrong_usage_is_told():
    for arguments in ((), ("nope",), ("check", "--nope"), ("plan",),
                      ("plan", "a", "b"), ("plan", "--config")):
        status, _, err = run(*arguments)
        assert status == 2 and "usage: bridgekeeper" in err, (arguments, err)
    status, out, _ = run("help")
    assert status == 0 and "check" in out and "audit" in out, out
    assert run("version")[1].startswith("bridgekeeper ")


TESTS = [
    check_prints_a_line_for_each_finding,
    check_finds_what_ssh_lacks,
    check_of_a_good_runbook_ends_well,
    check_says_what_cannot_be_read,
    check_passes_the_example_config,
    check_passes_the_config_that_a_newcomer_is_told_to_write,
    check_finds_what_the_config_names_and_is_not_there,
    check_warns_of_a_secret_that_is_too_short_to_hide,
    check_shows_where_a_secrets_file_is_wrong,
    check_holds_a_runbook_against_the_people,
    check_says_the_same_as_data,
    check_says_what_is_wrong_with_a_config_as_data,
    check_prints_json_whatever_a_file_is_called,
    plan_is_text_or_json,
    plan_with_a_config_has_another_digest,
    plan_shows_all_that_is_approved,
    plan_refuses_what_a_parameter_cannot_be,
    plan_shows_a_bad_runbook_as_far_as_it_goes,
    wrong_usage_is_told,
]

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    try:
        if test.__code__.co_argcount == 1:
            with tempfile.TemporaryDirectory() as name:
                test(pathlib.Path(name))
        else:
            test()
        print(f"ok {number} - {test.__name__}")
    except (AssertionError, ValueError) as problem:
        failed = 1
        print(f"not ok {number} - {test.__name__}")
        print("# " + str(problem).replace("\n", "\n# "))
sys.exit(failed)
