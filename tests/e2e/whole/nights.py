"""Whole nights, with people who tap and a bot that is killed in between."""
import hashlib
import random
import time

import runbooks
from stage import NO, YES
from tap import claim, until


def begin(stage):
    """The lead starts, T0 is approved; returns the gate's post."""
    stage.say("lead", "!cutover start")
    post = stage.gate("start")
    stage.devops.tap(post)
    stage.storage.tap(post)
    stage.wait("gate.passed")
    return post


def success(stage, case):
    """A night that ends well."""
    stage.write(runbooks.night(), status_every="1s")
    stage.start()
    before = {who: stage.mentions(who) for who in ("deputy", "cto")}

    with case("the bot works with no right but a member's"):
        me = stage.admin.call("GET", f"/users/{stage.bot.id}")
        claim(me["roles"] == "system_user", f"its roles: {me['roles']}")
        member = stage.admin.call(
            "GET", f"/channels/{stage.channel_id}/members/{stage.bot.id}")
        claim(member["roles"] == "channel_user",
              f"its roles here: {member['roles']}")

    with case("who does not lead cannot start, and is told so"):
        post = stage.say("anna", "!cutover start")
        event, _ = stage.answered(post)
        claim(event["user"] == stage.anna.id, "it is said to whom")
        stage.never("run.begun")

    with case("the start opens a gate that can be tapped, and pins a card"):
        stage.say("lead", "!cutover start")
        gate = stage.gate("start")
        card = stage.card()
        claim(card["props"]["bridgekeeper"] == "NT-1/card", card["props"])
        claim(stage.lines() == [], "nothing has run")

    with case("approvals given while the bot is dead count when it is back"):
        stage.devops.tap(gate, "+1_medium_skin_tone")
        stage.wait("gate.approved", user=stage.devops)
        stage.kill()
        stage.storage.tap(gate)
        time.sleep(0.3)
        claim(stage.lines() == [], "nothing ran while no bot lived")
        stage.start()
        stage.wait("gate.passed")
        stage.wait("run.t0")
        stage.wait("attempt.ended", step="1.1", outcome="ok")
        claim(stage.admin.taps(gate) >= {(stage.storage.id, YES)},
              "the tap is still there")

    with case("a tap by who does not hold the role is refused, once"):
        ask = stage.step_post("1.2")
        stage.anna.tap(ask)
        refusal = stage.wait("step.tap_refused", user=stage.anna)
        claim(refusal["step"] == 1, "of that step")
        stage.anna.untap(ask)
        stage.anna.tap(ask)
        time.sleep(0.5)
        claim(len(stage.events("step.tap_refused")) == 1, "told once")
        stage.never("step.ended", step="1.2")

    with case("the owner's tap ends the manual step"):
        stage.storage.tap(ask)
        ended = stage.wait("step.ended", step="1.2", outcome="ok")
        claim(ended["user"] == stage.storage.id, "by the owner")

    with case("what a step published reaches the next one"):
        stage.wait_for_line("deploy launch-42")

    with case("a command outlives the bot: it ends once, and is seen to"):
        stage.wait("attempt.started", step="1.3")
        stage.kill()
        stage.open_door()
        stage.wait_for_line("deployed")
        stage.start()
        stage.wait("step.ended", step="1.3", outcome="ok")
        claim(stage.lines().count("deploy launch-42") == 1, "begun once")

    with case("a failed step stops the run until its owner says retry"):
        stage.wait("step.ended", step="1.4", outcome="failed")
        until(lambda: calls_about(stage, "1.4"), "the lead is called")
        stage.kill()
        stage.start()
        time.sleep(0.5)
        claim(stage.lines().count("migrate") == 1, "not repeated unasked")
        claim(len(calls_about(stage, "1.4")) == 1, "called once")
        refused = stage.say("anna", "!retry 1.4")
        stage.answered(refused)
        stage.mend()
        stage.say("lead", "!retry 1.4")
        stage.wait("step.ended", step="1.4", outcome="ok")
        claim(stage.lines().count("migrate") == 2, "repeated once")

    with case("long output is a file in the card's thread, its secrets gone"):
        stage.wait("step.ended", step="1.5", outcome="ok")
        check_output(stage, card)

    with case("the success gate opens by itself when all is green"):
        screen = stage.step_post("2.2")
        stage.storage.tap(screen)
        stage.wait("run.deciding")
        last = stage.gate("success")

    with case("two reactions of the right people make it a success"):
        stage.devops.tap(last, "heavy_check_mark")
        stage.storage.tap(last)
        stage.wait("gate.tap_refused", user=stage.storage)
        stage.never("run.succeeded")
        stage.cto.tap(last)
        stage.wait("run.succeeded")

    counted = "only who must act was mentioned, by the server's count"
    if not case.lacks("mentions", counted):
        with case(counted):
            claim(stage.mentions("deputy") == before["deputy"],
                  "a backup that is not needed is left alone")
            claim(stage.mentions("cto") > before["cto"], "the CTO was called")

    with case("closing ends the record, and the card says so"):
        stage.say("lead", "!cutover close")
        stage.wait("run.closed")
        check_closed_card(stage, card)

    with case("each command ran as often as it was asked to, in order"):
        claim(stage.lines() == [
            "snapshot", "deploy launch-42", "deployed", "migrate", "migrate",
            "tell", "health"], f"{stage.lines()}")

    with case("status posts carry heads that the journal has; all is whole"):
        claim(len(stage.check_all()) > 0, "there were status posts")
        claim(stage.stop() == 0, "SIGTERM ends the bot in good order")


