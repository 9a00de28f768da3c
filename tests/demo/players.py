"""The people of a night who play by themselves.

They do what people do: read the channel, and answer what asks them, some time
later, over REST with their own tokens.  What asks them is told by the bot's own
✅ on a post (it takes taps), and by whom a post mentions.
"""
import heapq
import itertools
import re

import people

READY = "white_check_mark"
MENTION = re.compile(r"(?<![\w.`])@([a-z][\w.-]*\w)")
RUN_WORD = re.compile(r"`!run (\d+(?:\.\d+)+)`\n`!pass ")
DONE_WORD = re.compile(r"`!done (\d+(?:\.\d+)+) EVIDENCE`")
GIVE_UP_REAL_S = 90

# How long people take, in seconds of the night.
FIRST_TAP_S, NEXT_TAP_S = 60, 45
BY_HAND_S, EVIDENCE_S, QUESTION_S = 240, 480, 180


def mentioned(post):
    """Who is called by a post, in its order, each once."""
    names = MENTION.findall(post["message"])
    return [n for n in dict.fromkeys(names) if n in people.PEOPLE]


class Stuck(Exception):
    pass


class Players:
    def __init__(self, sandbox, channel):
        self.sandbox, self.channel = sandbox, channel
        self.agenda, self.order = [], itertools.count()
        self.now_ms, self.last = 0, 0
        self.approvals = []       # (post, username): ✅ on a gate, or asking
        self.asked = set()        # posts that have been answered already
        self.answers = {}         # step: what to say to an ask, `!run`/`!pass`
        self.real_ms = None       # how long to wait at most for news

    # their agenda

    def after(self, seconds, act):
        due = self.now_ms + int(seconds * 1000)
        heapq.heappush(self.agenda, (due, next(self.order), act))

    def say(self, name, text):
        self.sandbox.say(name, text)

    def ask_back(self, name, text):
        """A rollback: asking for it is its asker's approval."""
        post = self.sandbox.say(name, text)
        self.approvals.append((post["id"], name))

    def approve(self, name, post):
        if (post["id"], name) in self.approvals:
            return
        self.sandbox.tap(name, post["id"], READY)
        self.approvals.append((post["id"], name))

    def turn(self):
        """Wait for news or the next thing to do; yields what happened."""
        due = self.agenda[0][0] if self.agenda else None
        answer = self.sandbox.wait("players", self.last, due, self.real_ms)
        self.last = max([self.last] + [e["n"] for e in answer["events"]])
        self.now_ms = answer["now_ms"]
        for event in answer["events"]:
            seen = self.channel.take(event)
            if seen:
                self.read(*seen)
                yield seen
        while self.agenda and self.agenda[0][0] <= self.now_ms:
            heapq.heappop(self.agenda)[2]()

    # what they read

    def read(self, kind, post, who, emoji):
        if post is None or not self.channel.is_bots(post):
            return
        if kind == "reaction_added" and who == people.BOT and emoji == READY:
            self.answer_tap(post)
        elif kind == "posted" and who == people.BOT:
            self.answer_question(post)

    def answer_tap(self, post):
        if post["id"] in self.asked:
            return
        self.asked.add(post["id"])
        called = mentioned(post)
        if is_gate(post) or is_poll(post):
            for i, name in enumerate(called):
                act = self.approve if is_gate(post) else self.confirm
                self.after(FIRST_TAP_S + NEXT_TAP_S * i,
                           lambda n=name, a=act: a(n, post))
        elif called:
            self.after(BY_HAND_S, lambda: self.confirm(called[0], post))

    def confirm(self, name, post):
        self.sandbox.tap(name, post["id"], READY)

    def answer_question(self, post):
        """What wants words: an `ask` step, or a manual one with evidence."""
        run = RUN_WORD.search(post["message"])
        done = DONE_WORD.search(post["message"])
        called = mentioned(post)
        if not (run or done) or not called or post["id"] in self.asked:
            return
        self.asked.add(post["id"])
        if run:
            wait = QUESTION_S
            words = self.answers.get(run[1], "!run " + run[1])
        else:
            wait = EVIDENCE_S
            words = f"!done {done[1]} {EVIDENCE[done[1]]}"
        self.after(wait, lambda: self.say(called[0], words))


# What people answer where a step wants more than a tap.
EVIDENCE = {
    "3.7": "21 min in all, no deviation",
    "5.6": "loads in 1.2 s, all six policy views agree",
}


def is_gate(post):
    return post["message"].startswith("####")


def is_poll(post):
    return post["message"].startswith("🗳️")
