#!/usr/bin/env python3
"""The same short night through a server and a network that do what they do at
the worst of times.  What happened, ran and was said must be the same.

Usage: faults.py SANDBOX BRIDGEKEEPER
"""
import pathlib
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import night  # noqa: E402
import stage  # noqa: E402

POSTS = "^/api/v4/posts$"
BOT = {"user": "bridgekeeper"}


def request(do, path="^/api/v4/(posts|reactions)", **more):
    return {"on": "request", "do": do, "path": path, "times": 5, **BOT, **more}


def event(do, **more):
    return {"on": "event", "do": do, "times": 0, **BOT, **more}


FAULTS = [
    ("503 before anything is done", [request("503")]),
    ("500 after all is done", [request("500", when="after")]),
    ("connections reset before", [request("reset")]),
    ("connections reset after all is done", [request("reset", when="after")]),
    ("429 and a second to wait", [request("429", retry_after=1, times=3)]),
    ("late answers", [request("delay", ms=300)]),
    ("a command whose event is lost",
     [dict(event("drop", event="posted"), times=1)]),
    ("no events of taps", [event("drop", event="reaction_added")]),
    ("holes in the numbers", [event("gap", event="posted")]),
    ("every event twice", [event("duplicate")]),
    ("events in the wrong order", [dict(event("swap"), times=2)]),
    ("stale reads", [{"on": "read", "do": "stale", "times": 20, **BOT}]),
    ("resumes refused", [{"on": "upgrade", "do": "refuse_resume",
                          "times": 0, **BOT}]),
    ("silent upgrades", [{"on": "upgrade", "do": "silent",
                          "times": 1, **BOT}]),
]


def cut_again_and_again(there, over):
    while not over.wait(0.25):
        there.ask("POST", "/sandbox/sockets", {"do": "kill", **BOT})


def play(rules, cut=False):
    began = time.monotonic()
    over = threading.Event()
    with night.Night(sys.argv[1], sys.argv[2]) as there:
        cutter = threading.Thread(
            target=cut_again_and_again, args=(there, over))
        try:
            for rule in rules:
                there.ask("POST", "/sandbox/faults", rule)
            if cut:
                cutter.start()
            there.play()
            problems = night.difference(WANTED, there.traces())
            assert not problems, problems
            print(f"# {time.monotonic() - began:.1f} s")
        except Exception:
            there.print()
            raise
        finally:
            over.set()
            if cut:
                cutter.join()


WANTED = night.quiet(sys.argv[1], sys.argv[2])
stage.run([(name, lambda rules=rules: play(rules)) for name, rules in FAULTS]
          + [("the socket cut four times a second", lambda: play([], True))], 4)
