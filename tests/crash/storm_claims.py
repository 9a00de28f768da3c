"""What must hold after any storm, by what the commands themselves wrote, what
the server holds, what people did and what the journal says."""
import json
import pathlib
import re
import sqlite3
import subprocess

import night

ROLES = {"plan": ({"dora", "ada"}, {"carl"}),
         "start": ({"dora", "ada"}, {"sam"}),
         "success": ({"carl", "dora", "ada"},),
         "files": ({"dora", "ada"}, {"sam"}),
         "rollback": ({"dora", "ada"}, {"carl"})}
TAPS = {"white_check_mark", "heavy_check_mark", "+1"}
COMMAND = re.compile(
    r"!(cutover (plan|rehearse|start|hold|resume|abort|close|decide|poll)"
    r"|rollback|done|fail|retry|skip|run|pass|claim|note|status|who|why|help)"
    r"\b")
BAD_LOG = re.compile(
    r"decision\.impossible|engine\.restless|journal\.refused"
    r"|journal\.damaged|Sanitizer|runtime error|Assertion")


class View:
    """The night as its journal tells it."""

    def __init__(self, events):
        self.gates = {}
        self.runs = {}
        self.refusal = ""  # the last one's words
        for event in events:
            self.take(event)

    def take(self, event):
        kind = event["type"]
        if kind == "gate.opened":
            self.gates[event["gate"]] = {**event, "status": "open",
                                         "by": set()}
        elif kind == "run.begun":
            self.runs[event["run"]] = {
                "number": event["run"], "kind": event["kind"],
                "status": "planned", "held": False, "steps": {},
                "begun": False, "watched": False, "ok": False,
                "gave_up": False}
        elif kind == "command.refused":
            self.refusal = event["text"]
        elif kind == "run.rehearsed":
            self.refusal = ""
        gate = self.gates.get(event.get("gate"))
        run = self.runs.get(event.get("run"))
        if gate is not None and kind.startswith("gate."):
            self.take_gate(kind, event, gate, run)
        if run is not None:
            self.take_run(kind, event, run)

    @staticmethod
    def take_gate(kind, event, gate, run):
        if kind == "gate.posted":
            gate["post"] = event["post"]
        elif kind in ("gate.approved", "gate.asked"):
            gate["by"].add(event["user"])
        elif kind == "gate.withdrawn":
            gate["by"].discard(event["user"])
        elif kind in ("gate.passed", "gate.closed", "gate.used"):
            gate["status"] = kind[5:]
            if kind == "gate.closed" and gate["purpose"] == "start":
                run["status"] = "planned"
            if kind == "gate.closed" and gate["purpose"] == "rollback":
                run["gave_up"] = True
        elif kind == "gate.opened" and gate["purpose"] == "start":
            run["status"] = "at gate"

    @staticmethod
    def take_run(kind, event, run):
        states = {"run.t0": "running", "run.deciding": "deciding",
                  "run.succeeded": "succeeded", "run.aborted": "aborted",
                  "run.rolling_back": "rolling back",
                  "run.rolled_back": "rolled_back", "run.closed": "closed"}
        run["status"] = states.get(kind, run["status"])
        if kind in ("run.held", "run.resumed"):
            run["held"] = kind == "run.held"
        elif kind in states:
            run["held"] = run["held"] and kind in ("run.t0", "run.deciding")
        if kind == "run.rehearsed":
            run["ok"] = event["outcome"] == "ok"
        if kind == "run.watched":
            run["watched"] = True
        if kind == "attempt.started":
            run["begun"] = True
        if kind in ("run.rolling_back", "run.aborted", "run.succeeded"):
            run["steps"] = {}
        if "step" not in event:
            return
        step = run["steps"].setdefault(event["step"], {"status": ""})
        if kind == "step.asked":
            step.update(status="asked", post=None)
        elif kind == "step.posted":
            step["post"] = event["post"]
        elif kind == "step.ended":
            step["status"] = event["outcome"]
        elif kind in ("step.retried", "step.allowed", "attempt.started",
                      "step.confirmed"):
            step["status"] = "running"
            if run["status"] == "deciding" and kind == "step.retried":
                run["status"] = "running"

    def current(self):
        for run in sorted(self.runs.values(), key=lambda r: -r["number"]):
            if run["status"] in ("at gate", "running", "deciding",
                                 "rolling back"):
                return run
        for run in sorted(self.runs.values(), key=lambda r: -r["number"]):
            if run["status"] != "closed":
                return run
        return None

    def planned(self):
        last = max((n for n, g in self.gates.items()
                    if g["purpose"] == "plan"), default=0)
        return last and self.gates[last]["status"] in ("passed", "used")

    def rehearsed(self):
        last = max((n for n, r in self.runs.items()
                    if r["kind"] == "rehearsal"), default=0)
        lock = max((n for n, r in self.runs.items()
                    if r["kind"] == "production" and r["begun"]), default=0)
        return last > lock and self.runs[last]["ok"] and \
            "!cutover rehearse" not in self.refusal

    def is_over(self):
        return any(r["kind"] == "production" and r["begun"] and
                   r["status"] == "closed" for r in self.runs.values())


