"""A stage: one channel with its people, and a bridge that runs there."""
import json
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from chat import Refused
from tap import claim, until

YES = "white_check_mark"
NO = "x"
ROLES = (("Cutover lead", "lead", None), ("DevOps lead", "devops", "deputy"),
         ("CTO", "cto", None), ("Storage", "storage", None))
PASSWORD = "hunter2hunter2"
HEAD = re.compile(r"`([0-9a-f]{8})`")


class Stage:
    def __init__(self, found, program, folder, url):
        self.name = found.name
        self.channel_id = found.channel_id
        self.bot = found.bot
        self.bot_token = found.bot_token
        self.hook = found.hook
        self.team = found.team
        self.program = str(program)
        self.folder = folder / found.name
        self.folder.mkdir()
        self.url = url
        self.process = None
        self.kills = 0
        self.people = found.people
        for who, person in found.people.items():
            setattr(self, who, person)
        self.ledger = self.folder / "ledger"
        self.door = self.folder / "door"
        self.mended = self.folder / "mended"
        self.log = self.folder / "bot.log"
        self.further = found.further
        self.missing = found.missing
        self.old = found.old
        self.steps = []  # numbers, in the order in which the journal counts

    # the bridge's files

    def write(self, runbook, roles=ROLES, more=(), **bridge):
        """The runbook and a config for it: who holds the @roles, @more
        lines, and keys of the @bridge."""
        (self.folder / "night.md").write_text(runbook)
        (self.folder / "payload").write_text("one\n")
        self.write_private("token", self.bot_token + "\n")
        self.write_private("secrets", f"PASSWORD={PASSWORD}\n")
        keys = {"channel": self.name, "runbook": "night.md",
                "state_dir": "state", "prefix": "NT", "status_every": "5s",
                "step_timeout": "60s", **bridge}
        lines = ["[mattermost]", f"url = {self.url}", f"team = {self.team}",
                 "token_file = token", "[bridge]"]
        lines += [f"{key} = {value}" for key, value in keys.items()]
        for role, primary, backup in roles:
            lines += [f"[role {role}]",
                      f"primary = {self.people[primary].name}"]
            if backup:
                lines.append(f"backup = {self.people[backup].name}")
        lines += ["[target local]", "workdir = .", "files = payload",
                  "[env night]", "secrets_file = secrets",
                  f"LEDGER = {self.ledger}", f"DOOR = {self.door}",
                  f"MENDED = {self.mended}", f"CHAT = {self.url}", *more]
        (self.folder / "config.ini").write_text("\n".join(lines) + "\n")
        status, out = self.ask("plan", "night.md", "--json")
        claim(status == 0, f"the runbook is good: {out}")
        self.steps = [step["number"] for phase in json.loads(out)["phases"]
                      for step in phase["steps"]]

    def write_private(self, name, text):
        path = self.folder / name
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)

    # the bot

    def start(self, wait=True):
        with open(self.log, "a") as log:
            since = log.tell()
            self.process = subprocess.Popen(
                [self.program, "run", "--config", "config.ini"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True, env=environment())
        if wait:
            until(lambda: self.online(since), "the bot is online", 20)

    def online(self, since):
        claim(self.process.poll() is None,
              f"the bot lives (status {self.process.returncode})")
        return "online" in self.said_in_log(since)

    def said_in_log(self, since=0):
        with open(self.log) as log:
            log.seek(since)
            return log.read()

    def kill(self):
        """As a power cut would: nothing gets to say goodbye."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1

    def stop(self):
        """End it in good order; its exit status."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def ask(self, *words):
        """A subcommand: (exit status, what it printed)."""
        done = subprocess.run(
            [self.program, *words, "--config", "config.ini"], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False,
            env=environment())
        return done.returncode, done.stdout or done.stderr

    # the journal

    def journal(self):
        status, out = self.ask("audit", "export", "--json")
        claim(status == 0, f"audit export: {status} {out[-300:]}")
        return [json.loads(line) for line in out.splitlines()]

    def events(self, kind, **fields):
        """The bodies of all events of a @kind whose @fields are so.  `step`
        is a step's number, a person stands for their id."""
        wanted = {name: getattr(value, "id", value)
                  for name, value in fields.items()}
        if "step" in wanted:
            wanted["step"] = self.steps.index(wanted["step"])
        return [row["body"] for row in self.journal() if row["type"] == kind
                and all(row["body"].get(name) == value
                        for name, value in wanted.items())]

    def wait(self, kind, count=1, seconds=15.0, **fields):
        """Until the journal has @count such events; the newest one."""
        def enough():
            found = self.events(kind, **fields)
            return found if len(found) >= count else None
        what = f"{count} {kind} {fields}"
        return until(enough, what, seconds)[-1]

    def never(self, kind, **fields):
        claim(not self.events(kind, **fields), f"there is a {kind} {fields}")

    def gate(self, purpose, count=1):
        """The post id of the newest gate of @purpose, once it can be
        tapped: posted, and the bot's own two taps are on it."""
        opened = self.wait("gate.opened", count, purpose=purpose)
        posted = self.wait("gate.posted", gate=opened["gate"])
        self.wait_for_own_taps(posted["post"])
        return posted["post"]

    def step_post(self, step, count=1):
        posted = self.wait("step.posted", count, step=step)
        self.wait_for_own_taps(posted["post"])
        return posted["post"]

    def wait_for_own_taps(self, post):
        until(lambda: {(self.bot.id, YES), (self.bot.id, NO)}
              <= self.admin.taps(post), "the bot's own taps are there")

    # the channel

    def say(self, who, text, root="", files=()):
        return self.people[who].say(self.channel_id, text, root, files=files)

    def mentions(self, who):
        """How often @who was mentioned, as the server counts."""
        member = self.admin.call("GET", f"/channels/{self.channel_id}/members/"
                                 + self.people[who].id)
        return member["mention_count"]

    def posts(self):
        return self.admin.posts(self.channel_id)

    def bots_posts(self, channel_id=None):
        posts = self.admin.posts(channel_id or self.channel_id)
        return [p for p in posts if p["user_id"] == self.bot.id
                and "bridgekeeper" in p["props"]]

    def said(self, key, text, channel_id=None):
        """Until the bot has said @text under a key that contains @key."""
        return until(lambda: [
            p for p in self.bots_posts(channel_id)
            if key in p["props"]["bridgekeeper"] and text in p["message"]],
            f"{text!r} is said under {key}")[0]

    def card(self):
        """The one pinned post of the bot."""
        def pinned():
            return [post for post in self.admin.pinned(self.channel_id).values()
                    if post["user_id"] == self.bot.id]
        return until(pinned, "a pinned card")[0]

    def answered(self, post, kind="command.refused"):
        """Until the command @post has its event of @kind in the journal and
        exactly one answer on the server; (event, answer)."""
        event = self.wait(kind, post=post["id"])
        answer = until(lambda: self.answers(post["id"]),
                       f"an answer to {post['message'][:60]!r}")
        claim(len(answer) == 1, f"{len(answer)} answers")
        return event, answer[0]

    def answers(self, post_id):
        return [p for p in self.bots_posts()
                if post_id in str(p["props"].get("bridgekeeper", ""))]

    def lines(self):
        """The ledger."""
        try:
            return self.ledger.read_text().split("\n")[:-1]
        except FileNotFoundError:
            return []

    def wait_for_line(self, line, count=1):
        until(lambda: self.lines().count(line) >= count,
              f"{count} {line!r} in the ledger")

    def open_door(self):
        self.door.touch()

    def mend(self):
        self.mended.touch()

    # what must always hold

    def check_all(self):
        """The journal is whole, what was posted as its head is in it, no
        attempt began twice, nothing was said twice, no secret was told."""
        until(self.all_said, "all that the journal wants said is said")
        rows = self.journal()
        heads = [HEAD.findall(post["message"])[-1]
                 for post in self.bots_posts()
                 if "/status/" in post["props"]["bridgekeeper"]]
        words = [word for head in heads for word in ("--head", head)]
        status, out = self.ask("audit", "verify", *words)
        claim(status == 0, f"audit verify: {status} {out}")
        begun = [tuple(row["body"].get(key, 0) for key in
                       ("run", "step", "block", "host", "attempt"))
                 for row in rows if row["type"] == "attempt.started"]
        claim(len(begun) == len(set(begun)), f"begun twice: {begun}")
        keys = [post["props"]["bridgekeeper"] for post in self.bots_posts()]
        twice = {key for key in keys if keys.count(key) > 1}
        claim(not twice, f"said twice: {twice}")
        said = json.dumps([post["message"] for post in self.posts()])
        claim(PASSWORD not in said, "a secret stands in the channel")
        claim(PASSWORD not in self.said_in_log(), "a secret is in the log")
        return heads

    def all_said(self):
        """Whether nothing waits in the outbox, which is no event's matter."""
        link = sqlite3.connect(
            f"file:{self.folder}/state/journal.db?mode=ro", uri=True)
        try:
            waits = link.execute("SELECT count(*) FROM outbox"
                                 " WHERE state = 'pending'").fetchone()[0]
        finally:
            link.close()
        return waits == 0

    def evidence(self):
        """What helps to understand a failure."""
        parts = [f"in {self.folder}", "ledger: " + " | ".join(self.lines())]
        try:
            rows = self.journal()[-25:]
            parts += ["journal:"] + [
                f"  {row['seq']} {row['type']} " + json.dumps(
                    {k: v for k, v in row["body"].items()
                     if k != "record"})[:200] for row in rows]
            parts += ["channel:"] + [
                f"  {post['user_id'][:4]} {post['message'][:160]!r}"
                for post in self.posts()[-12:]]
        except Exception as error:  # whatever is there to see
            parts.append(f"no more: {error}")
        if self.log.exists():
            parts += ["log:"] + self.said_in_log().split("\n")[-25:]
        return "\n".join(parts)


def environment():
    """Nothing of the surroundings may come between."""
    return {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir(),
            "USER": "bridgekeeper", "LANG": "C.UTF-8"}
