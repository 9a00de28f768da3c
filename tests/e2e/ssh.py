#!/usr/bin/env python3
"""Steps on other hosts: three real sshd on loopback, cut off, stopped, changed
and started again, the bot killed meanwhile.  What ran is what each host itself
has counted.

Usage: ssh.py SANDBOX BRIDGEKEEPER
"""
import os
import pathlib
import random
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import hosts  # noqa: E402
import stage  # noqa: E402

CASES = hosts.Cases()
case = CASES.add
SPANS = """
count begin $(date +%s%N)
sleep 0.4
count end $(date +%s%N)
"""


def spans(there):
    found = []
    for host in there.hosts:
        times = {line.split()[0]: int(line.split()[1])
                 for line in host.ledger()}
        assert len(host.ledger()) == 2, host.ledger()
        found.append((times["begin"], times["end"], host.name))
    return sorted(found)


def most_at_once(found):
    return max(sum(begin <= at < end for begin, end, _ in found)
               for at, _, _ in found)


@case(("", SPANS))
def hosts_come_one_after_the_other(there):
    there.begin()
    there.wait("/succeeded/")
    found = spans(there)
    assert most_at_once(found) == 1, found
    assert [name for _, _, name in found] == ["a", "b", "c"], found


@case(("parallel=2", SPANS))
def no_more_hosts_at_once_than_the_block_says(there):
    there.begin()
    there.wait("/succeeded/")
    assert most_at_once(spans(there)) == 2, spans(there)


@case(("parallel=3", SPANS), extra="parallel = 1")
def the_config_may_want_fewer_at_once(there):
    there.begin()
    there.wait("/succeeded/")
    assert most_at_once(spans(there)) == 1, spans(there)


@case(("parallel=3", """
count try
if mkdir "$HOME/tried" 2>/dev/null && [ -e "$HOME/bad" ]; then
  echo it is bad here; exit 3
fi
echo fine here
"""))
def retry_repeats_only_the_host_that_failed(there):
    (there.host("b").folder / "home" / "bad").write_text("")
    there.begin()
    failed = there.wait("/step/1.1/failed")
    assert "exit 3" in failed["message"], failed["message"]
    assert there.host("b").address in failed["message"], failed["message"]
    there.say("lead", "!retry 1.1")
    there.wait("/succeeded/")
    assert there.counts("try") == {"a": 1, "b": 2, "c": 1}


@case(("", "count it"))
def a_host_with_another_key_is_refused(there):
    there.write("known_hosts", there.host("a").known() +
                there.host("b").known().split(" ")[0] + " " +
                there.host("c").known().split(" ", 1)[1] +
                there.host("c").known())
    there.start()
    there.say("lead", "!cutover start")
    there.wait("", "its host key is not the one in")
    there.write("known_hosts", there.host("a").known())
    there.say("lead", "!cutover start")
    there.wait("", "its host key is not in")
    assert there.counts("it") == {"a": 0, "b": 0, "c": 0}


@case(("", "count it"), ("on=other", "count other"), names=("a",))
def what_one_target_trusts_no_other_does(there):
    host = there.host("a")
    config = (there.folder / "config.ini").read_text()
    there.write("config.ini", config + f"""
[target other]
hosts = {host.address}
workdir = /proc/self/cwd
ssh_key = key
ssh_known_hosts = others
""")
    there.write("others", "")
    there.start()
    for times in range(1, 3):  # the second finds a connection of the first
        there.say("lead", "!cutover start")
        there.until(f"refusal {times}", lambda: times == sum(
            "its host key is not in" in " ".join(post["message"].split())
            for post in there.posts()))
    there.write("others", host.known())
    there.say("lead", "!cutover start")
    there.tap("rep", there.wait("/gate/")["id"])
    there.wait("/succeeded/")
    assert host.ledger() == ["it", "other"], host.ledger()


