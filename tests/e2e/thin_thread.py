#!/usr/bin/env python3
"""The thinnest thread that is real from end to end: a small runbook, one gate,
one command, statuses, over a real websocket, journalled, with the bot killed
in the middle of the command.

Usage: thin_thread.py SANDBOX BRIDGEKEEPER
"""
import pathlib
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

   ```sh timeout=30s
   echo begun >> ledger
   sleep 2
   echo ended >> ledger
   echo hello, bridge
   ```

## 2 Back {.rollback}

1. Take it back

   ```sh
   rm -f ledger
   ```
"""


def ledger(there):
    path = there.folder / "ledger"
    return path.read_text().split() if path.exists() else []


def play(there):
    there.start()
    there.say("lead", "!cutover start")
    gate = there.wait("/gate/")
    there.until("both emojis on the gate", lambda: len(
        there.post("/gate/")["reactions"]) >= 2)
    there.tap("lead", gate["id"])
    there.tap("rep", gate["id"])
    there.until("the command to begin", lambda: ledger(there) == ["begun"])
    there.kill()
    there.start()
    there.wait("/succeeded/")
    there.stop()


def check(there):
    keys = [stage.key(post) for post in there.posts()]
    assert len(keys) == len(set(keys)), f"said twice: {sorted(keys)}"
    assert any("/status/" in key for key in keys), f"no status: {keys}"
    assert there.post("/card")["is_pinned"], "the card is not pinned"
    assert ledger(there) == ["begun", "ended"], ledger(there)
    types = [row["type"] for row in there.journal()]
    assert types.count("attempt.started") == 1, types
    assert types.count("attempt.ended") == 1, types
    assert types.count("bot.started") == 2, types
    assert "run.succeeded" in types, types
    there.audit("verify")


def thread():
    with stage.Stage(sys.argv[1], sys.argv[2], RUNBOOK, "1s") as there:
        try:
            play(there)
            check(there)
        except Exception:
            there.print()
            raise


stage.run([("a killed bot goes on where it was", thread)])
