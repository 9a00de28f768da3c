"""The demo for a person at a terminal: the channel scrolls by, and a line
typed is somebody speaking.

    @cto !rollback     says it as the CTO
    !status            says it as the last speaker
    @cto +ok           taps ✅ on the newest post that asks
    @cto -ok #2        takes it back from another
    @cto >2 !hold      says it in the thread of post #2
"""
import difflib
import http.client
import pathlib
import re
import threading
import time

import people
from players import DONE_WORD, READY, RUN_WORD, is_gate, mentioned
from sandbox import RestError
from screen import CTRL_C, Screen

HELP = """
  @cto !rollback     the CTO says it
  !status            the last speaker says it
  @cto +ok           the CTO taps ✅ on the newest post that
                     asks; +no is ❌, -ok and -no take it back
  @asked +ok         all whom that post mentions tap
  @cto +ok #2        on another post: :posts has the numbers
  @cto >2 !note …    in the thread of #2; >card: of the card
  :people            who is who
  :card              the run's card as it stands
  :attach FILE       what is said next carries this file
  :file [NAME]       read what was attached, the newest
  :faults [WORD]     break things: kill, cut, drag, pull …
  :pace N            time goes N times as fast (now {pace})
  ?                  this help
  :quit              ends, as Ctrl-D does
  Tab completes names and orders.

  A first night: say the lines with `!`, tap where you are
  asked, and ask `!help` or `!why` when you are stuck.
    @devops.oncall !cutover plan PLATFORM=compose
    @asked +ok
    @devops.oncall !cutover rehearse
    … until the rehearsal has passed, then
    @devops.oncall !cutover start
"""
FAULTS = """
  :faults kill     kill -9 of the bot
  :faults start    start it again
  :faults drag     the next command takes {drag} s: time to kill
                   the bot in the middle of a step
  :faults pull     the next `docker compose pull` fails, and
                   its repeats too: a failed step
  :faults ingest   /runtime/events answers 503 from now on:
                   a red smoke test
  :faults cut      the bot's socket is cut; it comes back
  :faults deaf     the socket stays and says nothing more
  :faults slow     the server takes 3 s a request, 20 times
  :faults 503      the server refuses 5 requests of the bot
  :faults mend     all of these end
  :faults stage    no fault: somebody at the host takes the
                   stage stack down, which a rollback on
                   Compose starts and the next launch finds
"""
ORDERS = ("people", "posts", "card", "attach", "file", "faults", "pace",
          "help", "quit")
FILE_LINES = 40
DRAG_S = 8
PACE, FASTEST = 5, 1000
VETO_S = 12  # a ❌ counts after 10 s: time enough to take it back
# What may stand after an @ that is nobody who speaks.
CALLS = ("here", "channel", "all", people.BOT)
EMOJI = {"ok": READY, "no": "x", "✅": READY, "❌": "x"}
TAP = re.compile(r"([+-]?)(\S+)(?:\s+#(\d+))?$")
THREAD = re.compile(r">\s*(?:#?(\d+)|card)\s+(?=\S)")


