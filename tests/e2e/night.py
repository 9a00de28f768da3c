"""A short night that people play by looking at the channel: a gate, a manual
step, a command that publishes, one that fails and is retried, a rollback."""
import collections
import re
import sqlite3
import time

import stage

RUNBOOK = """# A short night

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | c |

| Step | Required approvers | Record location |
|---|---|---|
| T0 | Lead + Storage | channel |
| Back | Lead + Storage | channel |

## 1 Go {.production gate="T0"}

1. Keep what is there

   ```sh sets="KEPT"
   echo keep >> ledger
   echo "KEPT=before" >> "$BRIDGE_OUTPUT"
   ```

2. Look at the board {owner="Storage"}

3. Deploy

   ```sh
   echo deploy >> ledger
   if mkdir tried; then exit 1; fi
   ```

## 2 Back {.rollback gate="Back"}

1. Put it back

   ```sh
   echo "back to $KEPT" >> ledger
   ```
"""

LEDGER = ["keep", "deploy", "deploy", "back to before"]

# When a post of the bot has such a key, somebody does this: taps ✅ on it, or
# says something.
NIGHT = [
    ("", "lead", "!cutover start"),
    ("/gate/1$", "rep", None),
    ("/gate/1$", "lead", None),
    ("/step/1.2/asked/1$", "rep", None),
    ("/step/1.3/failed/", "lead", "!retry 1.3"),
    ("/succeeded/", "lead", "!rollback it smells"),
    ("/gate/2$", "rep", None),
    ("/rolled-back/", "lead", "!cutover close"),
    ("/closed/", None, None),
]


class Night(stage.Stage):
    """One night; what goes wrong in it the caller sees to."""

    def __init__(self, sandbox, program):
        super().__init__(sandbox, program, RUNBOOK)

    def act(self, sign, who, words):
        """Do it if its sign is there."""
        found = [p for p in self.posts() if re.search(sign, stage.key(p))]
        if sign and not found:
            return False
        if words:
            self.say(who, words)
        elif who:
            self.tap(who, found[-1]["id"])
        return True

    def play(self):
        self.start()
        acts, end = list(NIGHT), time.monotonic() + 90
        while acts:
            assert time.monotonic() < end, f"waits for {acts[0][0]}"
            assert self.bot.poll() is None, "the bot ended"
            if self.act(*acts[0]):
                acts.pop(0)
            time.sleep(0.01)
        self.see_out()

    def see_out(self):
        """Let it say what it still has to say."""
        self.until("the last word on the card",
                   lambda: "closed" in self.post("/card")["message"])
        self.until("the outbox to be empty", lambda: self.unsaid() == 0)
        self.stop()

    def unsaid(self):
        journal = self.folder / "state" / "journal.db"
        base = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        try:
            return base.execute("SELECT count(*) FROM outbox"
                                " WHERE state = 'pending'").fetchone()[0]
        finally:
            base.close()

    def traces(self):
        """What the night left behind, without what depends on the time."""
        rows = self.journal()
        self.audit("verify")
        posts = self.posts()
        keys = [stage.key(post) for post in posts]
        assert len(keys) == len(set(keys)), f"said twice: {sorted(keys)}"
        names = {p["id"]: name for name, p in self.people.items()}
        body = lambda row: row.get("body") or row
        return {
            "ledger": (self.folder / "ledger").read_text().splitlines(),
            "posts": collections.Counter(
                re.sub(r"/\d+$", "/N", key) for key in keys),
            "pins": [stage.key(p) for p in posts if p["is_pinned"]],
            "taps": sorted(
                (re.sub(r"/\d+$", "/N", stage.key(p)),
                 len([r for r in p["reactions"]])) for p in posts),
            "approvals": sorted(
                names[body(row)["user"]] + str(body(row)["gate"])
                for row in rows
                if row["type"] in ("gate.approved", "gate.asked")),
            "events": collections.Counter(
                row["type"] for row in rows
                if row["type"] != "bot.started"
                and not row["type"].endswith(".posted")),
        }


def difference(wanted, got):
    return [f"{name}: wanted {wanted[name]}, got {got[name]}"
            for name in wanted if wanted[name] != got[name]]


def quiet(sandbox, program):
    """Traces of a night in which nothing goes wrong."""
    with Night(sandbox, program) as there:
        there.play()
        traces = there.traces()
    assert traces["ledger"] == LEDGER, traces["ledger"]
    return traces
