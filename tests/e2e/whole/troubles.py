"""What happens to channels, accounts and connections at night."""
import threading
import time

import runbooks
from nights import begin
from stage import YES
from tap import claim, until
from wire import Wire


def channel(stage, case):
    """Archived, put out, let in: a private channel, and an open one, of which
    newer servers show the posts to who is not in it."""
    stage.write(runbooks.night())
    stage.start()
    path = f"/channels/{stage.channel_id}"

    with case("an archived channel stops nothing for good"):
        stage.say("lead", "!cutover start")
        gate = stage.gate("start")
        since = stage.log.stat().st_size
        stage.admin.call("DELETE", path)
        until(lambda: "archived" in stage.said_in_log(since), "it is noticed")
        claim(stage.process.poll() is None, "the bot lives")
        stage.admin.call("POST", path + "/restore")
        stage.devops.tap(gate)
        stage.wait("gate.approved", user=stage.devops)
        said = stage.say("anna", "!status")
        stage.answered(said, "command.answered")

    with case("put out of the channel and back, it has missed nothing"):
        since = stage.log.stat().st_size
        stage.admin.call("DELETE", f"{path}/members/{stage.bot.id}")
        until(lambda: "member" in stage.said_in_log(since), "it is noticed")
        stage.storage.tap(gate)
        said = stage.say("anna", "!note said while it was out")
        time.sleep(0.5)
        stage.never("gate.passed")
        stage.admin.call("POST", path + "/members", {"user_id": stage.bot.id})
        stage.wait("note.taken", post=said["id"])
        stage.wait("gate.passed")
        stage.wait("attempt.ended", step="1.1", outcome="ok")

    with case("what it had to say while it was out is said when it is back"):
        stage.storage.tap(stage.step_post("1.2"))
        stage.wait_for_line("deploy launch-42")
        since = stage.log.stat().st_size
        stage.admin.call("DELETE", f"{path}/members/{stage.bot.id}")
        until(lambda: "not a member" in stage.said_in_log(since),
              "it is noticed")
        stage.open_door()
        stage.wait_for_line("deployed")
        time.sleep(0.5)
        claim("migrate" not in stage.lines(), "no step begins meanwhile")
        stage.admin.call("POST", path + "/members", {"user_id": stage.bot.id})
        until(lambda: said_of(stage, "1.3"), "what came of 1.3")
        stage.wait("step.ended", step="1.4", outcome="failed")
        until(lambda: [p for p in said_of(stage, "1.4")
                       if f"@{stage.lead.name}" in p["message"]],
              "the lead is called about 1.4")
        stage.check_all()
        stage.stop()


def said_of(stage, step):
    return [post for post in stage.bots_posts()
            if f"step/{step}/" in post["props"]["bridgekeeper"]]


def token(stage, case, host):
    stage.write(runbooks.night())
    stage.start()

    with case("a revoked token is said in the log, and executing stops"):
        begin(stage)
        ask = stage.step_post("1.2")
        since = stage.log.stat().st_size
        host.revoke(stage.bot)
        stage.storage.tap(ask)
        until(lambda: "refuses the bot's token" in stage.said_in_log(since),
              "it is said", 30)
        time.sleep(1)
        claim(stage.lines() == ["snapshot"], f"{stage.lines()}")
        claim(stage.process.poll() is None, "the bot lives")

    with case("with a token that works it goes on where it was"):
        old = stage.bot_token
        stage.stop()
        stage.bot_token = host.renew(stage.bot)
        stage.write(runbooks.night())
        stage.start()
        stage.wait("step.ended", step="1.2", outcome="ok")
        stage.wait_for_line("deploy launch-42")

    with case("a bot that is disabled is silent, and back when enabled"):
        since = stage.log.stat().st_size
        stage.admin.call("POST", f"/bots/{stage.bot.id}/disable")
        until(lambda: "refuses the bot's token" in stage.said_in_log(since),
              "it is said", 30)
        said = stage.say("anna", "!note said to nobody")
        stage.open_door()
        stage.wait_for_line("deployed")
        time.sleep(0.5)
        claim("migrate" not in stage.lines(), "no step begins meanwhile")
        stage.admin.call("POST", f"/bots/{stage.bot.id}/enable")
        stage.stop()
        stage.start()
        stage.wait("note.taken", post=said["id"])
        stage.wait("step.ended", step="1.4", outcome="failed")

    with case("the log never holds a token"):
        for secret in (old, stage.bot_token):
            claim(secret not in stage.said_in_log(), "it does")
        stage.check_all()
        stage.stop()


