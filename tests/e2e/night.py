"""A short night that people play by looking at the channel: a gate, a manual
step, a command that publishes, one that fails and is retried, a rollback."""
import collections
import re
import sqlite3
import subprocess
import threading
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

EVENT = re.compile(r" info [a-z0-9_]+\.[a-z0-9_]+ run=\d+ gate=\d+ ")


class Night(stage.Stage):
    """One night; the bot dies right after its event number @kill_at."""

    def __init__(self, sandbox, program, kill_at=0):
        self.kill_at, self.events, self.lives = kill_at, 0, 0
        self.is_online = threading.Event()
        self.reader = None
        super().__init__(sandbox, program, RUNBOOK)

    def live(self):
        self.lives += 1
        self.is_online.clear()
        self.bot = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self.read, args=(self.bot,))
        self.reader.start()

    def read(self, bot):
        """Follow what it logs, and kill it when its event has come."""
        for line in bot.stderr:
            self.log.write(line)
            if EVENT.search(line):
                self.events += 1
                if self.events == self.kill_at:
                    bot.kill()
            elif " server.online " in line:
                self.is_online.set()
        bot.stderr.close()
        self.log.flush()

    def is_dead(self):
        return self.bot.poll() is not None

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
        self.live()
        assert self.is_online.wait(20), "the bot did not come online"
        acts, end, died = list(NIGHT), time.monotonic() + 60, None
        while acts:
            assert time.monotonic() < end, f"waits for {acts[0][0]}"
            if self.act(*acts[0]):
                acts.pop(0)
            if self.is_dead():
                died = died or time.monotonic()
                # Every other time somebody acts before the next one comes.
                if self.kill_at % 2 == 0 or time.monotonic() > died + 0.4:
                    self.reader.join()
                    self.live()
                    died = None
            time.sleep(0.01)
        self.see_out()

    def see_out(self):
        """Let it say what it still has to say."""
        if self.is_dead():
            self.reader.join()
            self.live()
            assert self.is_online.wait(20), "the last bot did not come online"
        card = lambda: "closed" in self.post("/card")["message"]
        self.until("the last word on the card", card)
        self.until("the card to be unpinned",
                   lambda: not self.post("/card")["is_pinned"])
        self.until("the outbox to be empty", lambda: self.unsaid() == 0)
        self.stop()
        self.reader.join()

    def unsaid(self):
        journal = self.folder / "state" / "journal.db"
        base = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        try:
            return base.execute("SELECT count(*) FROM outbox"
                                " WHERE state = 'pending'").fetchone()[0]
        finally:
            base.close()

    def traces(self):
        """What the night left behind, without what depends on how often the
        bot began and on the time."""
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
    """Traces of a night in which nothing goes wrong, and its events."""
    with Night(sandbox, program) as there:
        there.play()
        traces, events = there.traces(), there.events
    assert traces["ledger"] == LEDGER, traces["ledger"]
    return traces, events
