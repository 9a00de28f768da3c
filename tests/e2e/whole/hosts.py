"""The two kinds of server that the suite can play on: the sandbox, which it
starts itself, and a real Mattermost that is there already.  Both give the same
thing: a team of our own, with a channel, people and a bot for each stage."""
import contextlib
import json
import secrets
import subprocess
import time

from chat import Person, Refused, Rest

# Stages whose channel is private.
PRIVATE = {"channel", "people"}

# Further channels of a stage: type, and who of it is there.
FURTHER = {name: {"told": ("O", ("bot", "lead", "storage")),
                  "shut": ("P", ("lead", "cto"))}
           for name in ("silence", "answers")}

# On every stage: who is who.  The others hold no role and may do nothing.
PEOPLE = ("lead", "devops", "cto", "storage", "deputy", "anna")


class Set:
    """What a stage is made of on the server."""

    def __init__(self, name, team, channel_id, people, bot, bot_token, hook):
        self.name = name            # the channel's too
        self.team = team
        self.channel_id = channel_id
        self.people = people        # role word -> Person
        self.bot = bot              # Person: the bot's own account
        self.bot_token = bot_token
        self.hook = hook            # path of an incoming webhook there
        self.further = {}           # word -> id of a further channel
        self.missing = {}           # what this server lacks -> why
        self.old = False            # Mattermost 5, not what came after


def kind(stage):
    return "P" if stage in PRIVATE else "O"


def further(stage):
    """(word, channel's name, type, members) of the stage's others."""
    return [(word, f"{stage}-{word}", *rest)
            for word, rest in FURTHER.get(stage, {}).items()]


def username(stage, who):
    return f"{stage}-{who}"


