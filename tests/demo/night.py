"""One night: its folder, its processes, its people, and what they play."""
import atexit
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "world"))
import people  # noqa: E402
from bot import Bot  # noqa: E402
from channel import Channel  # noqa: E402
from players import (GIVE_UP_REAL_S, Players, Stuck,  # noqa: E402
                     mentioned)
from sandbox import Sandbox  # noqa: E402
from site_server import Site  # noqa: E402
from world import MONGO_URI, World  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
START = "2026-03-07T22:00:00Z"


class Stage:
    """Everything that stands behind a night, played or by hand."""

    def __init__(self, build, folder, prod_cluster, out, colour=False,
                 pace=None):
        self.folder = folder
        self.bot = self.sandbox = self.site = None
        atexit.register(self.stop)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.world = World(folder / "world")
        self.world.build(build / "tests/demo/world/standin", prod_cluster)
        self.site = Site(self.world)
        self.sandbox = Sandbox(build / "tests/sandbox/sandbox", folder, START,
                               pace)
        (self.world.root / "clock").symlink_to(self.sandbox.clock)
        self.write_config()
        self.bot = Bot(build / "bridgekeeper", folder, self.world)
        self.transcript = open(folder / "channel.txt", "w", encoding="utf-8")
        self.channel = Channel(out, self.sandbox.names, colour,
                               self.transcript)

    def write_config(self):
        folder = self.folder
        shutil.copy(SOURCE / "templates/runbooks/launch-cutover.md", folder)
        (folder / "state").mkdir()
        example = (SOURCE / "config.example.ini").read_text()
        (folder / "config.ini").write_text(people.config(
            example, self.sandbox.url, self.site.port, self.world.tree))
        for name, text in (("token", people.token(people.BOT)),
                           ("prod.secrets", "MONGO_BACKUP_URI=" + MONGO_URI)):
            (folder / name).write_text(text + "\n")
            (folder / name).chmod(0o600)

    def stop(self):
        """End all that was started; harmless if said twice."""
        for part in (self.bot, self.sandbox, self.site):
            if part is not None:
                part.stop()
        self.bot = self.sandbox = self.site = None


class Night:
    """A stage with players, and a script that says what happens when.

    A script is a generator: it acts, then yields a question about what was
    just seen (kind, post, who, emoji), or about nothing in particular (all
    None, asked every few real milliseconds), and goes on once the answer is
    yes.
    """
    platform = None

    def __init__(self, build, folder, out):
        self.began = time.monotonic()
        self.stage = Stage(build, folder, self.platform == "helm", out)
        self.bot, self.world = self.stage.bot, self.stage.world
        self.sandbox, self.channel = self.stage.sandbox, self.stage.channel
        plan = self.bot.plan()
        self.steps = {step["number"]: step for phase in plan["phases"]
                      for step in phase["steps"]}
        self.players = Players(self.sandbox, self.channel)
        self.seen = None  # what the last question said yes to

    def play(self):
        self.bot.start()
        script = self.script()
        question = next(script)
        while question is not None:
            if time.monotonic() - self.began > GIVE_UP_REAL_S:
                raise Stuck(f"nothing more happens; waiting in {script}")
            if self.bot.died():
                raise Stuck("the bot died by itself")
            question = self.turn(script, question)

    def turn(self, script, question):
        # Looking at something that is no news takes looking often.
        self.players.real_ms = 30 if getattr(question, "look", False) else 3000
        for seen in list(self.players.turn()) + [(None, None, None, None)]:
            while question is not None and question(*seen):
                self.seen = seen
                question = next(script, None)
                if getattr(question, "look", False):
                    break
        return question

    # what scripts say

    def lead(self, text):
        self.players.say("devops.oncall", text)

    def kill_bot(self, why):
        self.channel.note(f"kill -9 of the bot: {why}")
        self.bot.kill()

    def start_bot(self):
        self.channel.note("the bot is started again")
        self.bot.start()


def posted(*words):
    """A new post of the bot with all these words."""
    def question(kind, post, who, _):
        return (kind in ("posted", "edited") and who == people.BOT and
                all(word in post["message"] for word in words))
    return question


