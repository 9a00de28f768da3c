#!/usr/bin/env python3
"""Provokes each failure that `bridgekeeper check --online` knows, once, and
reads its line.

Usage: check_online.py SANDBOX BRIDGEKEEPER
"""
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import stage  # noqa: E402

RUNBOOK = """# Hello

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | c |

| Step | Required approvers | Record location |
|---|---|---|
| T0 | Lead + Storage | channel |

## 1 Go {.production gate="T0"}

1. Say hello

   ```sh
   for i in 1 2; do echo "$i"; done | sort
   ```

## 2 Back {.rollback}

1. Take it back

   ```sh
   rm -f ledger
   ```
"""


def check(there, **env):
    done = subprocess.run(
        [there.program, "check", "--online", "--config",
         str(there.folder / "config.ini")],
        stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=60, check=False,
        env={**os.environ, **env})
    return done.returncode, done.stdout + done.stderr


def config(there, old, new):
    path = there.folder / "config.ini"
    text = path.read_text()
    assert old in text, old
    there.write("config.ini", text.replace(old, new))
    return lambda: there.write("config.ini", text)


def person(there, name, **change):
    there.ask("POST", f"/sandbox/users/{name}", change)


def nothing(there):
    return lambda: None


def runbook(there, old, new):
    there.write("runbook.md", RUNBOOK.replace(old, new))
    return lambda: there.write("runbook.md", RUNBOOK)


def away(there, name):
    person(there, name, channel="launch-bridge", member=False)
    return lambda: person(there, name, channel="launch-bridge", member=True)


def inactive(there, name):
    person(there, name, active=False)
    return lambda: person(there, name, active=True)


def token(there, text):
    there.write("token", text + "\n", 0o600)
    return lambda: there.write("token", "tokenofthebot0000000000000\n", 0o600)


def archived(there):
    there.ask("POST", "/sandbox/channels/launch-bridge", {"archived": True})
    return lambda: there.ask("POST", "/sandbox/channels/launch-bridge",
                             {"archived": False})


# What is done, the exit status, and what a line must say.
CASES = [
    ("all is well", nothing, 0, "0 errors"),
    ("a primary left the channel", lambda t: away(t, "rep"), 1,
     "rep, primary of Storage, is not in the channel: invite them [person]"),
    ("a primary is deactivated", lambda t: inactive(t, "rep"), 1,
     "rep, primary of Storage, is deactivated: name somebody else [person]"),
    ("a name that has no account",
     lambda t: config(t, "primary = rep", "primary = ghost"), 1,
     "ghost, primary of Storage, has no account on the server"),
    ("a bot for a primary",
     lambda t: config(t, "primary = rep", "primary = bridgekeeper"), 1,
     "is a bot, and bots do not approve [person]"),
    ("a backup that is away",
     lambda t: config(t, "primary = rep", "primary = rep\nbackup = ghost"), 0,
     "warning: ghost, backup of Storage, has no account"),
    ("a tool that is not installed",
     lambda t: runbook(t, "rm -f ledger", "no-such-tool --now"), 1,
     "step 2.1 runs `no-such-tool`, which is not on local"),
    ("a token that is refused",
     lambda t: token(t, "tokenofnobody0000000000000"), 1, "[server]"),
    ("a channel that is not there",
     lambda t: config(t, "channel = launch-bridge", "channel = elsewhere"), 1,
     "[server]"),
    ("a channel that is archived", archived, 1,
     "does not see channel launch-bridge"),
    ("a bot that is not in the channel",
     lambda t: away(t, "bridgekeeper"), 1, "[server]"),
    ("a state folder that cannot be made",
     lambda t: config(t, "state_dir = state", "state_dir = /proc/no/state"),
     1, "[state-folder]"),
    ("a server that is not there",
     lambda t: config(t, t.url, "http://127.0.0.1:9"), 3,
     "http://127.0.0.1:9 cannot be reached"),
]


def main():
    sandbox, program = sys.argv[1:3]
    failed = 0
    print(f"1..{len(CASES)}")
    with stage.Stage(sandbox, program, RUNBOOK) as there:
        for number, (name, provoke, status, line) in enumerate(CASES, 1):
            undo = provoke(there)
            code, output = check(there)
            undo()
            good = code == status and line in output
            failed += not good
            print(f"{'' if good else 'not '}ok {number} - {name}", flush=True)
            if not good:
                print(f"# {code}, wanted {status} and: {line}")
                for text in output.splitlines():
                    print("#   " + text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
