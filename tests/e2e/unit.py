#!/usr/bin/env python3
"""Tries packaging/bridgekeeper.service under a running systemd: installs a
config, plays a run, and restarts, stops and kills the service within a step.

Usage, as root of a machine or container that may be spoiled, after `meson
install`; not a part of `make check`:

    unit.py SANDBOX
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

sys.dont_write_bytecode = True

ETC = pathlib.Path("/etc/bridgekeeper")
STATE = pathlib.Path("/var/lib/bridgekeeper")
WORK = pathlib.Path("/srv/launch")
TOKEN = "tokenofthebot0000000000000"
SCENE = {
    "team": {"name": "platform"},
    "channels": [{"name": "launch-bridge", "display_name": "Launch bridge"}],
    "users": [{"username": "bridgekeeper", "bot": True, "token": TOKEN},
              {"username": "lead", "token": "tokenofthelead000000000000"}],
}
CONFIG = """[mattermost]
url = {url}
team = platform
token_credential = token

[bridge]
channel = launch-bridge
runbook = night.md
state_dir = /var/lib/bridgekeeper
prefix = NT

[role Lead]
primary = lead

[target local]
workdir = /srv/launch

[env night]
secrets_credential = night
"""
SECRET = "Hunter2Hunter2"
DROP_IN = pathlib.Path(
    "/etc/systemd/system/bridgekeeper.service.d/secrets.conf")
# Each step counts in a file of its own; a long one goes on when its door opens.
STEP = """{number}. {title}

   ```sh
   echo "{name} $(id -un) $(umask)" >> /srv/launch/count
   echo kept > /tmp/bridgekeeper-{name}
   until test -e /srv/launch/{name}.door; do sleep 0.1; done
   test "$(cat /tmp/bridgekeeper-{name})" = kept
   ```

"""
NAMES = ("restarted", "stopped", "killed")
RUNBOOK = """# Night

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |

## 1 Go {.production env=night}

""" + "".join(
    STEP.format(number=i + 1, title=f"The bot is {name}", name=name)
    for i, name in enumerate(NAMES)) + """4. It is held to the unit

   ```sh
   ! touch /etc/spoiled 2>/dev/null
   ! unshare -r true 2>/dev/null
   test "$(cat /proc/self/status | sed -n 's/^NoNewPrivs:.//p')" = 1
   test "$(sed -n 's/^CapBnd:.//p' /proc/self/status)" = 0000000000000000
   test "$LANG" = C.UTF-8
   test ${#PASSWORD} = 14
   printf %s "user:$PASSWORD" | base64
   echo denied >> /srv/launch/count
   ```

## 2 Back {.rollback}

1. Nothing to take back

   ```sh
   true
   ```