def takes_taps(*words):
    """A post of the bot with these words can be tapped on now."""
    def question(kind, post, who, emoji):
        return (kind == "reaction_added" and who == people.BOT and
                emoji == "x" and post is not None and
                all(word in post["message"] for word in words))
    return question


def minutes(players, count):
    """So much of the night is over."""
    over = []
    players.after(60 * count, lambda: over.append(True))

    def question(*_):
        return bool(over)
    return question


def look(condition):
    """Something outside the channel."""
    def question(*_):
        return condition()
    question.look = True
    return question


class Success(Night):
    """Compose.  Who may not start is refused; somebody holds for a moment; the
    first pull fails and is repeated by itself; the bot dies while the second
    one runs.  All goes well."""
    platform = "compose"
    ends, end = "succeeded", "run.succeeded"

    def script(self):
        world, players = self.world, self.players
        yield look(self.sandbox.bot_listens)
        self.lead("!cutover plan PLATFORM=compose")
        yield posted("Plan approved")
        players.say("visitor", "!cutover start")
        yield posted("✋")
        self.lead("!cutover rehearse")
        yield posted("Rehearsal", "passed")
        self.lead("!cutover poll Guild leads")
        yield minutes(players, 10)
        world.fail("pull", 1, "docker compose*prod.yaml pull",
                   "registry.stella.example: 503 Service Unavailable")
        world.slow("pull", 2, "docker compose*prod.yaml pull", 1200)
        self.lead("!cutover start")
        yield posted("4.1.1 by hand")
        players.say("telemetry.rep", "!cutover hold a dashboard is red")
        yield posted("is held")
        yield minutes(players, 6)
        self.lead("!cutover resume")
        yield look(lambda: (world.read("slow/pull") or "").startswith("0\n"))
        self.kill_bot("in the middle of 4.2.1")
        self.start_bot()
        yield posted("Watch of", "is over")
        self.lead("!cutover close")
        yield posted("closed:**")

    def what_is_wrong_with_the_world(self):
        stack = self.world.read("stacks/prod") or ""
        return ([] if stack.startswith("release 2025.09.2\n") else
                [f"production runs {stack.splitlines()[:1]}"])


class RolledBack(Night):
    """Helm.  A thumb slips at the T0 gate; the bot is dead while people
    approve it; a check fails once and is retried; a smoke test stays red, and
    the bridge goes back."""
    platform = "helm"
    ends, end = "rolled back", "run.rolled_back"

    def script(self):
        world, players = self.world, self.players
        yield look(self.sandbox.bot_listens)
        self.lead("!cutover plan PLATFORM=helm SECRETS_TOOL=helm-secrets")
        yield posted("Plan approved")
        self.lead("!cutover rehearse")
        yield posted("Rehearsal", "passed")
        world.fail("verify", 1, "stellaops-cli signer verify*",
                   "error: signer: certificate has expired")
        world.fail("ingest", -1, "curl*/runtime/events", "queue is full")
        players.answers["6.5"] = "!pass 6.5 objects are untouched"
        self.lead("!cutover start")
        yield takes_taps("T0?")
        gate = self.seen[1]
        self.sandbox.tap("storage.ops", gate["id"], "x")
        yield posted("storage.ops's ❌")
        self.sandbox.untap("storage.ops", gate["id"], "x")
        yield posted("storage.ops's ❌ is gone")
        self.kill_bot("while the T0 gate is open")
        for name in mentioned(gate)[:3]:
            players.approve(name, gate)
        self.start_bot()
        yield posted("4.4.2 failed")
        players.after(150, lambda: players.say("authority.rep",
                                               "!retry 4.4.2"))
        yield posted("Smoke: 1 of 6 red")
        players.after(120, lambda: players.ask_back(
            "devops.lead", "!rollback ingest returns 503, queue growing"))
        yield posted("is rolled back**")
        self.lead("!cutover close")
        yield posted("closed:**")

    def what_is_wrong_with_the_world(self):
        history = self.world.read("kube/prod/stellaops/history")
        return ([] if "9 deployed 2025.08.1" in history else
                [f"production is at {history.splitlines()[-1]}"])


NIGHTS = {"success": Success, "rollback": RolledBack}
