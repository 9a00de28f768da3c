#!/usr/bin/env python3
"""What `bridgekeeper run` refuses to begin with, and the words that it finds
for it; and what it does when files change under it.

Usage: refusals.py SANDBOX BRIDGEKEEPER
"""
import pathlib
import resource
import signal
import sqlite3
import sys
import time

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
   echo hello
   ```

## 2 Back {.rollback}

1. Take it back

   ```sh
   echo back
   ```
"""


def a_stage():
    return stage.Stage(sys.argv[1], sys.argv[2], RUNBOOK)


def refused(there, words, status=1):
    code, text = there.refusal()
    assert code == status, f"exit {code}: {text}"
    for word in words:
        assert word in text, f"no {word!r} in {text!r}"


def change(there, name, old, new):
    path = there.folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def no_config():
    with a_stage() as there:
        (there.folder / "config.ini").unlink()
        refused(there, ["config.ini", "No such file"])


def config_with_errors():
    with a_stage() as there:
        change(there, "config.ini", "status_every =", "status_evry =")
        refused(there, ["config.ini:10", "status_evry", "status_every",
                        "bridgekeeper check"])


def runbook_with_errors():
    with a_stage() as there:
        change(there, "runbook.md", 'gate="T0"', 'gate="T1"')
        refused(there, ["runbook.md:12", "T1", "gate-unknown"])


def role_without_people():
    with a_stage() as there:
        change(there, "config.ini", "[role Storage]\nprimary = rep\n", "")
        refused(there, ["runbook.md", "Storage"])


def no_runbook():
    with a_stage() as there:
        (there.folder / "runbook.md").unlink()
        refused(there, ["runbook.md", "No such file"])


def no_token():
    with a_stage() as there:
        (there.folder / "token").unlink()
        refused(there, ["token", "No such file"])


def token_for_everybody():
    with a_stage() as there:
        (there.folder / "token").chmod(0o644)
        refused(there, ["token", "chmod"])


def second_bot():
    with a_stage() as there:
        there.start()
        refused(there, ["state", str(there.bot.pid)])
        there.stop()


def run_clock_far_away():
    with a_stage() as there:
        change(there, "config.ini", there.url, "https://chat.example.org")
        with open(there.folder / "config.ini", "a", encoding="utf-8") as file:
            file.write("\n[sandbox]\nclock = clock\n")
        refused(there, ["clock", "loopback"])


def run_clock_missing():
    with a_stage() as there:
        with open(there.folder / "config.ini", "a", encoding="utf-8") as file:
            file.write("\n[sandbox]\nclock = clock\n")
        refused(there, ["clock"])


def damaged_journal():
    with a_stage() as there:
        there.start()
        there.say("lead", "!note what was said")
        there.until("the note", lambda: any(
            row["type"] == "note.taken" for row in there.journal()))
        there.stop()
        base = sqlite3.connect(there.folder / "state" / "journal.db")
        for (name,) in base.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            base.execute(f"DROP TRIGGER {name}")
        table = base.execute(
            "SELECT tbl_name FROM sqlite_master WHERE sql LIKE '%body%'"
            " AND type = 'table'").fetchone()[0]
        base.execute(f"UPDATE {table} SET body = replace(body, 'was said',"
                     " 'was not said') WHERE type = 'note.taken'")
        base.commit()
        base.close()
        code, text = there.refusal()
        assert code != 0 and "row" in text, f"exit {code}: {text}"


def surplus_words():
    with a_stage() as there:
        there.command = lambda: [there.program, "run", "now"]
        refused(there, ["usage"], 2)


def changed_runbook_voids_the_gate():
    with a_stage() as there:
        there.start()
        there.say("lead", "!cutover start")
        there.wait("/gate/")
        change(there, "runbook.md", "echo hello", "echo farewell")
        there.wait("/gate/", "void")
        types = [row["type"] for row in there.journal()]
        assert types.count("source.changed") == 1, types
        assert "attempt.started" not in types, types
        there.stop()


def broken_runbook_is_said_once():
    with a_stage() as there:
        there.start()
        change(there, "runbook.md", 'gate="T0"', 'gate="T1"')

        def types():
            return [row["type"] for row in there.journal()]
        there.until("the word", lambda: "source.broken" in types())
        there.bot.send_signal(signal.SIGHUP)
        there.bot.send_signal(signal.SIGHUP)
        there.say("lead", "!cutover start")
        there.until("an answer", lambda: "command.refused" in types())
        assert types().count("source.broken") == 1, types()
        change(there, "runbook.md", 'gate="T1"', 'gate="T0"')
        there.until("good again", lambda: "source.changed" in types())
        there.say("lead", "!cutover start")
        there.wait("/gate/")
        there.stop()


def what_was_mended_while_the_bot_was_away_is_in_force():
    with a_stage() as there:
        there.start()
        change(there, "runbook.md", 'gate="T0"', 'gate="T1"')

        def types():
            return [row["type"] for row in there.journal()]
        there.until("the word", lambda: "source.broken" in types())
        there.stop()
        change(there, "runbook.md", 'gate="T1"', 'gate="T0"')
        there.start()
        there.until("good again", lambda: "source.changed" in types())
        there.say("lead", "!cutover start")
        gate = there.wait("/gate/")
        there.tap("lead", gate["id"])
        there.tap("rep", gate["id"])
        there.wait("/begins/")
        there.stop()


def broken_template_is_said_and_stops_nothing():
    with a_stage() as there:
        own = there.folder / "own"
        own.mkdir()
        change(there, "config.ini", "status_every =",
               "templates = own\nstatus_every =")
        (own / "begins.mustache").write_text("Off we go with {{run}}")
        there.start()
        (own / "begins.mustache").write_text("{{#never closed")

        def types():
            return [row["type"] for row in there.journal()]
        there.wait("bot/texts/", "begins.mustache")
        there.say("lead", "!cutover start")
        gate = there.wait("/gate/")
        there.tap("lead", gate["id"])
        there.tap("rep", gate["id"])
        there.wait("/begins/", "Off we go with")
        there.wait("/succeeded/")
        there.kill()
        there.start()
        there.say("lead", "!note it has looked at its texts")
        there.until("the note", lambda: "note.taken" in types())
        assert types().count("texts.broken") == 1, types()
        assert "source.broken" not in types(), types()
        (own / "begins.mustache").write_text("Off at last with {{run}}")
        there.until("good again",
                    lambda: types().count("source.changed") == 2)
        there.say("lead", "!cutover close")
        there.wait("/closed/")
        there.stop()
        (own / "begins.mustache").write_text("{{nobody}}")
        refused(there, ["begins", "nobody"])


def broken_template_keeps_no_run_from_its_bot():
    with a_stage() as there:
        own = there.folder / "own"
        own.mkdir()
        (own / "rolling_back.mustache").write_text("Off we go back")
        change(there, "config.ini", "status_every =",
               "templates = own\nstatus_every =")
        change(there, "runbook.md", "echo hello", "exit 1")
        there.start()
        there.say("lead", "!cutover start")
        gate = there.wait("/gate/")
        there.tap("lead", gate["id"])
        there.tap("rep", gate["id"])
        there.wait("/failed/")
        there.kill()
        (own / "rolled_back.mustache").write_text("{{#never closed")
        there.start()
        there.wait("bot/texts/", "rolled_back.mustache")
        there.say("lead", "!rollback")
        there.wait("/rolling/", "Off we go back")
        there.wait("/rolled-back/", "rolled back")
        there.say("lead", "!cutover close")
        there.wait("/closed/")
        there.stop()
        refused(there, ["rolled_back"])


def broken_runbook_keeps_no_run_from_its_bot():
    """What runs is the journal's text: a bot that dies while somebody saves
    half a runbook must come back, above all to take the run back."""
    with a_stage() as there:
        change(there, "runbook.md", "echo hello", "exit 1")
        there.start()
        there.say("lead", "!cutover start")
        gate = there.wait("/gate/")
        there.tap("lead", gate["id"])
        there.tap("rep", gate["id"])
        there.wait("/failed/")
        there.kill()
        change(there, "runbook.md", "gate=\"T0\"", "gate=\"T")
        there.start()
        there.until("the word", lambda: any(
            row["type"] == "source.broken" for row in there.journal()))
        there.say("lead", "!rollback")
        there.wait("/rolled-back/")
        there.say("lead", "!cutover close")
        there.wait("/closed/")
        there.stop()
        refused(there, ["runbook.md"])


def full_disk_is_told_past_the_journal():
    with a_stage() as there:
        there.start()
        there.say("lead", "!note before")

        def notes():
            return [row for row in there.journal()
                    if row["type"] == "note.taken"]
        there.until("the note", lambda: len(notes()) == 1)
        # No file may grow beyond this: that is how a full disk looks.
        soft, hard = resource.prlimit(there.bot.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(there.bot.pid, resource.RLIMIT_FSIZE, (1, hard))
        there.say("lead", "!note while it was full")
        there.wait("bot/journal/", "cannot write my journal", 40)
        assert len(notes()) == 1
        resource.prlimit(there.bot.pid, resource.RLIMIT_FSIZE, (soft, hard))
        there.until("the note", lambda: len(notes()) == 2, 60)
        there.wait("bot/journal/", "can write my journal again", 40)
        told = [post for post in there.posts()
                if "cannot write my journal" in post["message"]]
        assert len(told) == 1, told
        there.stop()


class FastStage(stage.Stage):
    """On whose server two minutes pass in a second."""

    def start_sandbox(self, *words):
        super().start_sandbox("--clock", str(self.folder / "clock"),
                              "--pace", "120", *words)

    def wait_for_minutes(self, minutes):
        def now():
            return self.ask("GET", "/sandbox/info")["now_ms"]
        end = now() + minutes * 60000
        for _ in range(400):
            if now() >= end:
                return
            time.sleep(0.05)
        raise AssertionError("time stands still")


def words_before_the_first_mark_are_heard():
    """A bot that dies young has noted when it first saw the channel, and not
    yet how far it has read."""
    with FastStage(sys.argv[1], sys.argv[2], RUNBOOK) as there:
        there.say("lead", "!note before any bot")
        there.wait_for_minutes(3)
        there.start()
        there.until("the first start", lambda: base(
            there, "SELECT 1 FROM value WHERE name = 'first_start_ms'"))
        there.kill()
        base(there, "DELETE FROM value WHERE name = 'mark'")
        there.say("lead", "!note while no bot ran")
        there.wait_for_minutes(3)
        there.say("lead", "is it there?")
        there.start()

        def notes():
            return [row["body"]["text"] for row in there.journal()
                    if row["type"] == "note.taken"]
        there.until("the note", notes)
        assert notes() == ["while no bot ran"], notes()
        there.stop()


def base(there, statement):
    connection = sqlite3.connect(there.folder / "state" / "journal.db")
    rows = connection.execute(statement).fetchall()
    connection.commit()
    connection.close()
    return rows


def renamed_person_keeps_the_role():
    with a_stage() as there:
        there.start()
        there.stop()
        there.ask("POST", "/sandbox/users/rep", {"username": "rep.married"})
        there.ask("POST", "/sandbox/users/other", {"username": "rep"})
        there.start()
        there.say("lead", "!cutover start")
        gate = there.wait("/gate/")
        there.tap("lead", gate["id"])
        there.tap("other", gate["id"])
        there.until("the stranger to be told", lambda: any(
            row["type"] == "gate.tap_refused" for row in there.journal()))
        there.tap("rep", gate["id"])
        there.wait("/succeeded/")
        there.stop()


stage.run([
    ("no config is refused", no_config),
    ("a config with errors is refused", config_with_errors),
    ("a runbook with errors is refused", runbook_with_errors),
    ("a role that nobody holds is refused", role_without_people),
    ("no runbook is refused", no_runbook),
    ("no token is refused", no_token),
    ("a token that others may read is refused", token_for_everybody),
    ("a second bot on one state folder is refused", second_bot),
    ("a run clock with a server elsewhere is refused", run_clock_far_away),
    ("a run clock that is not there is refused", run_clock_missing),
    ("a journal that somebody changed is refused", damaged_journal),
    ("surplus words are refused", surplus_words),
    ("a changed runbook voids the open gate",
     changed_runbook_voids_the_gate),
    ("a broken runbook is said once and passes nothing",
     broken_runbook_is_said_once),
    ("what was mended while the bot was away is in force",
     what_was_mended_while_the_bot_was_away_is_in_force),
    ("a broken template is said once, and stops nothing",
     broken_template_is_said_and_stops_nothing),
    ("a broken template keeps no open run from its bot",
     broken_template_keeps_no_run_from_its_bot),
    ("a broken runbook keeps no open run from its bot",
     broken_runbook_keeps_no_run_from_its_bot),
    ("a full disk is told of past the journal, once",
     full_disk_is_told_past_the_journal),
    ("words said before anything was marked are heard, older ones are not",
     words_before_the_first_mark_are_heard),
    ("a renamed person keeps the role, a namesake does not get it",
     renamed_person_keeps_the_role),
])