def people(stage, case):
    stage.write(runbooks.night())
    stage.start()

    with case("who is renamed keeps the role, who takes the name has none"):
        stage.say("lead", "!cutover start")
        gate = stage.gate("start")
        old = stage.storage.name
        rename(stage, stage.storage, old + "-new")
        rename(stage, stage.anna, old)
        stage.anna.tap(gate)
        stage.wait("gate.tap_refused", user=stage.anna)
        stage.storage.tap(gate)
        stage.wait("gate.approved", user=stage.storage)

    with case("after a restart it is still the account that counts"):
        stage.kill()
        stage.start()
        answer = stage.say("lead", "!who")
        stage.answered(answer, "command.answered")
        stage.anna.untap(gate)
        stage.anna.tap(gate)
        time.sleep(0.5)
        claim(not stage.events("gate.approved", user=stage.anna), "not anna")

    with case("a deactivated person's approval counts no more"):
        set_active(stage, stage.storage, False)
        time.sleep(0.5)
        stage.devops.tap(gate)
        stage.wait("gate.approved", user=stage.devops)
        time.sleep(1)
        stage.never("attempt.started")

    with case("active again, and tapped anew, it does"):
        set_active(stage, stage.storage, True)
        if not stage.events("gate.passed"):
            stage.admin.untap(gate, YES, stage.storage)
            stage.storage.tap(gate)
        stage.wait("attempt.ended", step="1.1", outcome="ok", seconds=40)

    with case("who leaves the channel cannot end a step"):
        ask = stage.step_post("1.2")
        stage.storage.tap(ask, "eyes")
        stage.admin.call("DELETE", f"/channels/{stage.channel_id}/members/"
                         + stage.storage.id)
        time.sleep(0.5)
        stage.never("step.ended", step="1.2")
        stage.admin.call("POST", f"/channels/{stage.channel_id}/members",
                         {"user_id": stage.storage.id})
        stage.storage.tap(ask)
        stage.wait("step.ended", step="1.2", outcome="ok")
        stage.check_all()
        stage.stop()


def storm(stage, case):
    """More than a connection keeps, and everybody at once."""
    stage.write(runbooks.night())
    stage.start()

    with case("of hundreds of posts while it was dead no command is lost"):
        time.sleep(0.2)  # it has only just come for the first time
        stage.kill()
        said = []
        for number in range(300):
            text = f"talk {number}"
            if number % 30 == 7:
                text = f"!note number {number}"
            said.append(stage.say("anna", text))
        stage.start()
        wanted = [f"number {n}" for n in range(300) if n % 30 == 7]
        stage.wait("note.taken", len(wanted))
        taken = [event["text"] for event in stage.events("note.taken")]
        claim(taken == wanted, f"in order, once each: {taken}")

    with case("whatever people tap at once, what stands in the end counts"):
        stage.say("lead", "!cutover start")
        gate = stage.gate("start")
        fidgets = [threading.Thread(target=fidget, args=(person, gate))
                   for person in (stage.devops, stage.anna, stage.cto)]
        for thread in fidgets:
            thread.start()
        for thread in fidgets:
            thread.join()
        time.sleep(1)
        claim(not standing(stage, stage.devops), "devops took it back")
        fidget(stage.devops, gate)
        stage.devops.tap(gate)
        until(lambda: standing(stage, stage.devops), "devops approves")
        stage.never("gate.passed")
        stage.storage.tap(gate)
        stage.wait("gate.passed")
        stage.wait("attempt.ended", step="1.1", outcome="ok")
        stage.check_all()
        stage.stop()