class Sandbox:
    """A sandbox process of our own."""

    def __init__(self, program, like, folder):
        self.program = program
        self.like = like
        self.folder = folder
        self.process = None
        self.rest = None
        self.admin = None
        self.scene_hooks = {}

    def build(self, stages):
        scene = self.scene(stages)
        path = self.folder / "scene.json"
        path.write_text(json.dumps(scene))
        self.process = subprocess.Popen(
            [self.program, "--like", self.like, "--scene", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=open(self.folder / "sandbox.log", "w"), text=True)
        line = self.process.stdout.readline()
        if "listening on " not in line:
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        self.rest = Rest(line.split("listening on ")[1].strip())
        info = self.rest.call("GET", "/sandbox/info")
        users = {user["username"]: user for user in info["people"]}
        channels = {c["name"]: c["id"] for c in info["channels"]}

        def person(name):
            return Person(self.rest, name, users[name]["id"],
                          users[name]["token"])

        self.admin = person("admin")
        return [self.found(stage, channels, person) for stage in stages]

    def scene(self, stages):
        users = [{"username": "admin", "roles": "system_admin system_user"}]
        hooks = []
        channels = []
        for stage in stages:
            channels.append({"name": stage, "type": kind(stage)})
            channels += [{"name": name, "type": letter}
                         for _, name, letter, _ in further(stage)]
            users += [{"username": username(stage, who),
                       "channels": [stage] + [
                           name for _, name, _, members in further(stage)
                           if who in members],
                       "bot": who in ("bot", "parrot")}
                      for who in (*PEOPLE, "bot", "parrot")]
            hook = secrets.token_hex(13)
            self.scene_hooks[stage] = hook
            hooks.append({"id": hook, "owner": username(stage, "lead"),
                          "channel": stage})
        return {"team": {"name": "e2e", "display_name": "E2E"},
                "channels": [{"display_name": channel["name"], **channel}
                             for channel in channels],
                "users": users, "webhooks": hooks}

    def found(self, stage, channels, person):
        bot = person(username(stage, "bot"))
        people = {who: person(username(stage, who)) for who in PEOPLE}
        people["parrot"] = person(username(stage, "parrot"))
        people["admin"] = self.admin
        found = Set(stage, "e2e", channels[stage], people, bot, bot.token,
                    "/hooks/" + self.scene_hooks[stage])
        found.further = {word: channels[name]
                         for word, name, _, _ in further(stage)}
        found.old = self.like.startswith("5.")
        return found

    def describe(self):
        info = self.rest.call("GET", "/sandbox/info")
        return f"sandbox like {info['like']}, no database"

    def revoke(self, person):
        """The token of @person is worth nothing from now on."""
        self.rest.call("POST", f"/sandbox/users/{person.name}",
                       {"token": "revoke"})

    def renew(self, person):
        """A token that works, after revoke(): the same, here."""
        self.rest.call("POST", f"/sandbox/users/{person.name}",
                       {"token": "enable"})
        return person.token

    def cut(self, seconds):
        """As a restart looks: all sockets end, nothing can be resumed, and
        for so many @seconds nothing answers."""
        def rule(**what):
            return self.rest.call("POST", "/sandbox/faults", what)["id"]
        rules = [rule(on="request", do="reset", path="^/api/", times=0),
                 rule(on="upgrade", do="reset", times=0)]
        refusal = rule(on="upgrade", do="refuse_resume", times=0)
        self.rest.call("POST", "/sandbox/sockets", {"do": "kill"})
        time.sleep(seconds)
        for number in rules + [refusal]:
            self.rest.call("DELETE", f"/sandbox/faults/{number}")

    def can_cut(self):
        return True

    def end(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)
            self.process.stdout.close()


class Server:
    """A real server, whose administrator's token is in a file."""

    def __init__(self, url, token_file, restart):
        self.rest = Rest(url)
        self.restart = restart
        token = open(token_file, encoding="utf-8").read().strip()
        me = self.rest.call("GET", "/api/v4/users/me", token=token)
        self.admin = Person(self.rest, me["username"], me["id"], token)
        self.team = "e2e-" + secrets.token_hex(4)
        self.team_id = None
        self.token_ids = {}
        self.made = []  # paths and bodies that switch our accounts off

    def build(self, stages):
        team = self.admin.call("POST", "/teams", {
            "name": self.team, "display_name": self.team, "type": "O"})
        self.team_id = team["id"]
        return [self.make(stage) for stage in stages]

    def channel(self, name, letter):
        return self.admin.call("POST", "/channels", {
            "team_id": self.team_id, "name": name, "display_name": name,
            "type": letter})["id"]

    def join(self, channel_id, person):
        self.admin.call("POST", f"/channels/{channel_id}/members",
                        {"user_id": person.id})

    def make(self, stage):
        channel_id = self.channel(stage, kind(stage))
        people = {who: self.user(stage, who) for who in PEOPLE}
        bot = self.account(stage, "bot")
        people["parrot"] = self.account(stage, "parrot")
        for person in [bot, *people.values()]:
            self.admin.call("POST", f"/teams/{self.team_id}/members", {
                "team_id": self.team_id, "user_id": person.id})
            self.join(channel_id, person)
        hook = self.admin.call("POST", "/hooks/incoming", {
            "channel_id": channel_id, "user_id": people["lead"].id})
        people["admin"] = self.admin
        found = Set(stage, self.team, channel_id, people, bot, bot.token,
                    f"/hooks/{hook['id']}")
        found.old = self.version().startswith("5.")
        for word, name, letter, members in further(stage):
            found.further[word] = self.channel(name, letter)
            for who in members:
                self.join(found.further[word],
                          bot if who == "bot" else people[who])
        return found

    def name(self, stage, who):
        return f"{self.team[4:]}-{username(stage, who)}"

    def user(self, stage, who):
        name = self.name(stage, who)
        made = self.admin.call("POST", "/users", {
            "username": name, "email": f"{name}@example.test",
            "password": "Aa1!" + secrets.token_urlsafe(24)})
        self.made.append(("PUT", f"/users/{made['id']}/active",
                          {"active": False}))
        return self.with_token(made["id"], name)

    def account(self, stage, who):
        name = self.name(stage, who)
        made = self.admin.call("POST", "/bots", {"username": name})
        self.made.append(("POST", f"/bots/{made['user_id']}/disable", None))
        return self.with_token(made["user_id"], name)

    def with_token(self, user_id, name):
        made = self.admin.call("POST", f"/users/{user_id}/tokens",
                               {"description": "e2e"})
        self.token_ids[made["token"]] = made["id"]
        return Person(self.rest, name, user_id, made["token"])

    def renew(self, person):
        """A token that works, after revoke()."""
        return self.with_token(person.id, person.name).token

    def revoke(self, person):
        self.admin.call("POST", "/users/tokens/revoke",
                        {"token_id": self.token_ids[person.token]})

    def version(self):
        return self.admin.call("GET", "/config/client?format=old")["Version"]

    def describe(self):
        config = self.admin.call("GET", "/config/client?format=old")
        return (f"Mattermost {config['Version']},"
                f" {config.get('SQLDriverName', 'unknown database')}")

    def cut(self, _seconds):
        subprocess.run(self.restart, shell=True, check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.rest.forget()

    def can_cut(self):
        return self.restart is not None

    def end(self):
        """Leave nothing that could act, or that counts: a server without a
        licence takes no more than so many active people (250 in 11.4)."""
        if self.team_id is not None:
            self.made.append(("DELETE", f"/teams/{self.team_id}", None))
        for request in self.made:
            with contextlib.suppress(Refused):
                self.admin.call(*request)
