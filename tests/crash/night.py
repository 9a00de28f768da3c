#!/usr/bin/env python3
"""Plays one short night once per event of its journal, killing the bot with
SIGKILL right after that event was committed, and compares the end with the
night that was not killed.

usage: night.py BOT SANDBOX STOP_AFTER.SO [--power] [--every N] [--keep]
       night.py BOT SANDBOX STOP_AFTER.SO --valgrind

The night has a gate, a step that publishes, a manual step, a command that
fails and is retried, a status post and a rollback.  While the bot is dead
people go on: what they were about to tap or say, they do.  At the end these
must be as in the night that was not killed: the file that the commands
themselves write, who approved what, every post, reply and pin.  What only a
restart adds (a line that says how long the bot was away) is left out.

With --power the machine loses its power instead, right after the bot noted that
it tries something on the server, or that it is done there: it comes back to the
journal as it was on the disk, on another boot.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BOT_TOKEN = "tokenofthebot0000000000000"
PEOPLE = ["ada", "dora", "carl", "sam"]
CONFIG = """\
[mattermost]
url = {url}
team = platform
token_file = token

[bridge]
channel = launch-bridge
runbook = runbook.md
state_dir = state

[role Cutover lead]
primary = ada
[role DevOps lead]
primary = dora
backup = ada
[role CTO]
primary = carl
[role Storage]
primary = sam

