#!/usr/bin/env python3
"""Backs up a live journal and puts it back, with the very lines that
docs/operations.md gives.

Usage: backup.py SANDBOX BRIDGEKEEPER
"""
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import stage  # noqa: E402

OPERATIONS = HERE.parents[1] / "docs/operations.md"
RUNBOOK = """# Hello

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | c |

| Step | Required approvers | Record location |
|---|---|---|
| T0 | Lead + Storage | channel |

## 1 Go {.production gate="T0"}

1. The first

   ```sh
   echo first >> {LEDGER}
   ```
2. Look
3. The second

   ```sh
   echo second >> {LEDGER}
   ```
4. Look again
5. The third

   ```sh
   echo third >> {LEDGER}
   ```

## 2 Back {.rollback}

1. Take it back

   ```sh
   echo back >> {LEDGER}
   ```
"""


class Site(stage.Stage):
    def __init__(self):
        super().__init__(sys.argv[1], sys.argv[2], "# none\n", "1s")
        self.write("runbook.md", RUNBOOK.replace(
            "{LEDGER}", str(self.folder / "ledger")))

    def ledger(self):
        path = self.folder / "ledger"
        return path.read_text().split() if path.exists() else []

    def follow(self, heading):
        """Do what the document says under @heading, with this night's folders
        and without systemd, which has no part in it here."""
        text = OPERATIONS.read_text(encoding="utf-8")
        block = text.split(f"\n## {heading}\n", 1)[1].split("```sh\n", 1)[1]
        lines = [line for line in block.split("```", 1)[0].splitlines()
                 if not re.match("systemctl|chown", line)]
        assert len(lines) >= 3, lines
        script = "\n".join(lines)
        for old, new in (("/var/lib/bridgekeeper", self.folder / "state"),
                         ("/backup", self.folder / "backup"),
                         ("bridgekeeper audit", f"{self.program} audit"),
                         ("HEX", self.head())):
            script = script.replace(old, str(new))
        done = subprocess.run(["sh", "-euc", script], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, script + "\n" + done.stdout
        return done.stdout

    def head(self):
        """The digits at the end of the newest status post."""
        return re.findall("`([0-9a-f]{8})`", self.post("/status/")["message"])[-1]

    def ready(self, part):
        """A post that takes taps."""
        post = self.wait(part)
        self.until(f"taps on {part}", lambda: len(
            self.post(part)["reactions"]) >= 2)
        return post["id"]

    def play_to_the_first_look(self):
        self.start()
        self.play_on_to_the_first_look()

    def play_on_to_the_first_look(self, gate="/gate/1"):
        self.say("lead", "!cutover start")
        gate = self.ready(gate)
        self.tap("lead", gate)
        self.tap("rep", gate)
        self.ready("step/1.2/asked")
        self.wait("/status/")

    def go_on_after_the_backup(self):
        self.tap("lead", self.ready("step/1.2/asked"))
        self.ready("step/1.4/asked")
        assert self.ledger() == ["first", "second"], self.ledger()


    def second_look(self):
        """The post on which taps count, by the journal: one of before the
        restore may stand in the channel, too."""
        for row in self.journal():
            body = row["body"]
            body = json.loads(body) if isinstance(body, str) else body
            if row["type"] == "step.posted" and body["step"] == 3:
                return body["post"]
        return None


def copy_is_whole(there):
    there.play_to_the_first_look()
    there.follow("Back up")
    backup = there.folder / "backup"
    assert (backup / "attempts").is_dir() and not (backup / "lock").exists()
    assert backup.stat().st_mode & 0o77 == 0, "others can read it"
    assert (backup / "journal.db").stat().st_mode & 0o77 == 0
    there.go_on_after_the_backup()  # the bot does not mind
    there.audit("verify")


def nothing_happened_since(there):
    there.play_to_the_first_look()
    there.follow("Back up")
    there.kill()
    said = there.follow("Restore")
    assert "all follow" in said, said
    shutil.rmtree(there.folder / "state.before")
    there.start()
    there.go_on_after_the_backup()
    there.tap("lead", there.ready("step/1.4/asked"))
    there.wait("/succeeded/")
    assert there.ledger() == ["first", "second", "third"], there.ledger()
    assert not there.post("/held/")
    types = [row["type"] for row in there.journal()]
    assert types.count("attempt.started") == 3, types
    there.audit("verify")


def steps_ran_since(there, resumes=True):
    there.play_to_the_first_look()
    there.follow("Back up")
    there.go_on_after_the_backup()
    there.kill()
    if not resumes:
        there.ask("POST", "/sandbox/faults", {
            "on": "upgrade", "do": "refuse_resume", "times": 1})
    shutil.rmtree(there.folder / "state")
    shutil.copytree(there.folder / "backup", there.folder / "state")
    there.start()
    held = there.wait("/held/")
    assert "older copy" in held["message"] and "@lead" in held["message"], held
    # What was tapped meanwhile is read again, and starts nothing.
    there.until("the tap on 1.2 to be read again", lambda: [
        row["type"] for row in there.journal()].count("step.ended") == 2)
    there.say("lead", "!status")
    there.wait("answer/", "held")
    assert there.ledger() == ["first", "second"], there.ledger()
    there.say("lead", "!cutover abort the journal was put back")
    there.wait("/aborted/")
    there.audit("verify")


def resumed_after_a_look(there):
    steps_ran = there.folder / "backup"
    there.play_to_the_first_look()
    there.follow("Back up")
    there.go_on_after_the_backup()
    there.kill()
    shutil.rmtree(there.folder / "state")
    shutil.copytree(steps_ran, there.folder / "state")
    there.start()
    there.wait("/held/")
    there.say("lead", "!cutover resume")
    there.until("the second to run again", lambda: there.ledger() == [
        "first", "second", "second"])
    # It is asked once: a bot that is started again does not hold again.
    there.stop()
    there.start()
    there.tap("lead", there.until(
        "the second look to be asked anew", there.second_look))
    there.wait("/succeeded/")
    assert len([p for p in there.posts() if "/held/" in stage.key(p)]) == 1


def put_back_only(there, name):
    """@name of the state folder, as it was when it was backed up."""
    for path in (there.folder / "state").glob(name + "*"):
        path.unlink()
    shutil.copy(there.folder / "backup" / name, there.folder / "state" / name)


def begin_and_give_up(there, run):
    """The words that began it."""
    said = there.say("lead", "!cutover start")
    there.wait(f"LB-{run}/gate/")
    there.say("lead", "!cutover abort not yet")
    there.wait(f"LB-{run}/aborted/")
    there.say("lead", "!cutover close")
    there.wait(f"LB-{run}/closed/")
    return said["id"]


def back_up_only_the_journal(there):
    (there.folder / "backup").mkdir()
    with sqlite3.connect(there.folder / "state/journal.db") as journal, \
            sqlite3.connect(there.folder / "backup/journal.db") as backup:
        journal.backup(backup)


def nothing_is_open_to_be_held(there):
    there.start()
    begin_and_give_up(there, 1)
    back_up_only_the_journal(there)
    said = begin_and_give_up(there, 2)
    there.ask("DELETE", f"/api/v4/posts/{said}",
              token=there.people["lead"]["token"])
    there.kill()
    put_back_only(there, "journal.db")
    there.start()
    there.wait("bot/behind/", "My journal is an older copy")
    there.say("lead", "!cutover plan")
    there.wait("plan/")
    there.stop()
    there.start()
    there.say("lead", "!status")
    there.wait("answer/")
    told = [p for p in there.posts() if "bot/behind/" in stage.key(p)]
    assert len(told) == 1, told
    assert not there.post("/held/")


def a_gate_of_a_lost_journal(there):
    there.start()
    begin_and_give_up(there, 1)
    back_up_only_the_journal(there)
    there.play_on_to_the_first_look("/gate/2")
    before = there.post("/gate/2")["id"]
    there.kill()
    put_back_only(there, "journal.db")
    # The bot hears of the start once more, says its card, and cannot know
    # whether the gate's post was made.
    for fault in ({"do": "delay", "ms": 1}, {"do": "500"}):
        there.ask("POST", "/sandbox/faults", {
            "on": "request", "method": "POST", "path": "/posts$", **fault})
    there.start()
    gate = there.until("the gate to be asked for anew", lambda: [
        row for row in there.journal()
        if row["type"] == "gate.posted" and '"gate":2' in
        json.dumps(row["body"]).replace(" ", "").replace("\\", "")])
    types = [row["type"] for row in there.journal()]
    assert before not in str(gate[0]["body"]), "approved in another night"
    assert "gate.passed" not in types, types
    assert "outbox.again key=LB-2/gate/2" in (
        there.folder / "bot.log").read_text(), "nothing was in doubt"
    there.tap("lead", there.ready("/gate/2"))
    there.tap("rep", there.ready("/gate/2"))
    there.wait("/held/")
    there.say("lead", "!cutover resume")
    # That it did the first step before is not known, nor that it did not.
    there.wait("step/1.1/", "my journal does not know")
    assert there.ledger() == ["first"], there.ledger()


def a_journal_that_was_taken_away(there):
    there.play_to_the_first_look()
    there.kill()
    for path in (there.folder / "state").glob("journal.db*"):
        path.unlink()
    code, text = there.refusal()
    assert code == 1 and "attempts/LB-1-1.1-b1-local-1" in text, text
    assert there.ledger() == ["first"], there.ledger()


def an_empty_folder(there):
    there.play_to_the_first_look()
    there.go_on_after_the_backup()
    there.kill()
    shutil.rmtree(there.folder / "state")
    config = there.folder / "config.ini"
    config.write_text(config.read_text().replace(
        "state_dir = state\n", "state_dir = state\nprefix = NEW\n"))
    there.start()
    there.say("lead", "!cutover start")
    gate = there.ready("NEW-1/gate/1")
    there.tap("lead", gate)
    there.tap("rep", gate)
    there.ready("NEW-1/step/1.2/asked")
    assert not there.post("/held/")
    assert there.ledger() == ["first", "second", "first"], there.ledger()


CASES = [
    ("a copy made while the bot runs is whole", copy_is_whole),
    ("a journal that was put back goes on where it was",
     nothing_happened_since),
    ("what ran since the backup holds the run and does not run again",
     steps_ran_since),
    ("the same where the connection cannot be resumed",
     lambda there: steps_ran_since(there, resumes=False)),
    ("the lead can resume after a look, and is asked once",
     resumed_after_a_look),
    ("a channel that knows more is said where no run is open",
     nothing_is_open_to_be_held),
    ("what was approved and done for a lost journal is neither",
     a_gate_of_a_lost_journal),
    ("a journal that was taken away is not begun anew",
     a_journal_that_was_taken_away),
    ("an empty state folder begins anew in the old channel", an_empty_folder),
]


def case(play):
    with Site() as there:
        try:
            play(there)
        except Exception:
            there.print()
            raise


stage.run([(name, lambda play=play: case(play)) for name, play in CASES])