def claim(holds, what):
    if not holds:
        raise night.Failed(what)


def check(storm):
    events = storm.journal()
    check_commands_ran(storm, events)
    check_approvals(storm, events)
    check_order(storm, events)
    check_said(storm)
    check_heard(storm)
    check_secrets(storm)
    check_log(storm)
    check_resources(storm)
    verify = subprocess.run(
        [storm.options.bot, "audit", "verify", "--state",
         str(storm.dir / "state")], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    claim(verify.returncode == 0, "audit: " + verify.stdout)


def attempt_of(storm, event):
    return (f"LB-{event['run']}", storm.numbers[event["step"]],
            str(event.get("block", 0) + 1), str(event["attempt"]))


def check_commands_ran(storm, events):
    """Each attempt of the journal ran once, and nothing else did."""
    try:
        lines = (storm.dir / "effects").read_text().splitlines()
    except FileNotFoundError:
        lines = []
    ran = [tuple(line.split()[:4]) for line in lines]
    claim(len(ran) == len(set(ran)), "ran twice: " + str(
        sorted({r for r in ran if ran.count(r) > 1})))
    started = {attempt_of(storm, e) for e in events
               if e["type"] == "attempt.started"}
    claim(set(ran) <= started, f"ran unasked: {set(ran) - started}")
    for event in events:
        if event["type"] != "attempt.ended":
            continue
        who = attempt_of(storm, event)
        if event["outcome"] in ("ok", "failed"):
            claim(who in ran, f"{who} ended {event['outcome']}, did not run")
        elif event["outcome"] == "not_started":
            claim(who not in ran, f"{who} not started, and ran")
    ends = [attempt_of(storm, e) for e in events
            if e["type"] == "attempt.ended"]
    claim(sorted(ends) == sorted(started), "attempts without an end: " + str(
        started - set(ends)))
    for line in lines:
        words = line.split()
        if words[1] == "4.2":
            claim(len(words) == 5 and words[4].startswith("snap-" + words[0]),
                  "restored from nothing: " + line)


def may_fill(slots, names):
    if not slots:
        return True
    return any(may_fill(slots[1:], names - {name})
               for name in names & slots[0])


def check_approvals(storm, events):
    """Gates passed by people who may, and who did tap or ask."""
    names = {user: name for name, user in storm.ids.items()}
    gates = {}
    for event in events:
        gate = gates.get(event.get("gate"))
        if event["type"] == "gate.opened":
            gates[event["gate"]] = {"purpose": event["purpose"],
                                    "post": None}
        elif event["type"] == "gate.posted":
            gate["post"] = event["post"]
        elif event["type"] == "gate.approved":
            tapped = any((event["user"], gate["post"], emoji) in storm.taps
                         for emoji in TAPS)
            claim(tapped, f"approved without a tap: {event}")
        elif event["type"] == "gate.asked":
            text = storm.said[event["post"]]
            claim(storm.ids[text[0]] == event["user"] and
                  "rollback" in text[1], f"approved by {text}")
        elif event["type"] == "gate.passed":
            people = {names[v["value"]] for v in event["values"]}
            slots = ROLES[gate["purpose"]]
            claim(len(people) == len(slots) and may_fill(slots, people),
                  f"{gate['purpose']} passed by {people}")


def check_order(storm, events):
    """Nothing before its gate, nothing forward in a rollback."""
    used = set()
    rolling = set()
    asked = {}
    for event in events:
        kind, run = event["type"], event.get("run")
        if kind == "gate.opened" and event["purpose"] == "rollback":
            asked[event["gate"]] = run
        elif kind in ("gate.passed", "gate.closed"):
            asked.pop(event["gate"], None)
        elif kind == "gate.used":
            used.add(run)
        elif kind == "run.rolling_back":
            rolling.add(run)
        elif kind == "run.aborted":
            rolling.discard(run)
        elif kind == "attempt.started":
            number = storm.numbers[event["step"]]
            back = number.startswith("4.")
            rehearsal = number.startswith("1.")
            claim(back == (run in rolling), f"{number} at the wrong time:"
                  f" row {event['seq']}")
            claim(back or run not in asked.values(),
                  f"{number} while a rollback is asked for")
            claim(rehearsal or run in used, f"{number} without a gate")


def check_said(storm):
    """What the outbox holds is what the server shows, each once."""
    state = storm.state()
    by_key, by_id = {}, {}
    for post in state["posts"]:
        by_id[post["id"]] = post
        key = post["props"].get("bridgekeeper")
        if key and post["user"] == "bridgekeeper":
            claim(key not in by_key, f"said twice: {key}")
            by_key[key] = post
    rows = storm.rows("SELECT key, kind, target, target_post, text, state,"
                      " post_id FROM outbox ORDER BY id")
    keys = {key for key, kind, *_ in rows if kind == "post"}
    claim(set(by_key) <= keys, f"said unasked: {set(by_key) - keys}")
    texts = {}
    for key, kind, target, target_post, text, row_state, _ in rows:
        claim(row_state in ("sent", "superseded") or is_excused(
            storm, by_id, by_key, target, target_post),
            f"{row_state}: {kind} {key}")
        if row_state != "sent":
            continue
        if kind == "post":
            claim(key in by_key, f"sent, and not there: {key}")
            texts[key] = text
        elif kind == "edit":
            texts[target] = text
        elif kind == "react":
            post = by_key[target] if target else by_id[target_post]
            claim(any(r["user"] == "bridgekeeper" and r["emoji"] == text
                      for r in post["reactions"]),
                  f"no {text} on {target or target_post}")
        elif kind in ("pin", "unpin"):
            by_key[target]["should_be_pinned"] = kind == "pin"
    for key, text in texts.items():
        post = by_key[key]
        if not post.get("delete_at"):
            edited = "tap away" in post["message"]
            claim(edited or post["message"].strip() == text.strip(),
                  f"{key} says {post['message']!r} and should {text!r}")
            claim(bool(post["is_pinned"]) == post.get("should_be_pinned",
                                                      False), f"pin of {key}")
            check_pings(storm, key, post["message"])


def is_excused(storm, by_id, by_key, target, target_post):
    """What is about a post that somebody has deleted cannot be done."""
    post = by_key.get(target) or by_id.get(target_post)
    return post is None or bool(post.get("delete_at"))


def check_pings(storm, key, text):
    plain = re.sub(r"(?ms)^(`{3,}).*?^\1`*\s*$", "", text)
    plain = re.sub(r"`[^`\n]*`", "", plain)
    for name in re.findall(r"@([\w.-]+)", plain):
        claim(name in storm.ids, f"{key} pings {name}: {text!r}")


def check_heard(storm):
    """Every command since the bot first saw the channel is in the journal."""
    since = int(storm.rows(
        "SELECT value FROM value WHERE name = 'first_start_ms'")[0][0])
    heard = {row[0] for row in storm.rows("SELECT identity FROM input")}
    people = ("ada", "dora", "carl", "sam", "mallory", "gus")
    for post in storm.state()["posts"]:
        if post["user"] not in people or post["root_id"] or \
                post["props"].get("from_webhook") or post.get("delete_at"):
            continue
        if COMMAND.match(post["message"]) and post["create_at"] >= since:
            claim("post:" + post["id"] in heard,
                  f"not heard: {post['message'][:60]!r} {post['id']}")


def check_secrets(storm):
    from storm import PASSWORD
    secrets = (PASSWORD.encode(), night.BOT_TOKEN.encode())
    for path in (storm.dir / "state").rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            claim(not any(s in text for s in secrets), f"a secret in {path}")
    said = json.dumps(storm.state()["posts"]).encode() + \
        (storm.dir / "bot.log").read_bytes()
    claim(not any(s in said for s in secrets), "a secret was told")


def check_log(storm):
    text = (storm.dir / "bot.log").read_text(errors="replace")
    found = BAD_LOG.search(text)
    claim(found is None, "log: " + (found.group() if found else ""))


def check_resources(storm):
    proc = pathlib.Path(f"/proc/{storm.bot.pid}")
    fds = len(list((proc / "fd").iterdir()))
    claim(fds < 64, f"{fds} descriptors")
    pages = int((proc / "statm").read_text().split()[1])
    claim(storm.options.loose or pages * 4096 < 100 << 20, f"{pages} pages")
