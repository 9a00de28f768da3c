"""Whether a night was what it should have been, from three sides that know
nothing of each other: the journal, the stand-ins' ledger, and what the players
did over REST."""
import re

TOOL = re.compile(r"(?<![\w./-])(docker compose|docker|helm secrets|helm|"
                  r"kubectl|mongodump|mongorestore|mongosh|mc|curl|date|"
                  r"stellaops-cli) ")


class Journal:
    """The exported journal, by what is asked of it here."""

    def __init__(self, rows, steps):
        self.rows = [{"type": row["type"], **row["body"]} for row in rows]
        self.numbers = list(steps)  # by their index in the plan

    def of(self, kind):
        return [row for row in self.rows if row["type"] == kind]

    def attempts(self):
        """(run, step's number, block, host, attempt): how it ended, in the
        order in which they were started."""
        ends = {self.attempt(row): row for row in self.of("attempt.ended")}
        return {self.attempt(row): ends.get(self.attempt(row))
                for row in self.of("attempt.started")}

    def attempt(self, row):
        return (row["run"], self.numbers[row.get("step", 0)],
                row.get("block", 0), row.get("host", 0), row["attempt"])

    def approvals(self):
        """(post id, user id) of every ✅ that counted, and of the commands
        by which asking was approving."""
        posts = {row["gate"]: row["post"] for row in self.of("gate.posted")}
        return ({(posts[row["gate"]], row["user"])
                 for row in self.of("gate.approved")} |
                {(row["post"], row["user"]) for row in self.of("gate.asked")})


def check(night):
    """Problems, in words; none if all agree."""
    journal = Journal(night.bot.journal(), night.steps)
    problems = check_end(night, journal)
    problems += check_approvals(night, journal)
    problems += check_ledger(night, journal)
    problems += check_posts(night, journal)
    status, out = night.bot.verify()
    if status != 0:
        problems.append(f"audit verify: {out.strip()}")
    if night.bot.kills != 1:
        problems.append(f"the bot was killed {night.bot.kills} times")
    return problems, journal


def check_end(night, journal):
    ends = [row["type"] for row in journal.rows if row["type"] in
            ("run.succeeded", "run.rolled_back", "run.aborted")]
    problems = [] if ends == [night.end] else [f"the night ended with {ends}"]
    return problems + night.what_is_wrong_with_the_world()


def check_approvals(night, journal):
    given = {(post, night.sandbox.people[name])
             for post, name in night.players.approvals}
    held = journal.approvals()
    return ([f"tapped and not journalled: {a}" for a in given - held] +
            [f"journalled and not tapped: {a}" for a in held - given])


def check_posts(night, journal):
    """Each post of the bot has a key of its own, and each status is there."""
    keys = [post["props"]["bridgekeeper"] for post
            in night.channel.posts.values()
            if "bridgekeeper" in (post.get("props") or {})]
    problems = [f"said twice: {key}" for key in sorted(set(keys))
                if keys.count(key) > 1]
    said = sum("/status/" in key for key in keys)
    if said != len(journal.of("status.due")):
        problems.append(f"{len(journal.of('status.due'))} statuses journalled,"
                        f" {said} said")
    return problems


# The ledger against the journal

def check_ledger(night, journal):
    called = by_attempt(night.world.ledger())
    attempts = journal.attempts()
    problems = [f"{caller}: called something, and was never started"
                for caller in called if caller not in attempts]
    for attempt, end in attempts.items():
        block = night.steps[attempt[1]]["blocks"][attempt[2]]
        if block["kind"] == "sh":
            problems += check_attempt(attempt, end, block,
                                      called.get(attempt, []))
    order = [a for a in attempts if a in called]
    if order != list(called):
        problems.append("the ledger's order is not the journal's")
    problems += check_requests(night, attempts)
    return problems


def check_attempt(attempt, end, block, calls):
    """What was called is what the block says, as often as it says."""
    name = f"{attempt[1]} block {attempt[2] + 1} try {attempt[4]}"
    if end is None:
        return [f"{name}: started and never ended"]
    wanted = {m[1].split()[0] for m in TOOL.finditer(block["text"])}
    made = {call["argv"][0] for call in calls}
    good = end["outcome"] == "ok"
    problems = []
    if made - wanted - through(block["text"]):
        problems.append(f"{name}: called {made - wanted} of its own accord")
    if good and wanted - made:
        problems.append(f"{name}: ended well and never called {wanted - made}")
    if good and any(call["exit"] != 0 and not forgiven(call)
                    for call in calls):
        problems.append(f"{name}: ended well, and a call failed")
    count = len(TOOL.findall(block["text"]))
    if good and not fits(len(calls), count, block["text"]):
        problems.append(f"{name}: {len(calls)} calls, the block has {count}")
    seen = [tuple(call["argv"]) for call in calls]
    if len(set(seen)) != len(seen):
        problems.append(f"{name}: the same call twice in one attempt")
    return problems


def fits(made, written, text):
    """Whether a block that ended well called as often as is written in it:
    exactly so, but that a loop calls again and a script calls in its turn."""
    if through(text):
        return made > 0
    return made >= written if "for " in text else made == written


def through(text):
    """Tools that a script of the platform calls in its turn."""
    return {"docker", "helm"} if "validate-profiles.sh" in text else set()


def forgiven(call):
    """The document says `|| true` behind these."""
    return call["argv"][:3] == ["docker", "network", "create"]


def check_requests(night, attempts):
    """The http blocks' requests, in order, are those that the site answered."""
    wanted = [a for a in attempts
              if night.steps[a[1]]["blocks"][a[2]]["kind"] == "http"]
    made = [call for call in night.world.ledger()
            if call["argv"][0] == "site"]
    if len(wanted) != len(made):
        return [f"{len(wanted)} requests journalled, {len(made)} answered"]
    return []


def by_attempt(ledger):
    """Calls by the attempt that made them, in order of its first."""
    called = {}
    for call in ledger:
        if call["argv"][0] != "site":
            called.setdefault(caller_of(call), []).append(call)
    return called


# The folder of an attempt, "LB-7-4.2.1-b1-local-1", is in BRIDGE_OUTPUT.
FOLDER = re.compile(r"-(\d+)-([\d.]+)-b(\d+)-[\w.]+?-(\d+)/[^/]*$")


def caller_of(call):
    found = FOLDER.search(call["caller"].get("BRIDGE_OUTPUT", ""))
    if not found:
        return tuple(sorted(call["caller"].items()))
    run, step, block, attempt = found.groups()
    return int(run), step, int(block) - 1, 0, int(attempt)


def summary(night, journal, seconds):
    steps = sum(row["outcome"] == "ok" for row in journal.of("step.ended"))
    return (f"demo: {night.ends}, {steps} steps,"
            f" {len(journal.approvals())} approvals,"
            f" {len(journal.of('status.due'))} statuses, {seconds:.0f} s")