def calls_about(stage, step):
    return [post for post in stage.bots_posts()
            if f"step/{step}/" in post["props"]["bridgekeeper"]
            and f"@{stage.lead.name}" in post["message"]]


def without_gates(stage, case):
    """Every kind of step, and an end that is called off."""
    stage.write(runbooks.STEPS)
    stage.start()

    with case("a runbook without gates runs with start alone"):
        stage.say("lead", "!cutover start")
        stage.wait("run.t0")

    with case("a request is made by the bot itself, and judged"):
        stage.wait("step.ended", step="1.1", outcome="ok")

    with case("evidence is asked for: neither a tap nor bare words will do"):
        ask = stage.wait("step.posted", step="1.2")["post"]
        claim(not stage.admin.taps(ask), "it does not ask for taps")
        stage.storage.tap(ask)
        stage.wait("step.tap_refused", user=stage.storage)
        stage.answered(stage.say("storage", "!done 1.2"))
        stage.never("step.ended", step="1.2")

    with case("an attached file is evidence, also for a bot that was killed"):
        seen = bytes(range(256)) * 2000
        shot = stage.storage.upload(stage.channel_id, "on screen.png", seen)
        stage.say("storage", "!done 1.2", files=[shot])
        stage.wait("file.offered", step="1.2", user=stage.storage)
        stage.kill()
        stage.start()
        stage.wait("step.ended", step="1.2", outcome="ok")

    with case("it is kept as it was sent, and a change of it shows"):
        kept = stage.wait("file.kept", step="1.2")
        path = stage.folder / "state" / kept["path"]
        claim(path.name == "1-on_screen.png", f"it lies at {path}")
        claim(kept["name"] == "on screen.png", f"{kept}")
        claim(path.read_bytes() == seen, "it is what was sent")
        claim(kept["digest"] == hashlib.sha256(seen).hexdigest(), f"{kept}")
        claim(path.stat().st_mode & 0o777 == 0o400, "nobody may write it")
        status, out = stage.ask("audit", "verify")
        claim(status == 0 and "1 evidence file, all as kept" in out, out)
        path.unlink()
        path.write_bytes(seen.replace(b"\x00\x01", b"\x00\x02", 1))
        status, out = stage.ask("audit", "verify")
        claim(status == 1 and f"{kept['path']} is not what was kept" in out,
              out)
        path.unlink()
        status, out = stage.ask("audit", "verify")
        claim(status == 1 and f"{kept['path']} is gone" in out, out)
        path.write_bytes(seen)

    with case("a note's file is kept too, and that is said below it"):
        note = stage.say("anna", "!note look", files=[
            stage.anna.upload(stage.channel_id, "a.txt", b"a")])
        stage.wait("file.kept", name="a.txt")
        until(lambda: any(post["root_id"] == note["id"]
                          and "`a.txt`" in post["message"]
                          for post in stage.bots_posts()), "a reply to it")

    with case("what the runbook lets repeat is repeated, and no more"):
        stage.wait("step.ended", step="1.3", outcome="ok")
        claim(stage.lines() == ["again", "again"], f"{stage.lines()}")

    with case("a step that is not needed is passed, and not run"):
        stage.wait("step.asked", step="1.4")
        stage.answered(stage.say("anna", "!pass 1.4"))
        stage.say("storage", "!pass 1.4 nothing to do")
        stage.wait("step.ended", step="1.4", outcome="passed")

    with case("a command that takes too long is stopped with all it began"):
        stage.wait("attempt.ended", step="1.5", outcome="timed_out")
        stage.wait("step.ended", step="1.5", outcome="failed")
        stage.answered(stage.say("devops", "!skip 1.5 never mind"))
        time.sleep(2.2)
        claim("late" not in stage.lines(), "nothing of it is left")

    with case("the lead goes on without it"):
        stage.say("lead", "!skip 1.5 never mind")
        stage.wait("step.ended", step="1.5", outcome="skipped")
        stage.wait_for_line("waits")

    with case("an abort while a command runs is said twice"):
        stage.say("lead", "!cutover abort wrong night")
        stage.wait("run.abort_asked")
        stage.never("run.aborted")
        stage.kill()
        stage.start()
        stage.say("lead", "!cutover abort wrong night")
        stage.wait("run.aborted")
        stage.wait("attempt.ended", step="1.6", outcome="cancelled")
        stage.open_door()

    with case("what was aborted can still be rolled back"):
        stage.say("lead", "!rollback after all")
        stage.wait("run.rolled_back")
        claim(stage.lines() == ["again", "again", "slow", "waits", "undo"],
              f"{stage.lines()}")
        stage.check_all()
        claim(stage.stop() == 0, "SIGTERM ends the bot in good order")