@case(("", "count it"), names=("a",))
def a_host_that_cannot_run_steprun_is_refused(there):
    there.host("a").program("uname", "#!/bin/sh\necho Linux riscv64\n")
    there.begin()
    failed = there.wait("/step/1.1/failed")
    said = " ".join(failed["message"].split())  # lines break between words
    assert "steprun cannot be run there" in said, said
    assert "riscv64" in said, said
    assert there.counts("it") == {"a": 0}
    (there.host("a").folder / "bin" / "uname").unlink()
    there.say("lead", "!retry 1.1")
    there.wait("/succeeded/")
    assert there.counts("it") == {"a": 1}


@case(("parallel=2", hosts.LONG), names=("a", "b"))
def a_killed_bot_finds_its_steps_on_every_host(there):
    there.begin()
    there.begun("a", "b")
    there.kill()
    hosts.let_go(*there.hosts)
    there.start()
    ok = there.wait("/step/1.1/ok")
    assert ok["message"].count("went on") == 2, ok["message"]
    there.wait("/succeeded/")
    assert there.counts("begin") == {"a": 1, "b": 1}


@case(("timeout=60s", hosts.LONG), names=("a",))
def a_cut_connection_loses_nothing(there):
    host = there.host("a")
    there.begin()
    there.begun("a")
    host.cut()
    time.sleep(0.3)
    hosts.let_go(host)
    ok = there.wait("/step/1.1/ok")
    assert "went on" in ok["message"], ok["message"]
    assert host.ledger() == ["begin", "end"], host.ledger()
    assert not there.events("attempt.lost")


@case(("", "count it; sleep 0.3; echo all of it"), names=("a", "b"))
def a_connection_cut_while_a_step_starts_starts_it_once(there):
    there.start()
    there.say("lead", "!cutover start")
    gate = there.wait("/gate/")
    there.tap("rep", gate["id"])
    end = time.monotonic() + 4
    while time.monotonic() < end:
        for host in there.hosts:
            host.cut()
        time.sleep(random.uniform(0.02, 0.3))
    there.wait("/succeeded/", seconds=40)
    assert there.counts("it") == {"a": 1, "b": 1}


@case(("timeout=60s", """
trap 'count trapped; exit 1' TERM
count begin
sleep 50 & wait
"""), names=("a",))
def a_step_is_cancelled_over_ssh(there):
    there.begin()
    there.begun("a")
    there.say("lead", "!fail 1.1 it is wrong")
    there.wait("/step/1.1/failed")
    assert there.host("a").ledger() == ["begin", "trapped"]
    ended = there.events("attempt.ended")
    assert ended[0]["outcome"] == "cancelled", ended


@case(("timeout=2s", "count begin; sleep 50"), names=("a",))
def a_step_times_out_without_a_connection(there):
    host = there.host("a")
    there.begin()
    there.begun("a")
    host.stop()
    time.sleep(2.5)
    host.start()
    failed = there.wait("/step/1.1/failed")
    assert "did not end within 2s" in failed["message"], failed["message"]
    assert host.ledger() == ["begin"], host.ledger()


@case(("timeout=60s", hosts.LONG), names=("a",))
def what_a_host_has_forgotten_is_unknown(there):
    host = there.host("a")
    there.begin()
    there.begun("a")
    host.stop()
    (host.folder / "home" / ".bridgekeeper").rename(
        host.folder / "home" / "gone")
    host.start()
    there.wait("/step/1.1/unknown")
    hosts.let_go(host)
    there.say("lead", "!done 1.1")
    there.wait("/succeeded/")
    assert there.counts("begin") == {"a": 1}


@case(("", "count it; cat one.env"), extra="files = *.env",
      files={"one.env": "A=1\n"}, names=("a", "b"))
def hosts_must_have_the_same_tracked_files(there):
    work = there.host("b").folder / "work"
    (work / "one.env").write_text("A=2\n")
    there.start()
    there.say("lead", "!cutover start")
    there.heard(f"one.env of {there.host('b').address} is not that of")
    (work / "one.env").write_text("A=1\n")
    (work / "two.env").write_text("")
    there.say("lead", "!cutover start")
    there.heard(f"{there.host('b').address} has two.env")
    (work / "two.env").unlink()
    there.say("lead", "!cutover start")
    gate = there.wait("/gate/")
    (work / "one.env").write_text("A=3\n")
    there.tap("rep", gate["id"])
    there.until("a word on the file", lambda: any(
        "one.env" in post["message"] for post in there.posts()
        if "/gate/" in stage.key(post) or "/held/" in stage.key(post)))
    assert there.counts("it")["b"] == 0


