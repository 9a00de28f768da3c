#!/usr/bin/env python3
"""The thinnest thread that is real from end to end: a small runbook, one gate,
one command, one status, over a real websocket, journalled, with the bot killed
in the middle of the command.

Usage: thin_thread.py SANDBOX BRIDGEKEEPER
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

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

CONFIG = """[mattermost]
url = {url}
team = platform
token_file = token

[bridge]
channel = launch-bridge
runbook = hello.md
state_dir = state
status_every = 1s

[role Lead]
primary = lead

[role Storage]
primary = rep
"""

SCENE = {
    "team": {"name": "platform"},
    "channels": [{"name": "launch-bridge", "display_name": "Launch bridge"}],
    "users": [
        {"username": "bridgekeeper", "bot": True,
         "token": "tokenofthebot0000000000000"},
        {"username": "lead", "token": "tokenofthelead000000000000"},
        {"username": "rep", "token": "tokenoftherep0000000000000"},
    ],
}


class Thread:
    def __init__(self, sandbox, program, folder):
        self.program, self.folder = program, folder
        (folder / "scene.json").write_text(json.dumps(SCENE))
        self.sandbox = subprocess.Popen(
            [sandbox, "--port", "0", "--scene", str(folder / "scene.json")],
            stdout=subprocess.PIPE, text=True)
        self.url = self.sandbox.stdout.readline().split()[-1]
        info = self.ask("GET", "/sandbox/info")
        self.channel = info["channels"][0]["id"]
        self.people = {p["username"]: p for p in info["people"]}
        (folder / "hello.md").write_text(RUNBOOK)
        (folder / "config.ini").write_text(CONFIG.format(url=self.url))
        (folder / "token").write_text("tokenofthebot0000000000000\n")
        os.chmod(folder / "token", 0o600)
        self.log = open(folder / "bot.log", "a", encoding="utf-8")
        self.bot = None

    def ask(self, method, path, body=None, token=None):
        request = urllib.request.Request(
            self.url + path, method=method,
            data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def start(self):
        self.bot = subprocess.Popen(
            [self.program, "run", "--config", str(self.folder / "config.ini")],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def kill(self):
        self.bot.send_signal(signal.SIGKILL)
        self.bot.wait()

    def say(self, name, text):
        self.ask("POST", "/api/v4/posts",
                 {"channel_id": self.channel, "message": text},
                 self.people[name]["token"])

    def tap(self, name, post):
        self.ask("POST", "/api/v4/reactions",
                 {"user_id": self.people[name]["id"], "post_id": post,
                  "emoji_name": "white_check_mark"},
                 self.people[name]["token"])

    def posts(self):
        return self.ask("GET", "/sandbox/state?channel=launch-bridge")["posts"]

    def key(self, post):
        return post.get("props", {}).get("bridgekeeper", "")

    def wait(self, what, found, seconds=20):
        """The first of our posts that @found likes."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for post in self.posts():
                if self.key(post) and found(post):
                    return post
            if self.bot.poll() is not None:
                raise AssertionError(f"the bot ended, waiting for {what}")
            time.sleep(0.05)
        raise AssertionError(f"no {what} in {seconds} s")

    def ledger(self):
        path = self.folder / "ledger"
        return path.read_text().split() if path.exists() else []

    def wait_ledger(self, lines):
        until = time.monotonic() + 20
        while self.ledger() != lines:
            assert time.monotonic() < until, f"ledger: {self.ledger()}"
            time.sleep(0.02)

    def audit(self, *words):
        return subprocess.run(
            [self.program, "audit", *words, "--config",
             str(self.folder / "config.ini")],
            stdout=subprocess.PIPE, text=True, check=True).stdout

    def stop(self):
        self.bot.terminate()
        assert self.bot.wait(10) == 0, "the bot did not end well"

    def close(self):
        if self.bot and self.bot.poll() is None:
            self.bot.kill()
            self.bot.wait()
        self.sandbox.terminate()
        self.sandbox.wait()


def play(thread):
    thread.start()
    wait_until_heard(thread)
    gate = thread.wait("gate", lambda p: "/gate/" in thread.key(p))
    seeded = lambda p: p["id"] == gate["id"] and len(p["reactions"]) >= 2
    thread.wait("gate with both emojis", seeded)
    thread.tap("lead", gate["id"])
    thread.tap("rep", gate["id"])
    thread.wait_ledger(["begun"])
    thread.kill()
    thread.start()
    thread.wait("success", lambda p: "succeeded" in thread.key(p))
    thread.wait_ledger(["begun", "ended"])


def wait_until_heard(thread):
    """The bot is there once it answers; what is older it may not have heard."""
    until = time.monotonic() + 30
    while "server.online" not in (thread.folder / "bot.log").read_text():
        assert time.monotonic() < until, "the bot did not come online"
        assert thread.bot.poll() is None, "the bot ended at once"
        time.sleep(0.05)
    thread.say("lead", "!cutover start")


def check(thread):
    posts = [p for p in thread.posts() if thread.key(p)]
    keys = [thread.key(p) for p in posts]
    assert len(keys) == len(set(keys)), f"said twice: {sorted(keys)}"
    assert any("/status/" in key for key in keys), f"no status: {keys}"
    card = next(p for p in posts if thread.key(p).endswith("/card"))
    assert card["is_pinned"], "the card is not pinned"
    rows = [json.loads(line) for line in
            thread.audit("export", "--json").splitlines()]
    types = [row["type"] for row in rows]
    assert types.count("attempt.started") == 1, types
    assert types.count("attempt.ended") == 1, types
    assert types.count("bot.started") == 2, types
    assert types[-1] in ("run.succeeded", "run.watched"), types
    thread.audit("verify")


def main():
    sandbox, program = (os.path.abspath(path) for path in sys.argv[1:3])
    print("1..1")
    with tempfile.TemporaryDirectory() as folder:
        thread = Thread(sandbox, program, pathlib.Path(folder))
        try:
            play(thread)
            thread.stop()
            check(thread)
            print("ok 1 a killed bot goes on where it was")
        except Exception as error:  # whatever it is, the log says more
            for post in thread.posts():
                print("#", thread.key(post) or str(post.get("user", post.get("author", "?"))), "|",
                      post["message"].replace("\n", " / "))
            for line in (thread.folder / "bot.log").read_text().splitlines():
                print("#", line)
            print("#", repr(error))
            print("not ok 1 a killed bot goes on where it was")
        finally:
            thread.close()


main()