"""


def systemctl(*words, check=True):
    return subprocess.run(["systemctl", *words], check=check, text=True,
                          capture_output=True).stdout


def main_pid():
    return int(systemctl("show", "-P", "MainPID", "bridgekeeper"))


def until(what, true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


class Site:
    def __init__(self, sandbox):
        scene = pathlib.Path("/run/scene.json")
        scene.write_text(json.dumps(SCENE))
        self.sandbox = subprocess.Popen(
            [sandbox, "--port", "0", "--scene", str(scene)],
            stdout=subprocess.PIPE, text=True)
        self.url = self.sandbox.stdout.readline().split()[-1]
        info = self.ask("/sandbox/info")
        self.channel = info["channels"][0]["id"]

    def ask(self, path, body=None, token=None):
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        if token:
            request.add_header("Authorization", "Bearer " + token)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def install(self):
        subprocess.run(["systemd-sysusers"], check=True)
        for folder in (ETC, WORK):
            folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["chown", "bridgekeeper:", WORK], check=True)
        (ETC / "config.ini").write_text(CONFIG.format(url=self.url))
        (ETC / "night.md").write_text(RUNBOOK)
        token = ETC / "token"
        token.write_text(TOKEN + "\n")
        token.chmod(0o600)  # root's alone
        secrets = ETC / "night.secrets"
        secrets.write_text(f"PASSWORD={SECRET}\n")
        secrets.chmod(0o600)
        DROP_IN.parent.mkdir(exist_ok=True)
        DROP_IN.write_text(
            f"[Service]\nLoadCredential=night:{secrets}\n")
        systemctl("daemon-reload")

    def say(self, text):
        self.ask("/api/v4/posts", {"channel_id": self.channel,
                                   "message": text},
                 SCENE["users"][1]["token"])

    def journal(self):
        done = subprocess.run(
            ["bridgekeeper", "audit", "export", "--json", "--state",
             str(STATE)], capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def events(self, kind):
        return [row["body"] for row in self.journal() if row["type"] == kind]


def counted(name):
    text = (WORK / "count").read_text() if (WORK / "count").exists() else ""
    return len(re.findall(rf"^{name}\b", text, re.M))


def steprun_pids():
    done = subprocess.run(["pgrep", "-x", "steprun"], capture_output=True,
                          text=True, check=False)
    return done.stdout.split()


def begun(name):
    until(f"the step {name}", lambda: counted(name) == 1)
    return steprun_pids()


def the_check_is_run_as_the_unit_would(site):
    done = subprocess.run(
        ["systemd-run", "--quiet", "--wait", "--pipe",
         "--property=User=bridgekeeper",
         "--property=StateDirectory=bridgekeeper",
         "--property=LoadCredential=token:/etc/bridgekeeper/token",
         "--property=LoadCredential=night:/etc/bridgekeeper/night.secrets",
         "/usr/local/bin/bridgekeeper", "check", "--online", "--config",
         str(ETC / "config.ini")], capture_output=True, text=True, check=False)
    print("\n".join("# " + line for line in done.stdout.splitlines()))
    assert done.returncode == 0, done.stdout + done.stderr


def it_starts(site):
    systemctl("start", "bridgekeeper")
    assert systemctl("is-active", "bridgekeeper").strip() == "active"
    until("a start on record", lambda: (STATE / "journal.db").exists())
    site.say("!cutover start")


def a_step_outlives_a_restart(site):
    before, runners = main_pid(), begun("restarted")
    systemctl("restart", "bridgekeeper")
    assert main_pid() != before
    assert runners and steprun_pids() == runners, (runners, steprun_pids())
    (WORK / "restarted.door").touch()


def a_step_ends_while_the_service_is_stopped(site):
    runners = begun("stopped")
    systemctl("stop", "bridgekeeper")
    assert steprun_pids() == runners
    (WORK / "stopped.door").touch()
    until("the end of the step", lambda: not steprun_pids())
    assert counted("killed") == 0
    systemctl("start", "bridgekeeper")


def a_killed_bot_is_started_again(site):
    before, runners = main_pid(), begun("killed")
    os.kill(before, 9)
    until("another bot", lambda: main_pid() not in (0, before))
    assert steprun_pids() == runners
    (WORK / "killed.door").touch()


def steps_are_denied_what_the_unit_denies(site):
    until("the last step", lambda: counted("denied") == 1)


def a_reload_reads_the_files_again(site):
    before = main_pid()
    systemctl("reload", "bridgekeeper")
    until("word of it", lambda: site.events("source.changed"))
    assert main_pid() == before


def nothing_ran_twice_and_the_run_succeeded(site):
    assert [counted(name) for name in NAMES] == [1, 1, 1]
    text = (WORK / "count").read_text()
    assert "restarted bridgekeeper 0022" in text, text
    ended = site.events("attempt.ended")
    assert len(ended) == 4 and site.events("run.succeeded"), ended
    log = subprocess.run(["journalctl", "-u", "bridgekeeper"],
                         capture_output=True, text=True, check=True).stdout
    assert TOKEN not in log and SECRET not in log
    for words in (TOKEN, SECRET, "bnRlcjJIdW50ZX"):
        kept = subprocess.run(["grep", "-rq", words, str(STATE)], check=False)
        assert kept.returncode == 1, f"{words} is in the state folder"


CASES = [
    the_check_is_run_as_the_unit_would,
    it_starts,
    a_step_outlives_a_restart,
    a_step_ends_while_the_service_is_stopped,
    a_killed_bot_is_started_again,
    steps_are_denied_what_the_unit_denies,
    a_reload_reads_the_files_again,
    nothing_ran_twice_and_the_run_succeeded,
]


def main():
    if STATE.exists() and any(STATE.iterdir()):
        sys.exit(f"unit.py: {STATE} is in use: take it away first")
    site = Site(os.path.abspath(sys.argv[1]))
    failed = 0
    try:
        site.install()
        print(f"1..{len(CASES)}")
        for number, case in enumerate(CASES, 1):
            try:
                case(site)
                print(f"ok {number} - {case.__name__}", flush=True)
            except (AssertionError, OSError,
                    subprocess.CalledProcessError) as problem:
                failed += 1
                print(f"not ok {number} - {case.__name__}\n# {problem}",
                      flush=True)
    finally:
        systemctl("stop", "bridgekeeper", check=False)
        site.sandbox.kill()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
