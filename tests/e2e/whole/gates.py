"""Gates: whose taps count, how long, and what makes them void."""
import time

import runbooks
from stage import NO, YES
from tap import claim, until


def start(stage, count):
    """The lead asks to start; the @count-th gate's post."""
    stage.say("lead", "!cutover start")
    return stage.gate("start", count)


def closed(stage, post, outcome):
    """Until the gate of @post is closed so, and its post says that."""
    gate = stage.events("gate.posted", post=post)[0]["gate"]
    event = stage.wait("gate.closed", gate=gate, outcome=outcome)
    return event


def taps(stage, case):
    stage.write(runbooks.night())
    stage.start()

    with case("who holds no role of the gate is refused, and told once"):
        gate = start(stage, 1)
        text = stage.admin.post(gate)["message"]
        for person in (stage.anna, stage.cto):
            person.tap(gate)
            stage.wait("gate.tap_refused", user=person)
        stage.anna.tap(gate, "+1")
        time.sleep(0.5)
        claim(len(stage.events("gate.tap_refused")) == 2, "told once each")
        stage.never("gate.approved")

    with case("a bot's and an admin's taps count for nothing"):
        stage.admin.call("POST", f"/channels/{stage.channel_id}/members",
                         {"user_id": stage.parrot.id})
        stage.parrot.tap(gate)
        stage.admin.tap(gate)
        time.sleep(0.5)
        stage.never("gate.approved")

    with case("other emojis mean nothing"):
        stage.devops.tap(gate, "tada")
        stage.storage.tap(gate, "eyes")
        time.sleep(0.5)
        stage.never("gate.approved")

    with case("an approval that is taken back does not count"):
        stage.devops.tap(gate)
        stage.wait("gate.approved", user=stage.devops)
        stage.devops.untap(gate)
        stage.wait("gate.withdrawn", user=stage.devops)
        stage.storage.tap(gate)
        stage.wait("gate.approved", user=stage.storage)
        time.sleep(0.5)
        stage.never("gate.passed")

    with case("one removed by an admin's hand does not count either"):
        stage.admin.untap(gate, YES, stage.storage)
        stage.wait("gate.withdrawn", user=stage.storage)
        stage.devops.tap(gate)
        stage.wait("gate.approved", 2, user=stage.devops)
        time.sleep(0.5)
        stage.never("gate.passed")

    with case("one taken back while the bot is dead does not count"):
        stage.kill()
        stage.devops.untap(gate)
        stage.storage.tap(gate)
        stage.start()
        stage.wait("gate.withdrawn", 2, user=stage.devops)
        stage.wait("gate.approved", 2, user=stage.storage)
        time.sleep(0.5)
        stage.never("gate.passed")

    with case("an open gate's post is never edited"):
        claim(stage.admin.post(gate)["message"] == text, "its text stays")
        claim(stage.admin.post(gate)["edit_at"] == 0, "it was not edited")

    with case("the backup of a role counts"):
        stage.deputy.tap(gate)
        stage.wait("gate.passed")
        stage.wait("attempt.started", step="1.1")

    with case("once it has passed, the gate's post says what came of it"):
        until(lambda: stage.admin.post(gate)["message"] != text, "an edit")

    with case("❌ after the first command is a hold"):
        stage.step_post("1.2")
        stage.storage.tap(gate, NO)
        stage.wait("run.held", user=stage.storage)
        claim(stage.lines() == ["snapshot"], f"{stage.lines()}")

    with case("the journal of the taps is whole"):
        stage.check_all()
        stage.stop()


def refusal(stage, case):
    stage.write(runbooks.night())
    stage.start()

    with case("a ❌ that slipped and is taken away changes nothing"):
        gate = start(stage, 1)
        stage.storage.tap(gate, NO)
        stage.wait("gate.objected", user=stage.storage)
        stage.storage.untap(gate, NO)
        stage.wait("gate.objection_lifted", user=stage.storage)

    with case("a ❌ keeps the full gate shut, and refuses it after 10 s"):
        stage.storage.tap(gate, NO)
        stage.wait("gate.objected", 2, user=stage.storage)
        began = time.monotonic()
        stage.deputy.tap(gate)
        stage.storage.tap(gate)
        time.sleep(1)
        stage.never("gate.passed")
        event = closed(stage, gate, "refused")
        took = time.monotonic() - began
        claim(took > 8, f"it counted after {took:.1f} s already")
        claim(event["user"] == stage.storage.id, "by whom")
        stage.never("attempt.started")

    with case("who refused is asked why, and the answer is on record"):
        post = stage.said("/gate/", "refused:**")
        claim(f"@{stage.storage.name}, why?" in post["message"],
              post["message"])
        why = stage.say("storage", "!note the backup is not done")
        stage.wait("note.taken", user=stage.storage, post=why["id"])

    with case("after a refusal the same run can be asked for again"):
        gate = start(stage, 2)
        claim(len(stage.events("run.begun")) == 1, "it is the same run")
        stage.devops.tap(gate)
        stage.storage.tap(gate)
        stage.wait("attempt.ended", step="1.1", outcome="ok")
        stage.check_all()
        stage.stop()


def renewed(stage, card):
    """Until another card stands in the place of @card: at once, though for 30 s
    a server refuses to make a post again that it has made."""
    def other():
        now = stage.card()
        return now if now["id"] != card["id"] else None
    now = until(other, "a new card")
    key = card["props"]["bridgekeeper"]
    claim(now["props"]["bridgekeeper"] == key, now["props"])
    cards = [post for post in stage.bots_posts()
             if post["props"]["bridgekeeper"] == key]
    claim(len(cards) == 1, f"{len(cards)} cards")
    return now


def void(stage, case):
    stage.write(runbooks.night(open_for="4s"))
    stage.start()

    with case("a gate that nobody fills in time expires"):
        closed(stage, start(stage, 1), "expired")

    stage.write(runbooks.night())
    stage.stop()
    stage.start()

    with case("a gate whose post is deleted is void"):
        gate = start(stage, 2)
        stage.devops.tap(gate)
        stage.wait("gate.approved", user=stage.devops)
        stage.admin.delete(gate)
        closed(stage, gate, "void")

    with case("a gate whose post another hand has edited is void"):
        gate = start(stage, 3)
        stage.admin.edit(gate, "Approve free beer?")
        closed(stage, gate, "void")
        stage.devops.tap(gate)
        stage.storage.tap(gate)
        time.sleep(0.5)
        stage.never("gate.passed")

    with case("one edited while the bot is dead is void when it is back"):
        gate = start(stage, 4)
        stage.kill()
        stage.admin.edit(gate, "Approve free beer?")
        stage.devops.tap(gate)
        stage.storage.tap(gate)
        stage.start()
        closed(stage, gate, "void")
        stage.never("attempt.started")

    with case("one deleted while the bot is dead is void when it is back"):
        gate = start(stage, 5)
        stage.kill()
        stage.devops.tap(gate)
        stage.storage.tap(gate)
        stage.admin.delete(gate)
        stage.start()
        closed(stage, gate, "void")
        stage.never("attempt.started")

    with case("a card that somebody deletes is made and pinned anew"):
        card = stage.card()
        stage.admin.delete(card["id"])
        card = renewed(stage, card)

    with case("so is one that was deleted while the bot is dead"):
        stage.kill()
        stage.admin.delete(card["id"])
        stage.start()
        renewed(stage, card)

    with case("a runbook that is changed under an open gate voids it"):
        gate = start(stage, 6)
        stage.write(runbooks.night().replace("echo tell", "echo told"))
        closed(stage, gate, "void")
        stage.check_all()
        stage.stop()