[sandbox]
clock = clock
"""


class Failed(Exception):
    """The night did not go as it must."""


def call(method, url, body=None, token=None, timeout=40):
    request = urllib.request.Request(url, method=method)
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", "Bearer " + token)
    with urllib.request.urlopen(request, data, timeout) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Night:
    """One sandbox, one bot, and the people of the bridge."""

    def __init__(self, options, stop_after=None):
        self.options = options
        self.stop_after = stop_after
        self.kills = 0
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="night-"))
        self.log = open(self.dir / "bot.log", "ab")
        self.bot = None
        self.done = set()
        self.waiting_until = None
        self.seen = 0

    # --- processes ---

    def start_sandbox(self):
        scene = {
            "team": {"name": "platform", "display_name": "Platform"},
            "channels": [{"name": "launch-bridge", "type": "O",
                          "display_name": "Launch bridge"}],
            "users": [{"username": "bridgekeeper", "token": BOT_TOKEN,
                       "bot": True}] +
                     [{"username": name, "token": self.token(name)}
                      for name in PEOPLE],
        }
        (self.dir / "scene.json").write_text(json.dumps(scene))
        self.sandbox = subprocess.Popen(
            [self.options.sandbox, "--port", "0", "--scene",
             str(self.dir / "scene.json"), "--clock", str(self.dir / "clock"),
             "--start", "2026-11-24T02:00:00Z"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.sandbox.stdout.readline()
        self.url = line.rsplit(" ", 1)[-1].strip()
        if not self.url.startswith("http://127.0.0.1:"):
            raise Failed("the sandbox said: " + line)
        info = call("GET", self.url + "/sandbox/info")
        self.channel = info["channels"][0]["id"]
        self.ids = {p["username"]: p["id"] for p in info["people"]} \
            if "people" in info else {p["username"]: p["id"]
                                      for p in info["users"]}

    @staticmethod
    def token(name):
        return ("tokenof" + name).ljust(26, "0")

    def start_bot(self):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.dir)}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        if self.stop_after and not self.kills:
            env["LD_PRELOAD"] = self.options.stop_after
            if self.options.power:
                (self.dir / "disk").mkdir()
                env["DISK"] = str(self.dir / "disk")
                env["STOP_AT_NOTE"] = str(self.stop_after)
            else:
                env["STOP_AFTER"] = str(self.stop_after)
            # The sanitizer wants to be first; here it need not be.
            env["ASAN_OPTIONS"] = ":".join(
                [env.get("ASAN_OPTIONS", ""), "verify_asan_link_order=0"])
        self.bot = subprocess.Popen(
            self.options.under + [self.options.bot, "run", "--config", str(self.dir / "config.ini")],
            env=env, cwd=self.dir, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)

    def bot_is_stopped(self):
        try:
            stat = pathlib.Path(f"/proc/{self.bot.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def prepare(self):
        self.start_sandbox()
        (self.dir / "config.ini").write_text(CONFIG.format(url=self.url))
        (self.dir / "token").write_text(BOT_TOKEN + "\n")
        (self.dir / "token").chmod(0o600)
        shutil.copy(HERE / "runbook.md", self.dir / "runbook.md")

    def end_bot(self):
        """Let it end by itself, as an operator would; its exit status."""
        self.bot.terminate()
        return self.bot.wait(30)

    def close(self):
        for process in (self.bot, getattr(self, "sandbox", None)):
            if process and process.poll() is None:
                if process is self.bot:
                    process.send_signal(signal.SIGCONT)
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.log.close()
        if not self.options.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    # --- people ---

    def state(self):
        return call("GET", self.url + "/sandbox/state")

    def say(self, name, text):
        call("POST", self.url + "/api/v4/posts",
             {"channel_id": self.channel, "message": text},
             self.token(name))

    def tap(self, name, post):
        call("POST", self.url + "/api/v4/reactions",
             {"user_id": self.ids[name], "post_id": post,
              "emoji_name": "white_check_mark"}, self.token(name))

    def wait(self, until_ms=None, real_ms=60):
        """Until something is said that act() has not seen; only then, and
        while they wait for a time, may the run clock go on."""
        body = {"player": "people", "real_ms": real_ms, "after": self.seen}
        if until_ms:
            body["until_ms"] = until_ms
        return call("POST", self.url + "/sandbox/wait", body)

    def once(self, what):
        if what in self.done:
            return False
        self.done.add(what)
        return True

    def act(self):
        """What people do about what they see; whether the night is over."""
        self.seen = call("GET", self.url + "/sandbox/info")["last_event"]
        state = self.state()
        posts = {p["props"].get("bridgekeeper"): p for p in state["posts"]
                 if p.get("props", {}).get("bridgekeeper")}
        for key, post in posts.items():
            self.act_on(key, post)
        if any(key.startswith("LB-1/rolled-back") for key in posts) and \
                self.once("close"):
            self.say("ada", "!cutover close")
        return any(key.startswith("LB-1/closed") for key in posts)

    def act_on(self, key, post):
        if re.fullmatch(r"LB-1/gate/1", key):
            for name in ("dora", "sam"):
                if self.once((key, name)):
                    self.tap(name, post["id"])
        elif re.fullmatch(r"LB-1/gate/\d+", key):
            if self.once((key, "carl")):
                self.tap("carl", post["id"])
        elif key.startswith("LB-1/step/1.2/asked"):
            if self.waiting_until is None:
                self.waiting_until = post["create_at"] + 11 * 60000
            elif self.now() >= self.waiting_until and self.once("1.2"):
                self.say("sam", "!done 1.2 the board is green")
        elif re.match(r"LB-1/step/1\.3/.*failed", key):
            if self.once("retry"):
                self.say("ada", "!retry 1.3")
        elif key.startswith("LB-1/step/1.5/asked"):
            if self.once("rollback"):
                self.say("dora", "!rollback ingest is red")

    def now(self):
        return call("GET", self.url + "/sandbox/info")["now_ms"]

    # --- the night ---

    def play(self):
        self.prepare()
        self.start_bot()
        over = None
        deadline = time.monotonic() + self.options.limit
        while over is None or time.monotonic() < over + 2:
            if time.monotonic() > deadline:
                raise Failed("it did not end: " + self.where())
            if self.bot_is_stopped():
                self.kill()
            elif self.bot.poll() is not None:
                raise Failed(f"the bot ended by itself: {self.bot.poll()}")
            if "start" not in self.done and self.is_ready():
                self.once("start")
                self.say("ada", "!cutover start")
            if self.act() and over is None:
                over = time.monotonic()
            if over is not None and self.is_quiet() and \
                    not self.bot_is_stopped():
                break
            self.wait(self.waiting_until if "1.2" not in self.done else None)

    def kill(self):
        """Dead right after the commit; people do not wait for it."""
        self.bot.kill()
        self.bot.wait()
        self.kills += 1
        if self.options.power:
            self.lose_power()
        if "start" in self.done:
            self.act()
        self.start_bot()

    def lose_power(self):
        for path in (self.dir / "state").glob("journal.db*"):
            path.unlink()
        for path in (self.dir / "disk").iterdir():
            shutil.copy(path, self.dir / "state")
        db = sqlite3.connect(self.dir / "state" / "journal.db")
        with db:
            db.execute("UPDATE value SET value = 'another'"
                       " WHERE name = 'outbox.boot'")
        db.close()

    def is_ready(self):
        return any(s.get("username", s.get("user")) == "bridgekeeper"
                   for s in self.state()["sockets"]) and \
            bool(self.rows("SELECT 1 FROM journal LIMIT 1"))

    def rows(self, sql):
        files = list((self.dir / "state").glob("*.db"))
        if not files:
            return []
        db = sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True, timeout=5)
        try:
            return db.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            db.close()

    def is_quiet(self):
        return not self.rows("SELECT 1 FROM outbox WHERE state = 'pending'")

    def where(self):
        last = self.rows("SELECT seq, type, body FROM journal"
                         " ORDER BY seq DESC LIMIT 3")
        return f"{last} in {self.dir}"

    # --- what is compared ---

    def end(self):
        effects = (self.dir / "effects").read_text().splitlines()
        approvals = [
            (json.loads(body).get("gate"), json.loads(body).get("user"))
            for (body,) in self.rows(
                "SELECT body FROM journal WHERE type IN"
                " ('gate.approved', 'gate.asked') ORDER BY seq")]
        names = {v: k for k, v in self.ids.items()}
        approvals = sorted((g, names.get(u, u)) for g, u in approvals)
        posts = []
        keys = []
        for post in self.state()["posts"]:
            key = post.get("props", {}).get("bridgekeeper")
            if not key or is_about_restarts(key):
                continue
            keys.append(key)
            posts.append((steady_key(key), bool(post.get("root_id")),
                          bool(post.get("is_pinned")),
                          steady(post["message"])))
        if len(keys) != len(set(keys)):
            doubled = sorted(k for k in set(keys) if keys.count(k) > 1)
            raise Failed(f"said twice: {doubled}")
        return {"effects": effects, "approvals": approvals,
                "posts": sorted(posts), "log": self.log_row()}

    def log_row(self):
        """The row that the bot's patch adds to the runbook's log."""
        patch = self.dir / "state" / "rehearsal-log" / "LB-1.patch"
        git = subprocess.run(["git", "apply", "--check", str(patch)],
                             cwd=self.dir, capture_output=True, text=True)
        if git.returncode:
            raise Failed("git apply: " + git.stderr)
        return [steady(line) for line in patch.read_text().splitlines()
                if line.startswith("+|")]


def is_about_restarts(key):
    return key.startswith("bot/") or key.startswith("started/")


def steady_key(key):
    """Without the numbers of posts and events, which a restart moves."""
    return re.sub(r"/\d+$", "/#", re.sub(r"^answer/.*", "answer", key))


def steady(text):
    """Without what differs between two nights: times, counts, heads."""
    text = re.sub(r"`[0-9a-f]{8,12}`", "`head`", text)
    text = re.sub(r"\d+", "#", text)
    return re.sub(r" · # s$", "", text, flags=re.MULTILINE)


def play(options, stop_after):
    night = Night(options, stop_after)
    try:
        night.play()
        end = night.end()
        events = [t for (t,) in night.rows(
            "SELECT type FROM journal ORDER BY seq")]
        if options.power:
            [(notes,)] = night.rows(
                "SELECT sum((first_try_ms <> 0) + (state IN ('sent', 'dead')))"
                " FROM outbox")
            events = ["a note in the outbox"] * notes
        # Nights differ by a note or two: of edits only the last need be made.
        # And with the very last the night may be over before it stops.
        if stop_after and not night.kills and stop_after < len(events):
            raise Failed("the bot was never stopped")
        return end, events, night.kills
    except (Failed, OSError, urllib.error.URLError) as problem:
        options.keep = True
        raise Failed(f"{problem} (left in {night.dir})") from problem
    finally:
        night.close()


def play_under_valgrind(options):
    """One night, not killed, in which valgrind finds nothing."""
    options.under = ["valgrind", "-q", "--error-exitcode=99",
                     "--leak-check=full",
                     "--errors-for-leak-kinds=definite,possible"]
    night = Night(options)
    try:
        night.play()
        events = len(night.rows("SELECT seq FROM journal"))
        status = night.end_bot()
        print("1..1")
        print(f"{'not ' if status else ''}ok 1 - {events} events"
              f" under valgrind, exit status {status}")
        if status:
            night.log.flush()
            for line in (night.dir / "bot.log").read_text().splitlines():
                if line.startswith("=="):
                    print("# " + line)
        return 1 if status else 0
    finally:
        night.close()


def difference(then, now):
    lines = []
    for what in then:
        a, b = map(json.dumps, (then[what], now[what]))
        if a != b:
            lost = [x for x in then[what] if x not in now[what]]
            new = [x for x in now[what] if x not in then[what]]
            lines.append(f"{what}: missing {lost}, new {new}, "
                         f"{len(then[what])} against {len(now[what])}")
    return "; ".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bot")
    parser.add_argument("sandbox")
    parser.add_argument("stop_after")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--power", action="store_true")
    parser.add_argument("--valgrind", action="store_true")
    options = parser.parse_args()
    options.under = []
    for name in ("bot", "sandbox", "stop_after"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    if options.valgrind:
        return play_under_valgrind(options)
    then, events, _ = play(options, None)
    points = range(1, len(events) + 1, options.every)
    if options.only:
        points = [options.only]
    print(f"1..{len(points) + 1}")
    print(f"ok 1 - the night that is not killed: {len(events)} events,"
          f" {len(then['effects'])} commands,"
          f" {len(then['approvals'])} approvals, {len(then['posts'])} posts")
    failed = kills = 0
    word = "without power" if options.power else "killed"
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        nights = [(k, pool.submit(play, options, k)) for k in points]
        for number, (k, night) in enumerate(nights, 2):
            name = f"{word} after {k}, {events[k - 1]}"
            try:
                now, _, killed = night.result()
                kills += killed
                why = difference(then, now)
            except Failed as problem:
                why = str(problem)
            failed += bool(why)
            print(f"{'not ' if why else ''}ok {number} - {name}", flush=True)
            if why:
                print(f"# {why}", flush=True)
    print(f"# {kills} kills with SIGKILL, {failed} nights differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
