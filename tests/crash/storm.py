#!/usr/bin/env python3
"""Plays whole nights in which everything goes wrong by chance: the server, the
socket, the bot, the step runner, the files and the people.

usage: storm.py BOT SANDBOX [--seeds N] [--first SEED] [--storm S] [--keep]

People want the night to end well, or rolled back, or aborted, and say again
what was not heard.  Whatever happens on the way, storm_claims.py must hold in
the end.  A seed fixes what is done and how likely; when, the machine decides.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import resource
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
import night  # noqa: E402
import storm_claims  # noqa: E402

PASSWORD = "swordfish-hunter2"
HOLDERS = ["ada", "dora", "carl", "sam"]
OTHERS = ["mallory", "gus", "otto", "robo"]
YES, NO = "white_check_mark", "x"
HOOK = "hookofthestorm000000000000"
OF_THE_BOT = {"user": "bridgekeeper"}
PATHS = ["/posts$", "/reactions$", "/patch$", "/pin$", "/files$", "/users/",
         "/channels/", "/posts/ids/reactions", "/thread$", ""]
EVENTS = ["posted", "reaction_added", "reaction_removed", "post_edited",
          "user_updated"]
TALK = [
    "!note @all look: `rm -rf` ``` \n# big\n| a | b |\n![x](http://x/y.png)",
    "!note \u202egnp.exe \u200b\u2066 " + "\U0001f525" * 3000,
    "!cutover strat", "!cutover", "! cutover start", "`!rollback`",
    "!done 99.9.9", "!done 2.2.2.2.2.2.2.2.2", "!retry " + "1" * 4000,
    "!fail 2.2 WHY", "!skip 2.1 @channel `because`", "!poll", "!why", "!who",
    "!help", "!status", "!cutover decide", "!claim 2.2", "!help \x07\x1b[31m",
    "\uff01rollback now", "!!rollback", "@all", "!note", "!cutover poll",
    "!run 2.5\n!done 2.2", "\n\n   !status", "    !cutover abort not this",
]


class Storm(night.Night):
    def __init__(self, options, seed):
        super().__init__(options)
        self.seed = seed
        self.chance = random.Random(seed)
        self.goal = self.chance.choice(["success", "rollback", "rollback",
                                        "abort"])
        self.turn_back_at = self.chance.choice(["2.2", "2.3", "2.4", "2.5",
                                                "2.6", "3.1", "3.2", "5.1"])
        self.roughness = self.chance.choice([0.15, 0.3, 0.5])
        self.weather = [deed for deed in WEATHER if self.chance.random() < 0.5]
        self.weather = self.weather or [WEATHER[0]]
        self.last = {}  # when something was said or tapped, real
        self.taps = set()  # (person, post, emoji) ever made
        self.said = {}  # post id: text, of people in the channel
        self.stray = []  # what must be undone, later
        self.numbers = []
        self.spoilt = {}  # files that are not as they should be
        self.lives = 0

    # --- the stage ---

    def start_sandbox(self):
        users = [{"username": "bridgekeeper", "token": night.BOT_TOKEN,
                  "bot": True},
                 {"username": "admin", "token": self.token("admin"),
                  "roles": "system_admin system_user"}]
        for name in HOLDERS + OTHERS:
            users.append({"username": name, "token": self.token(name),
                          "guest": name == "gus", "bot": name == "robo"})
        scene = {
            "team": {"name": "platform", "display_name": "Platform"},
            "channels": [{"name": "launch-bridge", "type": "O",
                          "display_name": "Launch bridge"}],
            "users": users,
            "webhooks": [{"id": HOOK, "owner": "carl",
                          "channel": "launch-bridge"}],
        }
        (self.dir / "scene.json").write_text(json.dumps(scene))
        self.sandbox = subprocess.Popen(
            [self.options.sandbox, "--port", "0", "--scene",
             str(self.dir / "scene.json"), "--clock", str(self.dir / "clock"),
             "--start", "2026-11-24T02:00:00Z", "--like",
             self.chance.choice(["5.37", "11.6"])],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.sandbox.stdout.readline()
        self.url = line.rsplit(" ", 1)[-1].strip()
        info = self.ask("GET", "info")
        self.channel = info["channels"][0]["id"]
        self.ids = {p["username"]: p["id"] for p in info["people"]}
        self.ask("POST", "users/otto", {"channel": "launch-bridge",
                                        "member": False})

    def prepare(self):
        self.start_sandbox()
        config = night.CONFIG.format(url=self.url) + (
            "[env night]\nsecrets_file = secrets\n")
        self.files = {
            "config.ini": config,
            "runbook.md": (night.HERE / "storm.md").read_text(),
        }
        for name, text in self.files.items():
            (self.dir / name).write_text(text)
        for name, text in (("token", night.BOT_TOKEN),
                           ("secrets", f"PASSWORD={PASSWORD}")):
            (self.dir / name).write_text(text + "\n")
            (self.dir / name).chmod(0o600)
        plan = subprocess.run(
            [self.options.bot, "plan", str(self.dir / "runbook.md"), "--json"],
            stdout=subprocess.PIPE, check=True, text=True).stdout
        self.numbers = [step["number"] for phase in json.loads(plan)["phases"]
                        for step in phase["steps"]]

    def start_bot(self):
        super().start_bot()
        self.lives += 1

    def ask(self, method, path, body=None):
        return night.call(method, f"{self.url}/sandbox/{path}", body)

    def journal(self):
        return [{"seq": seq, "type": kind, **json.loads(body)}
                for seq, kind, body in self.rows(
                    "SELECT seq, type, body FROM journal ORDER BY seq")]

    # --- what people do ---

    def say(self, name, text, root=""):
        post = night.call("POST", self.url + "/api/v4/posts",
                          {"channel_id": self.channel, "message": text,
                           "root_id": root}, self.token(name))
        if not root:
            self.said[post["id"]] = (name, text)
        return post["id"]

    def tap(self, name, post, emoji=YES):
        self.taps.add((self.ids[name], post, emoji))
        night.call("POST", self.url + "/api/v4/reactions",
                   {"user_id": self.ids[name], "post_id": post,
                    "emoji_name": emoji}, self.token(name))

    def untap(self, name, post, emoji):
        night.call("DELETE", f"{self.url}/api/v4/users/{self.ids[name]}"
                   f"/posts/{post}/reactions/{emoji}", None, self.token(name))

    def soon(self, what):
        """Whether to do it now: people repeat themselves, with patience."""
        now = time.monotonic()
        if now < self.last.get(what, 0):
            return False
        self.last[what] = now + self.chance.uniform(0.4, 1.2)
        return True

    def command(self, name, text):
        if self.soon((name, text.split(" why")[0])):
            self.say(name, text)

    def approve(self, gate, *names):
        if not gate.get("post"):
            return
        for name in names:
            if self.ids[name] not in gate["by"] and \
                    self.soon((name, gate["gate"])):
                self.tap(name, gate["post"])

    def act(self):
        """One look at the night, and what people do about it."""
        self.seen = self.ask("GET", "info")["last_event"]
        view = storm_claims.View(self.journal())
        for gate in view.gates.values():
            if gate["status"] == "open":
                self.approve(gate, *{
                    "plan": ("dora", "carl"), "start": ("dora", "sam"),
                    "success": ("carl",), "files": ("dora", "sam"),
                    "rollback": ("carl", "dora"), "step": ("dora", "sam"),
                }[gate["purpose"]])
        run = view.current()
        if run is None and view.is_over():
            return True
        if run is None:
            self.begin(view)
        elif run["status"] in ("succeeded", "rolled_back", "aborted"):
            self.finish(view, run)
        else:
            self.go_on(view, run)
        return False

    def begin(self, view):
        if not view.planned():
            self.command("ada", "!cutover plan")
        elif not view.rehearsed():
            self.command("ada", "!cutover rehearse")
        else:
            self.command("ada", "!cutover start")

    def finish(self, view, run):
        if run["status"] == "aborted" and run["number"] % 2 and \
                run["begun"] and not run["gave_up"]:
            self.command("dora", "!rollback why after all")
        elif run["status"] == "succeeded" and run["held"]:
            self.command("ada", "!cutover resume")
        elif run["status"] != "succeeded" or run["watched"]:
            self.command("ada", "!cutover close")

    def go_on(self, view, run):
        if run["status"] == "planned":
            self.begin(view)
        if run["held"]:
            self.command("ada", "!cutover resume")
        here = {self.numbers[i]: state for i, state in run["steps"].items()}
        there = self.turn_back_at in here
        if run["kind"] == "production" and there and \
                run["status"] in ("running", "deciding"):
            if self.goal == "abort" and run["number"] < 6:
                self.command("ada", "!cutover abort why not")
            if self.goal == "rollback":
                self.command("dora", "!rollback why not")
        for number, state in here.items():
            self.settle(number, state)

    def settle(self, number, state):
        owner = "sam" if number in ("2.2", "3.2") else "ada"
        if state["status"] == "asked" and number == "2.5":
            self.command(owner, self.chance.choice(["!run 2.5", "!pass 2.5"]))
        elif state["status"] == "asked" and state.get("post") and \
                self.chance.random() < 0.5:
            if self.soon(("tap", state["post"])):
                self.tap(owner, state["post"])
        elif state["status"] == "asked":
            self.command(owner, f"!done {number}")
        elif state["status"] == "failed":
            self.command(owner, f"!retry {number}")
        elif state["status"] == "unknown":
            self.command(owner, self.chance.choice(
                [f"!done {number}", f"!retry {number}"]))

    # --- the night ---

    def play(self):
        self.prepare()
        self.start_bot()
        deadline = time.monotonic() + self.options.limit
        calm = time.monotonic() + self.options.storm
        while not self.turn(time.monotonic() < calm):
            if time.monotonic() > deadline:
                raise night.Failed("it did not end: " + self.where())
        self.calm_down()
        self.reconnect(deadline + 15)
        while not self.is_quiet():
            if time.monotonic() > deadline + 15:
                raise night.Failed("not all was said: " + str(self.rows(
                    "SELECT key FROM outbox WHERE state = 'pending'")))
            self.rest(200)

    def reconnect(self, deadline):
        """What an event did not tell is found when all is read again."""
        before = self.times_online()
        self.ask("POST", "sockets", {**OF_THE_BOT, "do": "kill"})
        while self.times_online() == before:
            if time.monotonic() > deadline:
                raise night.Failed("it does not come online again")
            self.rest(100)

    def times_online(self):
        return (self.dir / "bot.log").read_text(errors="replace").count(
            " server.online ")

    def turn(self, stormy):
        if self.bot.poll() is not None:
            if self.bot.returncode != -signal.SIGKILL and not self.spoilt:
                raise night.Failed(f"the bot ended: {self.bot.returncode}")
            for name in list(self.spoilt):
                self.mend(name)
            self.start_bot()
        if stormy and self.chance.random() < self.roughness:
            deed = self.chance.choice(self.weather)
            try:
                deed(self)
            except (urllib.error.HTTPError, OSError):
                pass  # not possible just now
        elif not stormy:
            self.calm_down()
        over = False
        if self.is_up():
            over = self.try_to_act()
        self.rest(self.chance.choice([20, 60, 150]))
        return over

    def try_to_act(self):
        try:
            return self.act()
        except urllib.error.HTTPError:
            return False  # somebody is away, or a post is gone

    def is_up(self):
        return bool(self.rows("SELECT 1 FROM journal LIMIT 1"))

    def rest(self, real_ms):
        now = self.ask("GET", "info")["now_ms"]
        self.ask("POST", "wait", {
            "player": "people", "real_ms": real_ms, "after": self.seen,
            "until_ms": now + self.chance.randrange(1000, 120000)})

    def calm_down(self):
        while self.stray:
            self.stray.pop()()
        self.ask("DELETE", "faults")
        for do in ("hear", "thaw"):
            self.ask("POST", "sockets", {"do": do})

    def leave_traces(self):
        self.options.keep = True
        try:
            (self.dir / "channel.json").write_text(
                json.dumps(self.state(), indent=1))
        except (OSError, AttributeError):
            pass  # no sandbox to ask

    # --- the weather ---

    def rule(self, **rule):
        return self.ask("POST", "faults", {**OF_THE_BOT, **rule})["id"]

    def bad_answers(self):
        self.rule(on="request", do=self.chance.choice(
                      ["500", "503", "429", "reset", "reset", "delay"]),
                  when=self.chance.choice(["before", "after", "after"]),
                  path=self.chance.choice(PATHS), retry_after=1,
                  ms=self.chance.randrange(20, 600),
                  times=self.chance.randrange(1, 8))

    def held_answers(self):
        rule = self.rule(on="request", do="hold", when=self.chance.choice(
            ["before", "after"]), path=self.chance.choice(PATHS), times=3)
        self.stray.append(lambda: self.ask("DELETE", f"faults/{rule}"))

    def bad_events(self):
        self.rule(on="event", do=self.chance.choice(
                      ["drop", "gap", "duplicate", "swap", "delay"]),
                  event=self.chance.choice(EVENTS),
                  ms=self.chance.randrange(20, 600),
                  times=self.chance.randrange(1, 6))

    def bad_upgrades(self):
        self.rule(on="upgrade", do=self.chance.choice(
            ["429", "503", "reset", "refuse_resume"]),
            times=self.chance.randrange(1, 3))
        self.bad_socket()

    def stale_reads(self):
        self.rule(on="read", do="stale", times=4)
        self.rule(on="edit", do="forget_reactions", times=2)

    def bad_socket(self):
        self.ask("POST", "sockets", {**OF_THE_BOT, "do": self.chance.choice(
            ["kill", "reset", "deafen", "freeze"])})
        self.stray.append(lambda: [self.ask("POST", "sockets", {"do": do})
                                   for do in ("hear", "thaw")])

    def wind_down(self):
        if self.stray:
            self.stray.pop(0)()

    def dead_bot(self):
        self.bot.kill()
        self.bot.wait()
        self.kills += 1
        if self.chance.random() < 0.3:
            self.ask("POST", "clock", {"forgive": "bot"})
            self.try_to_act()
            self.rest(50)
        self.try_to_act()

    def stopped_bot(self):
        self.bot.send_signal(signal.SIGSTOP)
        self.try_to_act()
        time.sleep(self.chance.uniform(0.05, 0.4))
        self.bot.send_signal(signal.SIGCONT)

    def dead_runner(self):
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                ours = str(self.dir / "state") in os.readlink(proc / "cwd")
                if ours and os.readlink(proc / "exe").endswith("/steprun"):
                    os.kill(int(proc.name), signal.SIGKILL)
            except OSError:
                continue

    def spoilt_files(self):
        name = self.chance.choice(list(self.files))
        path = self.dir / name
        if name in self.spoilt:
            return
        self.spoilt[name] = True
        self.remove(path)
        how = self.chance.randrange(6)
        if how == 0:
            path.write_text("")
        elif how == 1:
            path.write_bytes(os.urandom(3000))
        elif how == 2:
            os.mkfifo(path)
        elif how == 3:
            path.mkdir()
        elif how == 4:
            path.symlink_to("/dev/zero")
        self.stray.append(lambda: self.mend(name))

    def full_disk(self):
        """No file of the bot's, nor of what it starts, may grow much."""
        journal = (self.dir / "state").glob("journal.db*")
        size = max((path.stat().st_size for path in journal), default=0)
        room = max(size + self.chance.randrange(8000), 64000)
        bot = self.bot

        def limit(room):
            if bot.poll() is None:
                resource.prlimit(bot.pid, resource.RLIMIT_FSIZE,
                                 (room, resource.RLIM_INFINITY))
        limit(room)
        self.stray.append(lambda: limit(resource.RLIM_INFINITY))

    @staticmethod
    def remove(path):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)

    def mend(self, name):
        path = self.dir / name
        self.remove(path)
        path.write_text(self.files[name])
        self.spoilt.pop(name, None)

    def strangers(self):
        name = self.chance.choice(OTHERS + ["sam"])
        posts = [p for p in self.state()["posts"]
                 if p["props"].get("bridgekeeper")]
        if name != "otto" and posts and self.chance.random() < 0.6:
            post = self.chance.choice(posts[-8:])["id"]
            self.tap(name, post, self.chance.choice([YES, NO, "+1", "eyes"]))
        else:
            self.say(name, self.chance.choice([
                "!rollback", "!cutover start", "!cutover hold", "!retry 2.3",
                "!cutover abort now", "!done 2.2", "!cutover close"]))

    def impostor(self):
        body = {"text": self.chance.choice(["!rollback", "!cutover start",
                                            "!cutover abort x", "!done 2.2"]),
                "username": "carl"}
        urllib.request.urlopen(urllib.request.Request(
            f"{self.url}/hooks/{HOOK}", json.dumps(body).encode(),
            {"Content-Type": "application/json"}), timeout=10).close()

    def talk(self):
        self.say(self.chance.choice(HOLDERS), self.chance.choice(TALK))

    def slips(self):
        view = storm_claims.View(self.journal())
        gates = [g for g in view.gates.values() if g.get("post") and
                 g["status"] != "closed"]
        if gates:
            gate = self.chance.choice(gates)
            name = self.chance.choice(HOLDERS)
            for _ in range(self.chance.randrange(1, 12)):
                emoji = self.chance.choice([YES, NO])
                self.tap(name, gate["post"], emoji)
                self.untap(name, gate["post"], emoji)

    def vandal(self):
        view = storm_claims.View(self.journal())
        posts = [g["post"] for g in view.gates.values() if g.get("post") and
                 g["status"] == "open"]
        if posts:
            post = self.chance.choice(posts)
            if self.chance.random() < 0.5:
                night.call("PUT", f"{self.url}/api/v4/posts/{post}/patch",
                           {"message": "all fine, tap away"},
                           self.token("admin"))
            else:
                night.call("DELETE", f"{self.url}/api/v4/posts/{post}", None,
                           self.token("admin"))

    def comings(self):
        name = self.chance.choice(HOLDERS)
        change, back = self.chance.choice([
            ({"active": False}, {"active": True}),
            ({"channel": "launch-bridge", "member": False},
             {"channel": "launch-bridge", "member": True})])
        self.ask("POST", f"users/{name}", change)
        self.stray.append(lambda: self.ask("POST", f"users/{name}", back))

    def shut_out(self):
        path, change, back = self.chance.choice([
            ("users/bridgekeeper",
             {"channel": "launch-bridge", "member": False},
             {"channel": "launch-bridge", "member": True}),
            ("channels/launch-bridge", {"archived": True},
             {"archived": False}),
            ("users/bridgekeeper", {"token": "disable"},
             {"token": "enable"})])
        self.ask("POST", path, change)
        self.stray.append(lambda: self.ask("POST", path, back))

    def many_voices(self):
        for name in HOLDERS + ["mallory"]:
            self.say(name, "!rollback all at once")
            self.say(name, "!cutover hold")

    def holds(self):
        self.say(self.chance.choice(HOLDERS), "!cutover hold why not")