def planned(stage, case):
    """A plan that is approved first, files that change, and a watch."""
    stage.write(runbooks.PLAN)
    stage.start()

    with case("a parameter takes only what the runbook offers"):
        stage.answered(stage.say("lead", "!cutover plan RELEASE=3.0"))
        stage.never("plan.fixed")

    with case("a plan has a gate of its own, and without it no start"):
        stage.say("lead", "!cutover plan RELEASE=2.0")
        gate = stage.gate("plan")
        stage.answered(stage.say("lead", "!cutover start"))
        stage.devops.tap(gate)
        stage.kill()
        stage.cto.tap(gate)
        stage.start()
        stage.wait("gate.passed")

    with case("a poll counts go and no-go, and only of whom it asks"):
        stage.say("lead", "!cutover poll Reps")
        poll = stage.wait("poll.posted")["post"]
        stage.wait_for_own_taps(poll)
        stage.cto.tap(poll)
        stage.devops.tap(poll)
        stage.storage.tap(poll, NO)
        stage.wait("poll.voted", user=stage.devops, outcome="yes")
        stage.wait("poll.voted", user=stage.storage, outcome="no")
        stage.never("poll.voted", user=stage.cto)

    with case("a group at a gate is all of it"):
        stage.say("lead", "!cutover start")
        gate = stage.gate("start")
        stage.devops.tap(gate)
        stage.wait("gate.approved", user=stage.devops)
        stage.storage.tap(gate)
        stage.wait("step.ended", step="1.1", outcome="ok")
        stage.wait("poll.closed")
        claim(stage.lines() == ["deploy 2.0 one"], f"{stage.lines()}")

    with case("files that change under a run hold it"):
        ask = stage.step_post("1.2")
        (stage.folder / "payload").write_text("two\n")
        stage.storage.tap(ask)
        stage.wait("run.files_changed")
        gate = stage.gate("files")
        claim(stage.lines() == ["deploy 2.0 one"], f"{stage.lines()}")

    with case("the same people approve the new ones, and it goes on"):
        stage.storage.tap(gate)
        stage.kill()
        stage.devops.tap(gate)
        stage.start()
        stage.wait("run.files_accepted")
        stage.wait("step.ended", step="1.3", outcome="ok")
        claim(stage.lines()[1:] == ["rest 2.0 two"], f"{stage.lines()}")

    with case("one of a group is one"):
        stage.storage.tap(stage.gate("success"))
        stage.wait("run.succeeded")

    with case("after success its monitors run on their grid, killed or not"):
        stage.wait_for_line("watch")
        stage.kill()
        stage.start()
        stage.cto.tap(stage.step_post("3.2"))
        stage.wait("run.watched")
        watched = stage.lines().count("watch")
        claim(2 <= watched <= 4, f"watched {watched} times")
        stage.say("lead", "!cutover close")
        stage.wait("run.closed")
        stage.check_all()
        claim(stage.stop() == 0, "SIGTERM ends the bot in good order")