class Front:
    def __init__(self, stage):
        self.stage = stage
        self.sandbox, self.channel = stage.sandbox, stage.channel
        self.record = open(stage.folder / "screen.txt", "w", encoding="utf-8")
        words = ["@" + name for name in (*people.PEOPLE, "asked")]
        self.screen = Screen(self.record, words + [":" + o for o in ORDERS])
        self.show = self.channel.out = self.screen.show
        self.speaker = "devops.oncall"
        self.posts = []    # ids of those that take taps, or took them
        self.open = set()  # ids of those that do now
        self.words = {}    # id: what to say to a post that wants words
        self.pace = PACE
        self.slowed = None  # the timer after which the pace comes back
        self.told = set()  # hints that were given, once each
        self.attached = None  # (name, bytes) that the next message carries
        self.over = threading.Event()

    def play(self):
        self.show("A bridge in a sandbox: the bot is real, the platform is"
                  " not,\nand you speak for everybody.")
        self.show(HELP.format(pace=self.pace))
        self.start_bot()
        follower = threading.Thread(target=self.follow)
        follower.start()
        while not self.over.is_set():
            line = self.screen.ask(f"{self.speaker}> ")
            try:
                self.take(":quit" if line is None else line)
            except RestError as error:
                self.show(f"  not possible: {error}")
            except (OSError, http.client.HTTPException) as error:
                self.end_without_sandbox(error)
        follower.join()
        if self.slowed:
            self.slowed.cancel()
        self.record.close()

    def follow(self):
        last = 0
        while not self.over.is_set():
            try:
                answer = self.sandbox.wait(None, last, real_ms=500)
            except (OSError, http.client.HTTPException) as error:
                self.end_without_sandbox(error)
                return
            for event in answer["events"]:
                last = max(last, event["n"])
                self.see(self.channel.take(event))
            if self.stage.bot.died() and not self.over.is_set():
                self.note_death()

    def end_without_sandbox(self, error):
        if not self.over.is_set():
            self.over.set()
            self.show(f"  the sandbox is gone ({error});"
                      f" see {self.stage.folder}/sandbox.log. Enter ends.")

    def see(self, seen):
        if seen is None:
            return
        kind, post, who, emoji = seen
        if post is None or not self.channel.is_bots(post):
            return
        if kind == "posted":
            self.note_words(post)
            if "in use by stack stage" in post["message"]:
                self.hint("the rollback has started the stage stack; somebody"
                          " at the host\n   takes it down: `:faults stage`,"
                          " then `!retry`")
        elif kind == "edited":
            # A post that asks is edited once, when it asks no more.
            self.open.discard(post["id"])
            self.words.pop(post["id"], None)
        elif (kind == "reaction_added" and who == people.BOT and
                emoji == READY and post["id"] not in self.posts):
            self.posts.append(post["id"])
            self.open.add(post["id"])

    def note_words(self, post):
        run = RUN_WORD.search(post["message"])
        done = DONE_WORD.search(post["message"])
        called = " or ".join("@" + name for name in mentioned(post))
        if run:
            self.words[post["id"]] = f"{called} !run {run[1]}, or !pass {run[1]}"
        elif done:
            self.words[post["id"]] = f"{called} !done {done[1]} EVIDENCE"

    # the bot

    def start_bot(self):
        self.stage.bot.start()
        for _ in range(100):
            if self.sandbox.bot_listens():
                self.channel.note("the bot listens")
                return
            time.sleep(0.05)
        self.channel.note("the bot does not listen; its log is"
                          f" {self.stage.folder}/bot.log")

    def note_death(self):
        code = self.stage.bot.process.returncode
        self.stage.bot.process = None
        self.let_time_go_on()
        self.channel.note(f"the bot is gone ({code}); people go on, and it"
                          " answers nobody.\n          `:faults start` starts"
                          f" it; its log is\n          {self.where('bot.log')}")

    def let_time_go_on(self):
        """The run clock waits for a dead bot, as the nights need it; here it
        goes on, as clocks do."""
        for _ in range(20):
            try:
                self.sandbox.side("POST", "clock", {"forgive": "bot"})
                return
            except RestError:  # the clock has not seen yet that it is dead
                time.sleep(0.05)

    def where(self, name):
        """A file of the night, as short as it can be said."""
        path = self.stage.folder / name
        here = path.cwd()
        return path.relative_to(here) if path.is_relative_to(here) else path

    # what is typed

    def take(self, line):
        if line in ("?", ":?", ":help", ":h", "help"):
            self.show(HELP.format(pace=self.pace))
        elif line == CTRL_C:
            self.show("  nothing was sent; :quit or Ctrl-D ends")
        elif line in ("quit", "exit"):
            self.take_order(["quit"])
        elif line.startswith(":"):
            self.take_order(line[1:].split() or [""])
        elif line.startswith("@") and line[1:].split()[:1]:
            self.address(line)
        elif line:
            self.act(self.speaker, line)

    def address(self, line):
        name, _, rest = line[1:].partition(" ")
        name = name.rstrip(":,").lower()
        if name in CALLS:
            self.act(self.speaker, line)
        elif name in people.PEOPLE or name == "asked":
            self.act(name, rest.strip())
        else:
            near = difflib.get_close_matches(name, people.PEOPLE, 1)
            self.show(f"  nobody here is called {name}; " +
                      (f"@{near[0]} perhaps?" if near else
                       ":people lists who is"))

    def act(self, name, text):
        tap = TAP.match(text)
        if tap and (tap[1] or tap[2] in "✅❌"):
            self.tap(name, tap[1] != "-", tap[2].strip(":"),
                     int(tap[3]) if tap[3] else None)
        elif name == "asked":
            self.show("  @asked only taps: @asked +ok")
        else:
            self.speaker = name
            text = self.say(name, text)
            if text[:1] not in ("", "!"):
                self.hint("the bot heeds only what begins with `!`")

    def say(self, name, text):
        """Say it, where it begins with a thread's number there; returns what
        was said, "" if nothing was."""
        root = ""
        thread = THREAD.match(text)
        if thread:
            post = self.post_of_thread(thread[1])
            if post is None:
                return ""
            root, text = post["id"], text[thread.end():]
        if text or self.attached:
            files = []
            if self.attached:
                files = [self.sandbox.upload(name, *self.attached)]
                self.attached = None
            self.sandbox.say(name, text, root, files)
        return text

    def post_of_thread(self, number):
        if number is not None:
            return self.post_to_tap(int(number))
        card = self.card()
        if card is None:
            self.show("  no run is open: there is no card")
        return card

    def hint(self, text):
        if text not in self.told:
            self.told.add(text)
            self.show(f"  ({text})")

    # taps

    def tap(self, name, add, emoji, number):
        post = self.post_to_tap(number)
        if post is None:
            return
        emoji = EMOJI.get(emoji, emoji)
        if add and emoji == "x" and is_gate(post):
            self.slow_down()
        names = mentioned(post) if name == "asked" else [name]
        for one in names:
            if add:
                self.sandbox.tap(one, post["id"], emoji)
            else:
                self.sandbox.untap(one, post["id"], emoji)

    def post_to_tap(self, number):
        """The post with that number, or the newest that asks for a tap, unless
        what was asked last wants words: a tap would land on another post."""
        if number is not None:
            if 1 <= number <= len(self.posts):
                return self.channel.posts[self.posts[number - 1]]
            self.show(f"  there is no post #{number}; :posts lists them")
            return None
        asks = [(self.channel.posts[i]["create_at"], i)
                for i in self.open | set(self.words)]
        if not asks:
            self.show("  no post takes taps now; :posts lists them")
            return None
        newest = max(asks)[1]
        if newest in self.words:
            self.show(f"  what was asked last wants words:"
                      f" {self.words[newest]}")
            if self.open:
                self.show("  for an older post say +ok #N; :posts has N")
            return None
        return self.channel.posts[newest]

    def slow_down(self):
        """A ❌ counts after 10 s: of yours, so that it can be taken back."""
        if self.pace == 1:
            return
        if self.slowed:
            self.slowed.cancel()
        self.channel.note(f"for {VETO_S} s time goes as on your watch:"
                          " -no takes it back")
        self.sandbox.side("POST", "clock", {"pace": 1})
        self.slowed = threading.Timer(VETO_S, self.go_on)
        self.slowed.daemon = True
        self.slowed.start()

    def go_on(self):
        if not self.over.is_set():
            self.sandbox.side("POST", "clock", {"pace": self.pace})

    # orders

    def take_order(self, words):
        orders = {"quit": self.over.set, "q": self.over.set,
                  "people": self.show_people, "posts": self.show_posts,
                  "card": self.show_card,
                  "attach": lambda: self.attach(*words[1:2]),
                  "file": lambda: self.show_file(*words[1:2]),
                  "pace": lambda: self.set_pace(*words[1:2]),
                  "faults": lambda: self.break_things(*words[1:2])}
        if words[0] in orders:
            orders[words[0]]()
        else:
            near = difflib.get_close_matches(words[0], ORDERS, 1)
            self.show(f"  there is no :{words[0]}" +
                      (f"; :{near[0]} perhaps?" if near else "; ? lists them"))

    def show_people(self):
        self.show("\n".join(f"  {name:<16} {what}"
                            for name, what in people.PEOPLE.items()))

    def show_posts(self):
        lines = []
        for number, post_id in list(enumerate(self.posts, 1))[-12:]:
            post = self.channel.posts[post_id]
            state = "takes taps" if post_id in self.open else "over"
            lines.append(f"  #{number:<3} {state:<11}"
                         f"{self.channel.title(post)}")
            lines += [" " * 18 + taps
                      for taps in self.channel.taps_on(post_id)]
        self.show("\n".join(lines) or "  none yet")

    def card(self):
        cards = [post for post in self.channel.posts.values()
                 if post.get("is_pinned")]
        return cards[-1] if cards else None

    def show_card(self):
        card = self.card()
        if card:
            self.channel.text(card["message"])
            self.channel.flush()
        else:
            self.show("  no run is open: there is no card")

    def attach(self, name=""):
        path = pathlib.Path(name).expanduser()
        try:
            self.attached = (path.name, path.read_bytes())
            self.show(f"  {path.name} goes with what is said next")
        except OSError as error:
            self.show(f"  {error.strerror}: {name or 'which file?'}"
                      " (:attach FILE)")

    def show_file(self, name=""):
        files = self.channel.files
        name = name or next(reversed(files), "")
        if name not in files:
            self.show(f"  there is no file {name}" if name else
                      "  no file was attached yet")
            return
        data = self.sandbox.download(self.speaker, files[name])
        lines = data.decode(errors="replace").splitlines()
        self.show("\n".join([f"  {name}, {len(lines)} lines"] + lines[:20] +
                            ["…"] + lines[-20:] if len(lines) > FILE_LINES
                            else [f"  {name}"] + lines))

    def set_pace(self, text=""):
        if not text.isdigit() or not 1 <= int(text) <= FASTEST:
            self.show(f"  time goes {self.pace} times as fast as yours;"
                      f" :pace 1 to :pace {FASTEST} changes it")
            return
        self.pace = int(text)
        self.sandbox.side("POST", "clock", {"pace": self.pace})
        self.show(f"  time goes {self.pace} times as fast as yours")

    # faults

    def break_things(self, what=""):
        breakers = {
            "cut": lambda: self.sockets("kill"),
            "deaf": lambda: self.sockets("deafen"),
            "kill": self.kill_bot,
            "start": self.start_again,
            "slow": lambda: self.fault({"do": "delay", "ms": 3000,
                                        "times": 20}),
            "503": lambda: self.fault({"do": "503", "times": 5}),
            "drag": lambda: self.stage.world.slow("drag", 1, "*",
                                                  DRAG_S * 1000),
            "pull": lambda: self.stage.world.fail(
                "pull", 3, "docker compose*pull",
                "registry.stella.example: 503 Service Unavailable"),
            "ingest": lambda: self.stage.world.fail(
                "ingest", -1, "curl*/runtime/events", "queue is full"),
            "mend": self.mend,
            "stage": self.stage.world.take_stage_down,
        }
        if what in breakers:
            self.channel.note("the stage stack is taken down by hand"
                              if what == "stage" else f"fault: {what}")
            breakers[what]()
        else:
            self.show((f"  there is no fault {what}\n" if what else "") +
                      FAULTS.format(drag=DRAG_S))

    def kill_bot(self):
        if self.stage.bot.process:
            self.stage.bot.kill()
        else:
            self.show("  it is dead already; :faults start starts it")

    def start_again(self):
        if self.stage.bot.process and not self.stage.bot.died():
            self.show("  it runs already")
        else:
            self.start_bot()

    def mend(self):
        self.sandbox.side("DELETE", "faults")
        self.sockets("hear")
        for name in ("pull", "ingest"):
            self.stage.world.fail(name, 0, "-", "-")
        self.stage.world.slow("drag", 0, "-", 0)

    def sockets(self, do):
        self.sandbox.side("POST", "sockets", {"do": do, "user": people.BOT})

    def fault(self, rule):
        self.sandbox.side("POST", "faults",
                          {"on": "request", "user": people.BOT, **rule})
