#!/usr/bin/env python3
"""Hosts that are not as they should be, and a bot killed at the worst moments:
full disks, homes that cannot be written in, steprun that cannot be put or is
damaged, keys that change, hosts that never come back.

Usage: ssh_trouble.py SANDBOX BRIDGEKEEPER
"""
import pathlib
import random
import resource
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import hosts  # noqa: E402
import stage  # noqa: E402

CASES = hosts.Cases()
case = CASES.add
TRAPPED = """
(trap 'count child; exit 1' TERM; sleep 50 & wait) &
trap 'count trapped; exit 1' TERM
count begin
wait
"""


def failed(there, *words, number="1.1", seconds=40):
    post = there.wait(f"/step/{number}/failed", seconds=seconds)
    said = " ".join(post["message"].split())  # lines break between words
    for word in words:
        assert word in said, (word, post["message"])


def kept(host):
    return host.folder / "home" / ".bridgekeeper"


def runners(host):
    """The processes of steprun there."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink().is_relative_to(kept(host)):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def kept_log(host):
    (log,) = (kept(host) / "attempts").glob("*/*/log")
    return log.read_text()


@case(("", "count it"), names=("a",))
def a_home_that_cannot_be_written_is_said_and_mended(there):
    host = there.host("a")
    kept(host).write_text("in the way")
    there.begin()
    failed(there, host.address, "its user has no home folder to write in")
    kept(host).unlink()
    there.say("lead", "!retry 1.1")
    there.wait("/succeeded/")
    assert host.ledger() == ["it"], host.ledger()


@case(("", "count it"), names=("a",))
def a_home_that_runs_no_programs_is_said_and_mended(there):
    host = there.host("a")
    host.program("chmod", "#!/bin/sh\n")
    there.begin()
    failed(there, "steprun cannot be run there", "Permission denied")
    (host.folder / "bin" / "chmod").unlink()
    there.say("lead", "!retry 1.1")
    there.wait("/succeeded/")
    assert host.ledger() == ["it"], host.ledger()


@case(("", "count first"), ("", hosts.LONG), ("", "count last"), names=("a",))
def a_damaged_steprun_is_brought_anew_beside_another_version(there):
    host = there.host("a")
    there.begin()
    there.until("the second step", lambda: "begin" in host.ledger(), 40)
    (other,) = (kept(host) / "bin").iterdir()
    other.rename(other.with_name("steprun-0123456789abcdef"))
    other.write_text("what is left after a crash")
    other.chmod(0o700)
    hosts.let_go(host)
    there.wait("/succeeded/", seconds=40)
    assert host.ledger() == ["first", "begin", "end", "last"], host.ledger()
    assert len(list((kept(host) / "bin").iterdir())) == 2


@case(("", "count it"), names=("a",))
def a_disk_too_full_for_steprun_is_said_and_waited_for(there):
    host = there.host("a")
    host.fill(64)
    there.begin()
    lost = there.wait("/lost/", seconds=40)
    assert "File too large" in lost["message"], lost["message"]
    assert "has not begun there" in lost["message"], lost["message"]
    assert host.ledger() == []
    host.login()
    there.wait("/succeeded/", seconds=40)
    assert host.ledger() == ["it"], host.ledger()


@case(("", "count first"), ("", "count it"), names=("a",))
def a_disk_too_full_to_begin_is_said_and_waited_for(there):
    host = there.host("a")
    there.start()
    there.say("lead", "!cutover start")
    gate = there.wait("/gate/")
    host.program("count", hosts.COUNT.format(folder=host.folder)
                 + f"echo \"trap '' XFSZ; ulimit -f 0\" > {host.folder}/login\n")
    there.tap("rep", gate["id"])
    lost = there.wait("/lost/", seconds=40)
    assert "File too large" in lost["message"], lost["message"]
    assert host.ledger() == ["first"], host.ledger()
    host.login()
    there.wait("/succeeded/", seconds=40)
    assert host.ledger() == ["first", "it"], host.ledger()


@case(("timeout=60s", hosts.LONG + """
i=0; while [ $i -lt 2000 ]; do echo "a line of some length $i"; i=$((i+1)); done
"""), names=("a",))
def a_disk_that_fills_up_in_the_middle_loses_output_and_no_more(there):
    host = there.host("a")
    host.login("trap '' XFSZ\n")  # a file that can be no longer: a full disk
    there.begin()
    there.begun("a")
    for pid in runners(host):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (16384, -1))
    hosts.let_go(host)
    ok = there.wait("/step/1.1/ok", seconds=40)
    there.wait("/succeeded/")
    assert host.ledger() == ["begin", "end"], host.ledger()
    assert "went on" in (log := kept_log(host)) and len(log) <= 16384, len(log)
    assert "length 1999" in ok["message"], ok["message"]  # its end is told


@case(("timeout=60s", hosts.LONG), names=("a",), disk="size=8m")
def a_full_disk_does_not_keep_the_bot_from_hearing_the_end(there):
    host = there.host("a")
    there.begin()
    there.begun("a")
    there.kill()
    (host.home() / "go").write_text("")
    host.occupy()
    there.bot = None
    there.until("it to end", lambda: "end" in host.ledger())
    host.occupy()
    there.start()
    there.wait("/step/1.1/ok", seconds=40)
    there.wait("/succeeded/")
    assert host.ledger() == ["begin", "end"], host.ledger()
    assert (host.home() / "ballast").exists()


@case(("", "count it"), names=("a",), extra="files = *.env",
      files={"one.env": "A=1\n"})
def what_could_not_begin_for_a_minute_looks_at_its_files_again(there):
    host = there.host("a")
    host.fill(64)  # enough to read files, too little for steprun
    there.begin()
    lost = there.wait("/lost/", seconds=40)
    assert "has not begun there" in lost["message"], lost["message"]
    (host.folder / "work" / "one.env").write_text("A=2\n")
    failed(there, "File too large", seconds=100)
    host.login()
    there.say("lead", "!retry 1.1")
    held = there.wait("/held/", seconds=40)
    assert "one.env" in held["message"], held["message"]
    assert host.ledger() == [], host.ledger()
    there.tap("rep", there.wait("/gate/2")["id"])
    there.wait("/succeeded/", seconds=40)
    assert host.ledger() == ["it"], host.ledger()


@case(("timeout=60s", TRAPPED), names=("a", "b"))
def a_rollback_ends_what_runs_there_with_all_it_started(there):
    host = there.host("a")
    there.begin()
    there.begun("a")
    time.sleep(0.3)
    there.say("lead", "!rollback it is bad")
    there.wait("/rolled-back/", seconds=40)
    assert sorted(host.ledger()[:3]) == ["begin", "child", "trapped"], \
        host.ledger()
    assert host.ledger()[3:] == ["back"], host.ledger()
    assert there.host("b").ledger() == ["back"], there.host("b").ledger()


@case(("parallel=2 timeout=60s", hosts.LONG), names=("a", "b"))
def a_host_that_never_comes_back_does_not_keep_a_rollback(there):
    a, b = there.hosts
    there.begin()
    there.begun("a", "b")
    b.stop()
    there.wait("/lost/", seconds=60)
    there.say("lead", "!rollback b is gone")
    rolls = there.wait("/rolling", seconds=40)
    assert "`!fail 1.1 WHY` gives it up" in rolls["message"], \
        rolls["message"]
    there.say("lead", "!why")
    there.wait("/why", "1.1 host is away: `!fail 1.1 WHY`")
    there.until("a to be ended", lambda: any(
        e.get("host", 0) == 0 for e in there.events("attempt.ended")), 40)
    there.say("lead", "!fail 1.1 b is gone")
    there.until("a to be put back", lambda: "back" in a.ledger(), 40)
    there.wait("/lost/", "has not begun there", seconds=60)
    there.say("lead", "!fail 2.1 b is gone")
    failed(there, number="2.1")
    there.say("lead", "!skip 2.1 b is gone")
    there.wait("/rolled-back/", seconds=40)
    assert a.ledger() == ["begin", "back"], a.ledger()
    assert b.ledger() == ["begin"], b.ledger()


@case(("timeout=60s", hosts.LONG), names=("a",))
def a_key_that_changes_in_the_middle_is_said_and_waited_for(there):
    host = there.host("a")
    there.begin()
    there.begun("a")
    host.stop()
    key = host.folder / "host_key"
    key.rename(host.folder / "old_key")
    hosts.make_key(key)
    host.start()
    lost = there.wait("/lost/", seconds=60)
    said = " ".join(lost["message"].split())
    assert "its host key is not the one in" in said, lost["message"]
    assert "may be running there" in said, lost["message"]
    hosts.let_go(host)
    there.until("it to end", lambda: "end" in host.ledger())
    host.stop()
    (host.folder / "old_key").rename(key)
    host.start()
    there.wait("/succeeded/", seconds=60)
    assert host.ledger() == ["begin", "end"], host.ledger()


@case(("parallel=2", "count it; sleep 0.2; echo all"),
      ("", "count more"), names=("a", "b"))
def a_bot_killed_again_and_again_starts_each_once(there):
    there.start()
    there.say("lead", "!cutover start")
    gate = there.wait("/gate/")
    there.tap("rep", gate["id"])
    for _ in range(12):
        time.sleep(random.uniform(0.02, 0.5))
        there.kill()
        there.start()
    there.wait("/succeeded/", seconds=60)
    assert there.counts("it") == {"a": 1, "b": 1}, there.counts("it")
    assert there.counts("more") == {"a": 1, "b": 1}, there.counts("more")


@case(("timeout=60s", hosts.LONG), names=("a",))
def a_folder_that_was_emptied_there_is_unknown(there):
    host = there.host("a")
    there.begin()
    there.begun("a")
    host.stop()
    (folder,) = (kept(host) / "attempts").glob("*/*")
    for path in folder.iterdir():
        path.unlink()
    host.start()
    there.wait("/step/1.1/unknown", seconds=40)
    hosts.let_go(host)
    there.say("lead", "!done 1.1")
    there.wait("/succeeded/")
    assert there.counts("begin") == {"a": 1}


stage.run(CASES, 4)