WEATHER = [Storm.bad_answers, Storm.held_answers, Storm.bad_events,
           Storm.bad_upgrades, Storm.stale_reads, Storm.bad_socket,
           Storm.wind_down, Storm.dead_bot, Storm.stopped_bot,
           Storm.dead_runner, Storm.spoilt_files, Storm.full_disk,
           Storm.strangers, Storm.impostor, Storm.talk, Storm.slips,
           Storm.vandal, Storm.comings, Storm.shut_out, Storm.many_voices,
           Storm.holds]


def play(options, seed):
    storm = Storm(options, seed)
    began = time.monotonic()
    try:
        storm.play()
        storm_claims.check(storm)
        return (f"{storm.goal}, {len(storm.journal())} events,"
                f" {storm.lives} lives, {time.monotonic() - began:.0f} s")
    except Exception as problem:
        storm.leave_traces()
        weather = ", ".join(deed.__name__ for deed in storm.weather)
        raise night.Failed(f"{problem!r} (left in {storm.dir}; {storm.goal};"
                           f" {weather})") from problem
    finally:
        storm.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bot")
    parser.add_argument("sandbox")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--storm", type=float, default=5,
                        help="seconds after which it grows calm")
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--loose", action="store_true",
                        help="let it take what memory it likes")
    parser.add_argument("--under", type=shlex.split, default=[],
                        help="words to put before the bot's, as of valgrind")
    options = parser.parse_args()
    options.stop_after = None
    for name in ("bot", "sandbox"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    seeds = range(options.first, options.first + options.seeds)
    print(f"1..{len(seeds)}")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        nights = [(s, pool.submit(play, argparse.Namespace(**vars(options)),
                                  s)) for s in seeds]
        for number, (seed, future) in enumerate(nights, 1):
            try:
                print(f"ok {number} - seed {seed}: {future.result()}",
                      flush=True)
            except night.Failed as problem:
                failed += 1
                print(f"not ok {number} - seed {seed}\n# {problem}",
                      flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
