#!/usr/bin/env python3
"""The demo's verdict finds what does not agree."""
import copy
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import verdict  # noqa: E402


def sh(text):
    return {"kind": "sh", "text": text}


STEPS = {
    "4.2.1": {"blocks": [sh("docker compose pull\n"), sh("helm list")]},
    "4.2.2": {"blocks": [sh("docker compose up -d\ncurl u")]},
    "4.2.3": {"blocks": [sh("for x in a b; do docker logs $x; done")]},
    "5.1": {"blocks": [{"kind": "http", "text": "GET http://x/"}]},
}


def call(step, words, block=1, attempt=1, exit_status=0):
    folder = f"/s/LB-2-{step}-b{block}-local-{attempt}/published"
    return {"argv": words.split(), "exit": exit_status,
            "caller": {"BRIDGE_OUTPUT": folder}}


def attempt(step, block=0, number=1, outcome="ok"):
    where = {"run": 2, "step": list(STEPS).index(step), "block": block,
             "attempt": number}
    return [{"type": "attempt.started", "body": where},
            {"type": "attempt.ended", "body": {**where, "outcome": outcome}}]


LEDGER = [
    call("4.2.1", "docker compose pull", exit_status=1),
    call("4.2.1", "docker compose pull", attempt=2),
    call("4.2.1", "helm list", block=2),
    call("4.2.2", "docker compose up -d"),
    call("4.2.2", "curl u"),
    call("4.2.3", "docker logs a"),
    call("4.2.3", "docker logs b"),
    {"argv": ["site", "GET", "http://x/"], "exit": 0, "caller": {}},
]
JOURNAL = [
    {"type": "gate.posted", "body": {"gate": 1, "post": "p1"}},
    {"type": "gate.approved", "body": {"gate": 1, "user": "u-cto"}},
    *attempt("4.2.1", outcome="failed"), *attempt("4.2.1", number=2),
    *attempt("4.2.1", block=1), *attempt("4.2.2"), *attempt("4.2.3"),
    *attempt("5.1"),
    {"type": "gate.asked", "body": {"gate": 2, "user": "u-lead", "post": "p9"}},
    {"type": "status.due", "body": {"run": 2, "number": 1}},
    {"type": "run.rolled_back", "body": {"run": 2}},
]


class Night:
    """A night that agrees with itself until somebody meddles with it."""
    end = "run.rolled_back"

    def __init__(self):
        self.steps = STEPS
        self.calls = copy.deepcopy(LEDGER)
        self.rows = copy.deepcopy(JOURNAL)
        self.world = self.bot = self.players = self.sandbox = self
        self.approvals = [("p1", "cto"), ("p9", "lead")]
        self.people = {"cto": "u-cto", "lead": "u-lead", "rep": "u-rep"}
        self.kills = 1
        self.channel = self
        self.posts = {str(i): {"props": {"bridgekeeper": key}}
                      for i, key in enumerate(["LB-2/card", "LB-2/status/1"])}
        self.posts["2"] = {"props": {}}
        self.verified = 0
        self.wrong = []

    def ledger(self):
        return self.calls

    def journal(self):
        return self.rows

    def verify(self):
        return self.verified, "row 7 does not follow"

    def what_is_wrong_with_the_world(self):
        return self.wrong


class Verdict(unittest.TestCase):
    def setUp(self):
        self.night = Night()

    def finds(self, *words):
        problems, _ = verdict.check(self.night)
        self.assertTrue(any(all(word in problem for word in words)
                            for problem in problems), problems)

    def test_a_night_that_agrees_is_found_right(self):
        self.assertEqual(verdict.check(self.night)[0], [])

    def test_a_step_that_called_nothing_is_found(self):
        del self.night.calls[3:5]
        self.finds("4.2.2", "never called")

    def test_a_call_made_twice_is_found(self):
        self.night.calls.insert(4, self.night.calls[3])
        self.finds("4.2.2", "twice")

    def test_a_call_that_is_missing_is_found(self):
        self.night.calls[3]["argv"] = ["curl", "v"]
        self.finds("4.2.2", "never called {'docker'}")

    def test_a_call_of_an_attempt_that_never_was_is_found(self):
        self.night.calls.append(call("4.2.2", "curl u", attempt=2))
        self.finds("'4.2.2'", "never started")

    def test_a_call_of_nobody_is_found(self):
        self.night.calls.append({"argv": ["mc"], "exit": 0, "caller": {}})
        self.finds("never started")

    def test_a_call_that_no_block_has_is_found(self):
        self.night.calls[4]["argv"] = ["mongorestore", "--drop"]
        self.finds("4.2.2", "of its own accord")

    def test_a_failure_that_ended_well_is_found(self):
        self.night.calls[2]["exit"] = 1
        self.finds("4.2.1", "a call failed")

    def test_another_order_is_found(self):
        self.night.calls[3:7] = self.night.calls[5:7] + self.night.calls[3:5]
        self.finds("order")

    def test_an_attempt_without_an_end_is_found(self):
        ends = [row for row in self.night.rows
                if row["type"] == "attempt.ended"]
        self.night.rows.remove(ends[-2])
        self.finds("4.2.3", "never ended")

    def test_a_request_that_nobody_answered_is_found(self):
        self.night.calls.pop()
        self.finds("requests")

    def test_an_approval_that_nobody_gave_is_found(self):
        self.night.approvals.pop()
        self.finds("journalled and not tapped")

    def test_an_approval_that_was_not_journalled_is_found(self):
        self.night.approvals.append(("p1", "rep"))
        self.finds("tapped and not journalled")

    def test_a_post_said_twice_is_found(self):
        self.night.posts["3"] = self.night.posts["0"]
        self.finds("said twice", "LB-2/card")

    def test_a_status_that_was_not_said_is_found(self):
        del self.night.posts["1"]
        self.finds("1 statuses journalled, 0 said")

    def test_another_end_is_found(self):
        self.night.rows[-1]["type"] = "run.succeeded"
        self.finds("the night ended")

    def test_a_broken_chain_is_found(self):
        self.night.verified = 1
        self.finds("audit verify", "row 7")

    def test_a_night_without_a_kill_is_found(self):
        self.night.kills = 0
        self.finds("killed 0 times")

    def test_a_world_that_is_not_as_it_should_be_is_found(self):
        self.night.wrong = ["production runs nothing"]
        self.finds("production runs nothing")


if __name__ == "__main__":
    unittest.main()
