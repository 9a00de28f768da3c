"""The demo for a person at a terminal: the channel scrolls by, and a line
typed is somebody speaking.

    @cto !rollback             says it as the CTO
    @cto +white_check_mark     taps that on the newest post that takes taps
    @cto -white_check_mark     takes it back
    !status                    says it as the last speaker
"""
import readline
import shlex
import sys
import threading
import time

import people
from players import READY, mentioned
from sandbox import RestError

HELP = """
  @NAME TEXT                 NAME says TEXT:  @devops.oncall !cutover plan
  TEXT                       the last speaker goes on
  @NAME +EMOJI  -EMOJI       tap, or take back, on the newest post that asks
                             (+ok is +white_check_mark, +no is +x)
  @asked +EMOJI              everybody whom that post mentions taps
  :people                    who is who
  :faults [WORD]             cut, kill, start, drag, pull and more: break things
  :pace N                    let the time go N times as fast (now {pace})
  :card                      the run's card as it stands
  :posts                     the posts that take taps, newest last
  :help or ?   :quit

  To begin:  @devops.oncall !cutover plan PLATFORM=compose
  Then:      @devops.oncall !help
"""
FAULTS = """
  :faults cut      the bot's socket is cut; it comes back by itself
  :faults deaf     the socket stays and says nothing more
  :faults kill     kill -9 of the bot     :faults start   start it again
  :faults slow     the server takes 3 s for each of the next 20 requests
  :faults 503      the next 5 requests of the bot are refused
  :faults drag     the next `docker compose pull` or `helm upgrade` takes long:
                   time to kill the bot in the middle of it
  :faults pull     the next `docker compose pull` fails, its repeats too
  :faults ingest   /runtime/events answers 503 from now on
  :faults mend     all of these end
"""


