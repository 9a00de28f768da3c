#!/usr/bin/env python3
"""A night on three hosts over ssh: one host's sshd is stopped in the middle of
a step, and the bot is killed.  Nothing runs twice by the hosts' own counts,
people are asked what became of the step that nobody saw end, and the run is
brought to its end.

Usage: ssh_night.py SANDBOX BRIDGEKEEPER
"""
import pathlib
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import hosts  # noqa: E402
import stage  # noqa: E402

RUNBOOK = """# A night on three hosts

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | c |

| Step | Required approvers | Record location |
|---|---|---|
| T0 | Lead + Storage | channel |
| Success | Lead + Storage | channel |

## 1 Go {.production gate="T0" on=web}

1. Stop the workers

   ```sh parallel=3
   count stop
   ```

2. Deploy

   ```sh parallel=3 timeout=10m
   count deploy
   while ! [ -e "$HOME/go" ]; do [ -d "$HOME" ]; sleep 0.1; done
   count deployed
   echo deployed
   ```

3. Start the workers

   ```sh
   count start
   ```

## 2 Look {.smoke on=web success="Success"}

| Test | Command / action | Expected result |
|---|---|---|
| All is up | `count smoke; echo up` | `output contains "up"` |

## 3 Back {.rollback on=web}

1. Put it back

   ```sh
   count back
   ```
"""

ONCE = ["stop", "deploy", "deployed", "start", "smoke"]


def approve(there, number):
    gate = there.wait(f"/gate/{number}")
    there.tap("rep", gate["id"])
    there.tap("lead", gate["id"])


def let_go(host):
    (host.folder / "home" / "go").write_text("")


def figures(there, marks):
    """What the night was, in numbers."""
    for host in there.hosts:
        counts = {word: host.ledger().count(word) for word in ONCE}
        print(f"# {host.name} counted:", ", ".join(
            f"{word} {count}" for word, count in counts.items()))
    outcomes = [e["outcome"] for e in there.events("attempt.ended")]
    print(f"# attempts: {len(outcomes)} begun,", ", ".join(
        f"{outcomes.count(word)} {word}" for word in sorted(set(outcomes))))
    for (_, before), (what, at) in zip(marks, marks[1:]):
        print(f"# {what}: {at - before:.1f} s later")


def play(there, marks):
    def mark(what):
        marks.append((what, time.monotonic()))

    a, b, c = there.hosts
    there.start()
    there.say("lead", "!cutover start")
    approve(there, 1)
    there.until("all to deploy", lambda: all(
        "deploy" in host.ledger() for host in there.hosts))
    b.stop()
    there.kill()
    mark("b's sshd stopped, the bot killed")
    let_go(a)
    let_go(c)
    there.start()
    mark("the bot is back")
    lost = there.wait("/lost/", seconds=60)
    mark("people are told that b is away")
    assert b.address in lost["message"], lost["message"]
    assert "may be running there" in lost["message"], lost["message"]
    assert "!fail 1.2" in lost["message"], lost["message"]
    there.say("lead", "!fail 1.2 it does not answer")
    asked = there.wait("/step/1.2/unknown", seconds=40)
    mark("people are asked how it ended there")
    assert "how did it end" in asked["message"], asked["message"]
    # It goes on there meanwhile, and ends well: somebody looked.
    let_go(b)
    there.until("b to deploy", lambda: "deployed" in b.ledger())
    b.start()
    there.say("lead", "!done 1.2 I looked at it")
    approve(there, 2)
    there.wait("/succeeded/", seconds=60)
    mark("the run has succeeded")
    there.say("lead", "!cutover close")
    there.wait("/closed/")
    there.stop()


def check(there):
    for host in there.hosts:
        assert host.ledger() == ONCE, (host.name, host.ledger())
    started = [(e["step"], e.get("block", 0), e.get("host", 0), e["attempt"])
               for e in there.events("attempt.started")]
    assert len(started) == len(set(started)) == 12, started
    ended = there.events("attempt.ended")
    assert [e["outcome"] for e in ended].count("unknown") == 1, ended
    assert len(there.events("step.confirmed")) == 1
    keys = [stage.key(post) for post in there.posts()]
    assert len(keys) == len(set(keys)), f"said twice: {sorted(keys)}"
    there.audit("verify")


def night():
    with hosts.SshStage(sys.argv[1], sys.argv[2], RUNBOOK) as there:
        try:
            marks = []
            play(there, marks)
            figures(there, marks)
            check(there)
        except BaseException:
            there.print()
            raise


stage.run([("a night on three hosts ends well though one is cut off and the bot "
            "killed", night)])