def check_output(stage, card):
    def reply():
        return [p for p in stage.bots_posts() if p["root_id"] == card["id"]
                and "step/1.5/" in p["props"]["bridgekeeper"]]
    post = until(reply, "the output of 1.5")[0]
    files = post.get("file_ids") or []
    claim(len(files) == 1, f"one file: {files}")
    text = stage.admin.file(files[0]).decode()
    claim("1000" in text and "1400" in text, "the whole output")
    claim("hunter2" not in text, "the secret is masked in the file")
    claim("@all" not in post["message"] and "@channel" not in post["message"]
          or "```" in post["message"], "the output rings nobody")


def check_closed_card(stage, card):
    def changed():
        now = stage.admin.post(card["id"])
        return now if now["message"] != card["message"] else None
    until(changed, "the card was edited")
    mine = [p for p in stage.bots_posts()
            if p["props"]["bridgekeeper"] == "NT-1/card"]
    claim(len(mine) == 1, "there is one card")


def rollback(stage, case):
    """A night that was rehearsed and is rolled back."""
    stage.write(runbooks.rehearsed(), status_every="1s")
    stage.start()

    with case("without a rehearsal of this plan there is no start"):
        stage.say("lead", "!cutover plan")
        stage.wait("plan.fixed")
        stage.answered(stage.say("lead", "!cutover start"))
        stage.say("lead", "!cutover rehearse")
        stage.wait("run.rehearsed", outcome="ok")
        stage.wait("run.closed", run=1)
        claim(stage.lines() == ["try"], f"{stage.lines()}")

    with case("where nothing has run there is nothing to roll back"):
        stage.answered(stage.say("cto", "!rollback too early"))
        stage.never("gate.opened")

    with case("a hold said in the bot's thread stops before the next step"):
        begin(stage)
        card = stage.card()
        stage.storage.tap(stage.step_post("1.2"))
        stage.wait_for_line("deploy launch-42")
        stage.say("anna", "!cutover hold the queue grows", card["id"])
        stage.wait("run.held", user=stage.anna)

    with case("a command that is not for threads is answered, not run"):
        said = stage.say("lead", "!cutover resume", card["id"])
        _, answer = stage.answered(said)
        claim(answer["root_id"] == card["id"], "in that thread")
        stage.never("run.resumed")
        stage.say("lead", "!cutover resume")
        stage.wait("run.resumed")

    with case("asking to roll back is approving, and one is not enough"):
        asked = stage.say("devops", "!rollback ingest is red")
        gate = stage.gate("rollback")
        event = stage.wait("gate.asked", user=stage.devops)
        claim(event["post"] == asked["id"], "by that message")
        stage.never("run.rolling_back")

    with case("who asked withdraws by deleting their words"):
        stage.devops.delete(asked["id"])
        stage.wait("gate.withdrawn", user=stage.devops)
        stage.cto.tap(gate)
        stage.wait("gate.approved", user=stage.cto)
        time.sleep(0.3)
        stage.never("run.rolling_back")

    with case("killed between two approvals the bot goes on where it was"):
        stage.kill()
        stage.devops.tap(gate)
        stage.start()
        stage.wait("run.rolling_back")

    with case("the running command is stopped, and the undo value is used"):
        stage.wait("attempt.ended", step="1.3", outcome="cancelled")
        stage.wait_for_line("down launch-42")
        stage.open_door()
        time.sleep(0.3)
        claim("deployed" not in stage.lines(), "it does not go on")

    with case("a conditional step is not begun by a tap, only by its word"):
        asked = stage.wait("step.asked", step="3.2")
        questions = until(lambda: [
            p for p in stage.bots_posts()
            if "step/3.2/asked" in p["props"]["bridgekeeper"]], "a question")
        claim(len(questions) == 1, "it is asked once")
        stage.storage.tap(questions[0]["id"])
        time.sleep(0.5)
        claim("restore launch-42" not in stage.lines(), "a tap begins it not")
        stage.say("storage", "!run 3.2")
        stage.wait_for_line("restore launch-42")

    with case("killed in the rollback the bot ends it, each step once"):
        stage.wait("step.ended", step="3.2", outcome="ok")
        stage.kill()
        stage.start()
        stage.cto.tap(stage.step_post("3.3"))
        stage.wait("run.rolled_back")
        claim(stage.lines() == ["try", "snapshot", "deploy launch-42",
                                "down launch-42", "restore launch-42"],
              f"{stage.lines()}")
        claim("▶️" not in stage.admin.post(card["id"])["message"],
              "the card shows nothing as going on")

    with case("afterwards production is locked until it was rehearsed anew"):
        stage.say("lead", "!cutover close")
        stage.wait("run.closed", run=2)
        stage.answered(stage.say("lead", "!cutover start"))
        claim(len(stage.events("run.begun")) == 2, "no third run began")
        stage.say("lead", "!cutover rehearse")
        stage.wait("run.rehearsed", 2, outcome="ok")
        stage.say("lead", "!cutover start")
        stage.gate("start", 2)

    with case("the journal of the rollback is whole"):
        stage.check_all()
        claim(stage.stop() == 0, "SIGTERM ends the bot in good order")