@case(("", "count it"), names=("a",), ip="::1")
def a_host_may_be_an_address_with_colons(there):
    found = subprocess.run(
        [there.program, "check", "--config", there.folder / "config.ini"],
        stdout=subprocess.PIPE, text=True, check=False).stdout
    assert "0 errors" in found and "ssh-known-hosts" not in found, found
    there.begin()
    there.wait("/succeeded/")
    assert there.host("a").ledger() == ["it"]


@case(("", "count it"), names=("a",))
def a_hold_said_while_a_host_is_slow_to_answer_holds(there):
    host = there.host("a")
    host.login("sleep 2\n")
    there.start()
    there.say("lead", "!cutover start")
    time.sleep(0.5)
    there.say("other", "!cutover hold wait")
    there.wait("/held/")
    host.login()
    there.tap("rep", there.wait("/gate/")["id"])
    there.until("T0", lambda: there.events("gate.passed"))
    time.sleep(1)
    assert host.ledger() == [], host.ledger()
    there.say("lead", "!cutover resume")
    there.wait("/succeeded/")
    assert host.ledger() == ["it"], host.ledger()


@case(("", "count it"), names=("a", "b"))
def a_host_that_is_away_for_a_moment_delays_its_step(there):
    there.start()
    there.say("lead", "!cutover start")
    gate = there.wait("/gate/")
    there.host("b").stop()
    there.tap("rep", gate["id"])
    there.until("the bot to see it", lambda: "hosts.away" in (
        there.folder / "bot.log").read_text())
    there.host("b").start()
    there.wait("/succeeded/")
    assert there.counts("it") == {"a": 1, "b": 1}


@case(("", "count first"), ("", hosts.LONG), names=("a", "b"))
def a_host_that_stays_away_holds_the_run_before_its_step(there):
    there.begin()
    there.until("a to go on", lambda: "begin" in there.host("a").ledger())
    there.host("b").stop()
    hosts.let_go(*there.hosts)
    held = there.wait("/held/", seconds=40)
    assert "Connection refused" in held["message"], held["message"]
    there.host("b").start()
    there.say("lead", "!cutover resume")
    there.wait("/succeeded/")
    assert there.counts("begin") == {"a": 1, "b": 1}


@case(("timeout=60s", hosts.LONG.replace("count begin", """
count begin
echo "secret is $TOKEN"
""")), names=("a",), words=" {env=prod}", extra="""
[env prod]
secrets_file = prod.secrets
""")
def a_secret_reaches_a_host_and_stays_nowhere(there):
    there.write("prod.secrets", "TOKEN=correct-horse-battery\n", 0o600)
    there.begin()
    there.begun("a")
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"correct-horse" not in entry.read_bytes(), entry
        except OSError:
            continue
    hosts.let_go(there.host("a"))
    there.wait("/succeeded/")
    for path in there.folder.rglob("*"):
        if path.is_file() and path.name != "prod.secrets":
            assert b"correct-horse" not in path.read_bytes(), path
    logs = list(there.folder.rglob("log"))
    assert any("secret is ***" in path.read_text() for path in logs), logs


@case(("", "count it"), ("", "count more"), names=("a",))
def what_the_page_says_to_remove_is_what_has_ended(there):
    there.begin()
    there.wait("/succeeded/")
    home = there.host("a").folder / "home"
    first, second = sorted((home / ".bridgekeeper" / "attempts").glob("*/*"))
    for folder in (first, second):
        os.utime(folder / "status", (0, 0))
    (second / "status").rename(second / "never")
    page = pathlib.Path(__file__).resolve().parents[2] / "docs/operations.md"
    (command,) = re.findall(r"^find ~/\.bridgekeeper.*$",
                            page.read_text(), re.M)
    subprocess.run(command, shell=True, check=True,
                   env={**os.environ, "HOME": str(home)})
    assert not first.exists() and (second / "log").exists()


stage.run(CASES, 3)