def wires(stage, case):
    """A network that fails while the bot and the server are well."""
    wire = Wire(stage.url)
    stage.url = wire.url
    stage.write(runbooks.night(), status_every="1s")
    stage.start()

    with case("what is tapped while the socket is cut counts"):
        stage.say("lead", "!cutover start")
        gate = stage.gate("start")
        since = stage.log.stat().st_size
        wire.cut()
        stage.devops.tap(gate)
        stage.wait("gate.approved", user=stage.devops)
        until(lambda: stage.online(since), "it is online again")

    with case("cut again and again, it hears each word once and in order"):
        said = [f"word {number}" for number in range(20)]
        for word in said:
            stage.say("anna", "!note " + word)
            wire.cut(websockets_only=True)
            time.sleep(0.1)
        stage.wait("note.taken", len(said), seconds=30)
        taken = [event["text"] for event in stage.events("note.taken")]
        claim(taken == said, f"in order, once each: {taken}")

    with case("what is taken back while nothing gets through does not count"):
        wire.part()
        stage.devops.untap(gate)
        stage.storage.tap(gate)
        time.sleep(1)
        claim(stage.lines() == [], "nothing has run")
        wire.mend()
        stage.wait("gate.withdrawn", user=stage.devops)
        stage.wait("gate.approved", user=stage.storage)
        stage.never("gate.passed")

    with case("a post whose answer is lost is looked for, not made again"):
        wire.lose(b"POST /api/v4/posts ", 3)
        for text in ("!status", "!who", "!why"):
            stage.answered(stage.say("anna", text), "command.answered")
        claim(wire.lost == 3, f"{wire.lost} answers were lost")

    with case("so are taps, pins and edits whose answers are lost"):
        wire.lose(b"POST /api/v4/reactions ", 2)
        wire.lose(b"PUT /api/v4/posts/", 2)
        stage.devops.tap(gate)
        stage.wait("gate.passed")
        ask = stage.step_post("1.2")
        until(lambda: wire.lost == 7, "the answers were lost")
        until(lambda: "T0 approved" in stage.admin.post(gate)["message"],
              "the gate's post says what came of it")

    with case("a line that is dead and does not say so is found to be"):
        since = stage.log.stat().st_size
        with wire.frozen():
            stage.storage.tap(ask)
            until(lambda: "lost" in stage.said_in_log(since),
                  "it is noticed", 40)
            claim(stage.lines() == ["snapshot"], f"{stage.lines()}")
        wire.cut()
        stage.wait("step.ended", step="1.2", outcome="ok", seconds=40)

    with case("a command goes on while nothing gets through, to its end"):
        stage.wait_for_line("deploy launch-42")
        wire.part()
        stage.open_door()
        stage.wait_for_line("deployed")
        time.sleep(1)
        wire.mend()
        stage.wait("step.ended", step="1.3", outcome="ok", seconds=30)
        stage.wait("step.ended", step="1.4", outcome="failed", seconds=30)
        claim(stage.lines().count("deployed") == 1, "it ran once")

    with case("nothing was said twice, and the journal is whole"):
        stage.check_all()
        claim(stage.stop() == 0, "SIGTERM ends the bot in good order")
        wire.close()


def fidget(person, post):
    for _ in range(15):
        person.tap(post)
        person.untap(post)


def standing(stage, person):
    """Whether the journal has an approval of @person that stands."""
    mine = [row["type"] for row in stage.journal()
            if row["type"] in ("gate.approved", "gate.withdrawn")
            and row["body"]["user"] == person.id]
    return bool(mine) and mine[-1] == "gate.approved"


def rename(stage, person, name):
    stage.admin.call("PUT", f"/users/{person.id}/patch", {"username": name})
    person.name = name


def set_active(stage, person, active):
    stage.admin.call("PUT", f"/users/{person.id}/active", {"active": active})


def restart(stage, case, host):
    """Needs the server for itself: everybody is cut off."""
    stage.write(runbooks.night())
    stage.start()

    with case("while the server is away a command goes on"):
        begin(stage)
        stage.storage.tap(stage.step_post("1.2"))
        stage.wait_for_line("deploy launch-42")
        host.cut(2)
        stage.open_door()
        stage.wait_for_line("deployed")

    with case("when it is back the bot is there by itself, and goes on"):
        stage.wait("step.ended", step="1.4", outcome="failed", seconds=40)
        said = stage.say("anna", "!status")
        stage.answered(said, "command.answered")
        claim(stage.lines().count("deployed") == 1, "nothing ran twice")

    with case("taps and words count as before"):
        stage.mend()
        stage.say("lead", "!retry 1.4")
        stage.storage.tap(stage.step_post("2.2"))
        gate = stage.gate("success")
        stage.devops.tap(gate)
        stage.cto.tap(gate)
        stage.wait("run.succeeded")
        stage.check_all()
        claim(stage.stop() == 0, "SIGTERM ends the bot in good order")
