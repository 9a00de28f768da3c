"""A sandbox, a bot and their folder, for the tests of the whole."""
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.request

SCENE = {
    "team": {"name": "platform"},
    "channels": [{"name": "launch-bridge", "display_name": "Launch bridge"}],
    "users": [
        {"username": "bridgekeeper", "bot": True,
         "token": "tokenofthebot0000000000000"},
        {"username": "lead", "token": "tokenofthelead000000000000"},
        {"username": "rep", "token": "tokenoftherep0000000000000"},
        {"username": "other", "token": "tokenoftheother00000000000"},
    ],
}

CONFIG = """[mattermost]
url = {url}
team = platform
token_file = token

[bridge]
channel = launch-bridge
runbook = runbook.md
state_dir = state
status_every = {status_every}

[role Lead]
primary = lead

[role Storage]
primary = rep
"""


class Stage:
    """Use as a context; what is left of the processes ends with it."""

    def __init__(self, sandbox, program, runbook, status_every="10m"):
        self.sandbox_program = os.path.abspath(sandbox)
        self.program = os.path.abspath(program)
        self.temporary = tempfile.TemporaryDirectory(
            ignore_cleanup_errors=True)  # a step may just end
        self.folder = pathlib.Path(self.temporary.name)
        self.sandbox = self.bot = None
        self.url = "http://127.0.0.1:9"
        self.people, self.channel = {}, None
        (self.folder / "scene.json").write_text(json.dumps(SCENE))
        self.start_sandbox()
        self.write("runbook.md", runbook)
        self.write("config.ini", CONFIG.format(
            url=self.url, status_every=status_every))
        self.write("token", "tokenofthebot0000000000000\n", 0o600)
        self.log = open(self.folder / "bot.log", "a", encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.bot, self.sandbox):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        self.log.close()
        self.temporary.cleanup()

    def start_sandbox(self, *words):
        self.sandbox = subprocess.Popen(
            [self.sandbox_program, "--port", "0", "--scene",
             str(self.folder / "scene.json"), *words],
            stdout=subprocess.PIPE, text=True)
        self.url = self.sandbox.stdout.readline().split()[-1]
        info = self.ask("GET", "/sandbox/info")
        self.channel = info["channels"][0]["id"]
        self.people = {p["username"]: p for p in info["people"]}

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        os.chmod(path, mode)

    # the bot

    def command(self):
        return [self.program, "run", "--config",
                str(self.folder / "config.ini")]

    def start(self):
        """Start it, and wait until it hears."""
        before = self.online()
        self.bot = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)
        self.until("the bot to come online", lambda: self.online() > before)

    def online(self):
        text = (self.folder / "bot.log").read_text(encoding="utf-8")
        return text.count(" server.online ")

    def kill(self):
        self.bot.send_signal(signal.SIGKILL)
        self.bot.wait()

    def stop(self):
        self.bot.terminate()
        assert self.bot.wait(10) == 0, "the bot did not end well"

    def refusal(self, seconds=10):
        """Exit status and words of a bot that is expected to give up."""
        done = subprocess.run(
            self.command(), stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds,
            check=False)
        return done.returncode, done.stderr

    def audit(self, *words):
        return subprocess.run(
            [self.program, "audit", *words, "--config",
             str(self.folder / "config.ini")],
            stdout=subprocess.PIPE, text=True, check=True).stdout

    def journal(self):
        return [json.loads(line) for line in
                self.audit("export", "--json").splitlines()]

    # people

    def ask(self, method, path, body=None, token=None):
        request = urllib.request.Request(
            self.url + path, method=method,
            data=None if body is None else json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def say(self, name, text):
        return self.ask("POST", "/api/v4/posts",
                        {"channel_id": self.channel, "message": text},
                        self.people[name]["token"])

    def tap(self, name, post, emoji="white_check_mark"):
        self.ask("POST", "/api/v4/reactions",
                 {"user_id": self.people[name]["id"], "post_id": post,
                  "emoji_name": emoji}, self.people[name]["token"])

    # what came of it

    def until(self, what, true, seconds=20):
        end = time.monotonic() + seconds
        while True:
            found = true()
            if found:
                return found
            assert self.bot is None or self.bot.poll() is None, \
                f"the bot ended, waiting for {what}"
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.03)

    def posts(self):
        """The bot's own, oldest first."""
        state = self.ask("GET", "/sandbox/state?channel=launch-bridge")
        return [p for p in state["posts"] if key(p)]

    def post(self, part, text=""):
        """The newest post of the bot whose key has @part, or None."""
        found = [p for p in self.posts()
                 if part in key(p) and text in p["message"]]
        return found[-1] if found else None

    def wait(self, part, text="", seconds=20):
        return self.until(f"a post {part} {text}",
                          lambda: self.post(part, text), seconds)

    def print(self):
        for post in self.posts():
            print("#", key(post), "|", post["message"].replace("\n", " / "))
        log = (self.folder / "bot.log").read_text(encoding="utf-8")
        for line in log.splitlines():
            print("#", line)


def key(post):
    return (post.get("props") or {}).get("bridgekeeper", "")


def run(cases, at_once=1):
    """Each case, a function, makes its own stage."""
    def attempt(case):
        try:
            case()
            return None
        except Exception as error:  # whatever it was, go on with the others
            return error

    print(f"1..{len(cases)}")
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        errors = pool.map(lambda item: attempt(item[1]), cases)
        for number, ((name, _), error) in enumerate(zip(cases, errors), 1):
            if error:
                print("#", repr(error))
            print("not ok" if error else "ok", number, name, flush=True)