def chaos(stage, case):
    """A night in which the bot is killed again and again, at any moment."""
    stage.write(runbooks.night(), status_every="1s")
    stage.open_door()
    stage.mend()
    dice = random.Random(5)

    def killing(done, what, seconds=40):
        end = time.monotonic() + seconds
        for _ in range(3):
            stage.kill()
            stage.start(wait=False)
            time.sleep(dice.uniform(0.02, 0.3))
        while not done():
            claim(time.monotonic() < end, f"not within {seconds} s: {what}")
            stage.kill()
            stage.start(wait=False)
            time.sleep(dice.uniform(0.05, 1.2))

    with case("killed at any moment, the night comes to its end"):
        stage.start()
        stage.say("lead", "!cutover start")
        killing(lambda: stage.events("gate.posted"), "a gate is posted")
        gate = stage.gate("start")
        stage.devops.tap(gate)
        stage.storage.tap(gate)
        killing(lambda: stage.events("step.posted", step="1.2"), "1.2 waits")
        stage.storage.tap(stage.step_post("1.2"))
        killing(lambda: stage.events("step.posted", step="2.2"), "2.2 waits")
        stage.storage.tap(stage.step_post("2.2"))
        killing(lambda: stage.events("gate.opened", purpose="success"),
                "the success gate is there")
        last = stage.gate("success")
        stage.devops.tap(last)
        stage.cto.tap(last)
        killing(lambda: stage.events("run.succeeded"), "it succeeds")

    with case("nothing ran twice or was said twice, however often it died"):
        claim(stage.kills >= 15, f"killed {stage.kills} times only")
        stage.stop()
        stage.start()
        claim(stage.lines() == ["snapshot", "deploy launch-42", "deployed",
                                "migrate", "tell", "health"],
              f"{stage.lines()}")
        stage.check_all()
        stage.stop()