class Front:
    def __init__(self, stage):
        self.stage = stage
        self.sandbox, self.channel = stage.sandbox, stage.channel
        self.channel.out = self.show
        self.speaker = "devops.oncall"
        self.tappable = []  # posts on which the bot put its own ✅
        self.pace = 10
        self.typing = False
        self.over = threading.Event()
        self.lock = threading.Lock()

    def play(self):
        self.say_hello()
        self.start_bot()
        follower = threading.Thread(target=self.follow)
        follower.start()
        while not self.over.is_set():
            line = self.read_line()
            try:
                self.take(line)
            except RestError as error:
                self.show(f"  not possible: {error}")
        follower.join()

    def read_line(self):
        self.typing = True
        try:
            return input(self.prompt()).strip()
        except EOFError:
            return ":quit"
        except KeyboardInterrupt:
            print("  (:quit ends)")
            return ""
        finally:
            self.typing = False

    def say_hello(self):
        print("A bridge in a sandbox: the bot is real, the platform is not.")
        print(HELP.format(pace=self.pace))

    def prompt(self):
        return f"{self.speaker}> "

    def show(self, text):
        """Print above the line that is being typed."""
        with self.lock:
            typed = (self.prompt() + readline.get_line_buffer()
                     if self.typing else "")
            sys.stdout.write("\r\033[K" + text + "\n" + typed)
            sys.stdout.flush()

    def follow(self):
        last = 0
        while not self.over.is_set():
            answer = self.sandbox.wait(None, last, real_ms=500)
            for event in answer["events"]:
                last = max(last, event["n"])
                self.see(self.channel.take(event))
            if self.stage.bot.died() and not self.over.is_set():
                self.note_death()

    def see(self, seen):
        if seen is None:
            return
        kind, post, who, emoji = seen
        if post is None or not self.channel.is_bots(post):
            return
        if kind == "reaction_added" and who == people.BOT and emoji == READY:
            self.tappable.append(post)
        elif kind == "edited":
            # A post that takes taps is edited once, when it takes no more.
            self.tappable = [p for p in self.tappable if p["id"] != post["id"]]

    def start_bot(self):
        self.stage.bot.start()
        for _ in range(100):
            if self.sandbox.bot_listens():
                self.channel.note("the bot listens")
                return
            time.sleep(0.05)
        self.channel.note("the bot does not listen; its log is in bot.log")

    def note_death(self):
        code = self.stage.bot.process.returncode
        self.stage.bot.process = None
        self.show(f"   ~~~    the bot is gone ({code});"
                  " its log is in bot.log, `:faults start` starts it")

    # what is typed

    def take(self, line):
        if line in ("?", ":help", "help"):
            self.show(HELP.format(pace=self.pace))
        elif line.startswith(":"):
            self.take_order(shlex.split(line[1:]) or [""])
        elif line.startswith("@"):
            name, _, rest = line[1:].partition(" ")
            self.act(name, rest.strip())
        elif line:
            self.act(self.speaker, line)

    def act(self, name, text):
        if name != "asked" and name not in people.PEOPLE:
            self.show(f"  nobody is called {name}; :people lists who is")
        elif text[:1] in ("+", "-") and len(text.split()) == 1 and text[1:]:
            self.tap(name, text[0] == "+", text[1:].strip(":"))
        elif name == "asked":
            self.show("  @asked only taps: @asked +white_check_mark")
        else:
            self.speaker = name
            if text:
                self.sandbox.say(name, text)

    def tap(self, name, add, emoji):
        emoji = {"ok": READY, "no": "x"}.get(emoji, emoji)
        if not self.tappable:
            self.show("  no post takes taps yet")
            return
        post = self.channel.posts[self.tappable[-1]["id"]]
        names = mentioned(post) if name == "asked" else [name]
        for one in names:
            if add:
                self.sandbox.tap(one, post["id"], emoji)
            else:
                self.sandbox.untap(one, post["id"], emoji)

    def take_order(self, words):
        order, rest = words[0], words[1:]
        if order in ("quit", "q"):
            self.over.set()
        elif order == "people":
            self.show("\n".join(f"  {name:<16} {what}"
                                for name, what in people.PEOPLE.items()))
        elif order == "posts":
            self.show("\n".join("  " + self.channel.title(post)
                                for post in self.tappable) or "  none yet")
        elif order == "card":
            self.show_card()
        elif order == "pace" and rest and rest[0].isdigit():
            self.pace = int(rest[0])
            self.sandbox.side("POST", "clock", {"pace": self.pace})
        elif order == "faults":
            self.break_things(rest[0] if rest else "")
        else:
            self.show(f"  no order :{order}; :help lists them")

    def show_card(self):
        cards = [post for post in self.channel.posts.values()
                 if post.get("is_pinned")]
        if cards:
            self.channel.text(cards[-1]["message"])
            self.channel.flush()
        else:
            self.show("  no run has a card yet")

    def break_things(self, what):
        breakers = {
            "cut": lambda: self.sockets("kill"),
            "deaf": lambda: self.sockets("deafen"),
            "kill": self.kill_bot,
            "start": self.start_again,
            "slow": lambda: self.fault({"do": "delay", "ms": 3000,
                                        "times": 20}),
            "503": lambda: self.fault({"do": "503", "times": 5}),
            "drag": self.drag,
            "pull": lambda: self.stage.world.fail(
                "pull", 3, "docker compose*pull",
                "registry.stella.example: 503 Service Unavailable"),
            "ingest": lambda: self.stage.world.fail(
                "ingest", -1, "curl*/runtime/events", "queue is full"),
            "mend": self.mend,
        }
        if what in breakers:
            self.channel.note(f"fault: {what}")
            breakers[what]()
        else:
            self.show(FAULTS)

    def kill_bot(self):
        if self.stage.bot.process:
            self.stage.bot.kill()

    def start_again(self):
        if self.stage.bot.process and not self.stage.bot.died():
            self.show("  it runs already")
        else:
            self.start_bot()

    def drag(self):
        for name, pattern in (("pull", "docker compose*pull"),
                              ("upgrade", "helm upgrade*")):
            self.stage.world.slow(name, 1, pattern, 6000)

    def mend(self):
        self.sandbox.side("DELETE", "faults")
        self.sockets("hear")
        for name in ("pull", "ingest"):
            self.stage.world.fail(name, 0, "-", "-")

    def sockets(self, do):
        self.sandbox.side("POST", "sockets", {"do": do, "user": people.BOT})

    def fault(self, rule):
        self.sandbox.side("POST", "faults",
                          {"on": "request", "user": people.BOT, **rule})
