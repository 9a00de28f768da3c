#!/usr/bin/env python3
"""A short night, once for each event in its journal, with the bot killed by
SIGKILL from outside right after that event was committed, and people going on
while it is dead.  The end must be that of the night that was not killed: by the
commands' own ledger, by the posts and pins that the server holds, and by the
approvals in the journal.

Usage: kills.py SANDBOX BRIDGEKEEPER [NIGHTS AT ONCE]
"""
import concurrent.futures
import pathlib
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import night  # noqa: E402
import stage  # noqa: E402


def one(kill_at, wanted):
    """Problems of the night that is killed at this event."""
    with night.Night(sys.argv[1], sys.argv[2], kill_at) as there:
        try:
            there.play()
            problems = night.difference(wanted, there.traces())
            if there.lives != 2:
                problems.append(f"{there.lives} lives")
        except Exception as error:  # told with the event that it came after
            problems = [repr(error)]
        if problems:
            print(f"# killed after event {kill_at}:", *problems, sep="\n# ")
            there.log.flush()
            there.print()
        return problems


def nights():
    wanted, events = night.quiet(sys.argv[1], sys.argv[2])
    at_once = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        problems = list(pool.map(
            lambda kill_at: one(kill_at, wanted), range(1, events + 1)))
    print(f"# {events} kills, one after each event,"
          f" in {time.monotonic() - began:.0f} s")
    assert not any(problems), f"{sum(map(bool, problems))} nights differ"


stage.run([("a night killed after any of its events ends the same", nights)])
