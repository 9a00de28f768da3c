"""Who may say yes, who stands in, and what happens when nobody answers."""
import time

import runbooks
from stage import NO, ROLES, YES
from tap import claim, until
from wire import Wire

SETTLED = 0.6  # after this something wrong would have happened

# The DevOps lead leads: whoever asks could fill a place.
LED_BY_DEVOPS = (("Cutover lead", "devops", None), *ROLES[1:])


def start(stage, who="lead", count=1):
    stage.say(who, "!cutover start")
    return stage.gate("start", count)


def calls(stage, post, *people):
    return [who for who in people
            if f"@{stage.people[who].name}" in post["message"]]


def silence(stage, case):
    """Nobody answers: backups, then the lead and the contacts' channels."""
    told, shut = stage.further["told"], stage.further["shut"]
    wire = Wire(stage.url)
    stage.url = wire.url
    stage.write(
        runbooks.with_contacts(storage=f"{stage.name}-told",
                               devops_lead=stage.name,
                               cto=f"{stage.name}-shut"),
        roles=(*ROLES[:3], ("Storage", "storage", "anna")),
        escalate_after="2s")

    with case("check --online knows the contact that the bot cannot reach"):
        status, out = stage.ask("check", "--online")
        claim(status == 0, out)
        found = [line for line in out.split("\n") if "[contact]" in line]
        claim(len(found) == 1 and f"~{stage.name}-shut" in found[0], out)

    stage.start()

    with case("when nobody answers at a gate its backups are called"):
        gate = start(stage)
        stage.wait("gate.escalated", count=1)
        post = stage.said("/silence/1", "still waits")
        claim(calls(stage, post, "deputy", "anna", "lead")
              == ["deputy", "anna"], post["message"])
        claim(not stage.bots_posts(told), "the contact is not told yet")

    with case("then the lead is, and the contact's channel is told"):
        stage.wait("gate.escalated", count=2)
        claim(calls(stage, stage.said("/silence/2", "still waits"), "lead"),
              "the lead is called")
        post = stage.said("/silence/2", "T0 still waits", told)
        claim(calls(stage, post, "storage", "anna", "devops")
              == ["storage", "anna"], post["message"])
        claim(f"~{stage.name}" in post["message"], "where to answer is said")

    with case("the bridge's own channel is no contact that must be told"):
        claim(not [p for p in stage.bots_posts()
                   if "/~" in p["props"]["bridgekeeper"]], "it is told twice")

    with case("what is said or tapped in the contact's channel does nothing"):
        stage.storage.tap(post["id"])
        stage.lead.say(told, "!cutover hold the contact says so")
        stage.lead.say(told, "!status", post["id"])
        time.sleep(SETTLED)
        stage.never("gate.approved")
        stage.never("run.held")
        claim(len(stage.bots_posts(told)) == 1, "nothing is answered there")

    with case("killed while it calls, the bot calls once"):
        stage.devops.tap(gate)
        stage.storage.tap(gate)
        stage.step_post("1.2")
        stage.wait("step.escalated", step="1.2", count=2)
        stage.kill()
        stage.start()
        stage.said("step/1.2/silence", "1.2 Look at the board still", told)
        time.sleep(SETTLED)
        claim(len(stage.bots_posts(told)) == 2, "it calls once")

    with case("a channel that is shut to the bot is said in the bridge, once"):
        stage.say("devops", "!rollback to see who hears it")
        stage.wait("gate.asked", user=stage.devops)
        stage.wait("gate.escalated", 3, seconds=20)
        word = stage.said("dead/", f"Not told in ~{stage.name}-shut")
        stage.kill()
        stage.start()
        time.sleep(SETTLED)
        claim(len([p for p in stage.bots_posts()
                   if p["message"] == word["message"]]) == 1, "said once")

    with case("once it is let in, it is told there, once, if no answer comes"):
        stage.admin.call("POST", f"/channels/{shut}/members",
                         {"user_id": stage.bot.id})
        stage.cto.tap(stage.gate("rollback"), NO)
        stage.wait("gate.closed", purpose=None, outcome="refused", seconds=20)
        stage.say("devops", "!rollback once more")
        stage.gate("rollback", 2)
        wire.lose(b"POST /api/v4/posts ", 99)
        post = stage.said("/silence/2", "Rollback still waits", shut)
        claim(calls(stage, post, "cto"), "the CTO is called")
        time.sleep(SETTLED)
        wire.spare()
        until(stage.all_said, "all is said")
        claim(wire.lost > 2, f"{wire.lost} answers were lost")
        claim(len(stage.bots_posts(shut)) == 1, "it is told once")

    with case("the journal of the silence is whole"):
        stage.check_all()
        stage.stop()
        wire.close()


def deputies(stage, case):
    stage.write(runbooks.night())
    stage.start()

    def delegate(who, role, to, until_when="1h"):
        name = stage.people[to].name if to in stage.people else to
        return stage.say(who, f"!delegate {role} @{name} until {until_when}")

    with case("only who holds a role first names a deputy"):
        stage.say("lead", "!cutover plan")
        stage.wait("plan.fixed")
        for who, role in (("devops", "Storage"), ("deputy", "DevOps lead"),
                          ("anna", "Storage")):
            stage.answered(delegate(who, role, "anna"))
        stage.never("deputy.named")

    with case("nobody is one who fills another place, or is no person here"):
        for who in ("devops", "parrot", "nobody.at.all"):
            stage.answered(delegate("storage", "Storage", who))
        stage.never("deputy.named")

    with case("a deputy is announced, and may approve"):
        delegate("storage", "Storage", "anna")
        stage.wait("deputy.named", user=stage.storage, detail=stage.anna.id)
        post = stage.said("deputy/", "stands in")
        claim(calls(stage, post, "anna"), post["message"])
        gate = start(stage)
        stage.anna.tap(gate)
        stage.wait("gate.approved", user=stage.anna)

    with case("the deputy and the one who named them fill one place"):
        stage.storage.tap(gate)
        stage.wait("gate.approved", user=stage.storage)
        time.sleep(SETTLED)
        stage.never("gate.passed")

    with case("one who approved and left the place to the deputy is not missed"):
        stage.storage.untap(gate)
        stage.wait("gate.withdrawn", user=stage.storage)
        stage.kill()
        stage.devops.tap(gate)
        stage.start()
        passed = stage.wait("gate.passed")
        claim(stage.anna.id in str(passed["values"]), f"{passed['values']}")

    with case("a deputy ends the role's step"):
        stage.anna.tap(stage.step_post("1.2"))
        ended = stage.wait("step.ended", step="1.2", outcome="ok")
        claim(ended["user"] == stage.anna.id, "by the deputy")

    with case("when the time is over the deputy is none"):
        delegate("storage", "Storage", "anna", "2s")
        stage.wait("deputy.named", 2)
        stage.open_door()
        stage.mend()
        ask = stage.step_post("2.2")
        time.sleep(2.2)
        stage.anna.tap(ask)
        stage.wait("step.tap_refused", user=stage.anna)
        stage.storage.tap(ask)
        stage.wait("step.ended", step="2.2", outcome="ok")
        stage.check_all()
        stage.stop()


def glass(stage, case):
    stage.write(runbooks.night())
    stage.start()

    with case("unless the config has [override] nobody breaks the glass"):
        start(stage)
        stage.answered(stage.say("cto", "!override T0 nobody is there"))
        stage.never("gate.override_said")

    with case("whom it does not name may not, with or without a reason"):
        stage.stop()
        stage.write(runbooks.night(), more=(
            "[override]", "roles = CTO, DevOps lead", "count = 2"))
        stage.start()
        stage.answered(stage.say("storage", "!override T0 nobody is there"))
        stage.answered(stage.say("cto", "!override T0"))
        stage.answered(stage.say("cto", "!override rollback nobody is there"))
        stage.never("gate.override_said")

    with case("one is not enough, however often they say it"):
        stage.say("cto", "!override T0 nobody of storage is there")
        stage.wait("gate.override_said", user=stage.cto)
        stage.answered(stage.say("cto", "!override T0 still nobody is there"))
        time.sleep(SETTLED)
        stage.never("gate.overridden")
        claim(stage.lines() == [], "nothing has run")

    with case("killed in between, the second one lets it pass"):
        stage.kill()
        stage.say("devops", "!override T0 I cannot reach them either")
        stage.start()
        stage.wait("gate.overridden")
        stage.wait("attempt.ended", step="1.1", outcome="ok")

    with case("those passed over are told by name"):
        post = stage.said("/overridden", "passed by override")
        claim(calls(stage, post, "storage", "anna") == ["storage"],
              post["message"])

    with case("nobody closes the run before one of them has looked at it"):
        stage.step_post("1.2")
        stage.say("lead", "!cutover abort that was enough")
        stage.wait("run.aborted")
        stage.answered(stage.say("lead", "!cutover close"))
        stage.answered(stage.say("cto", "!review it was right"))
        stage.answered(stage.say("anna", "!review it was right"))
        stage.never("gate.reviewed")
        stage.never("run.closed")
        stage.say("storage", "!review I was asleep, and it was right")
        stage.wait("gate.reviewed", user=stage.storage)
        stage.say("lead", "!cutover close")
        stage.wait("run.closed")

    with case("the journal of the override is whole"):
        stage.check_all()
        stage.stop()


def asker(stage, case):
    """Backups in their time, and what who asks may do."""
    stage.write(runbooks.night(), roles=LED_BY_DEVOPS, backup_after="8s")
    stage.start()

    with case("before its time a backup's tap lets nothing pass"):
        gate = start(stage, "devops")
        stage.deputy.tap(gate)
        stage.storage.tap(gate)
        stage.wait("gate.approved", user=stage.deputy)
        stage.wait("gate.approved", user=stage.storage)
        claim(stage.events("gate.backup_called")
              or not stage.events("gate.passed"), "it passed before")

    with case("killed before it, the bot calls the backups at the time"):
        stage.kill()
        time.sleep(0.5)
        claim(stage.lines() == [], "nothing has run")
        stage.start()
        stage.wait("gate.backup_called", seconds=20)
        stage.said("/backups", "backups count")

    with case("from then on the tap counts by itself"):
        passed = stage.wait("gate.passed")
        claim(stage.deputy.id in str(passed["values"]), f"{passed['values']}")
        stage.wait("attempt.ended", step="1.1", outcome="ok")
        stage.step_post("1.2")
        stage.say("devops", "!cutover abort to ask anew")
        stage.wait("run.aborted")
        stage.say("devops", "!cutover close")
        stage.wait("run.closed")

    with case("alone at a gate who asked cannot approve, another must"):
        stage.stop()
        stage.write(runbooks.SOLO, roles=LED_BY_DEVOPS)
        stage.start()
        gate = start(stage, "devops", 2)
        stage.devops.tap(gate)
        stage.wait("gate.tap_refused", user=stage.devops)
        time.sleep(SETTLED)
        claim(len(stage.events("gate.passed")) == 1, "it did not pass")
        stage.deputy.tap(gate)
        stage.wait("run.succeeded")
        stage.say("devops", "!cutover close")
        stage.wait("run.closed", 2)

    with case("where the config says so who asks fills no place at all"):
        stage.stop()
        stage.write(runbooks.night(), roles=LED_BY_DEVOPS,
                    requester_approves="no")
        stage.start()
        gate = start(stage, "devops", 3)
        stage.devops.tap(gate)
        stage.wait("gate.tap_refused", 2, user=stage.devops)
        stage.storage.tap(gate)
        stage.wait("gate.approved", 2, user=stage.storage)
        time.sleep(SETTLED)
        claim(len(stage.events("gate.passed")) == 2, "it did not pass")
        stage.deputy.tap(gate)
        stage.wait("gate.passed", 3)
        stage.check_all()
        stage.stop()


def withdrawn(stage, case):
    """What is lost between a gate's passing and the first command."""
    stage.write(runbooks.night())
    stage.start()
    gates = iter(range(1, 9))

    def passed(count):
        """A gate that has passed, and a run that is held behind it."""
        gate = start(stage, count=count)
        stage.say("anna", "!cutover hold wait a moment")
        stage.wait("run.held", count)
        stage.devops.tap(gate)
        stage.storage.tap(gate)
        stage.wait("gate.passed", count)
        return gate, stage.events("gate.posted", post=gate)[0]["gate"]

    def void(gate, number):
        stage.say("lead", "!cutover resume")
        stage.wait("gate.closed", gate=number, outcome="void")
        time.sleep(SETTLED)
        stage.never("attempt.started")
        claim("✅" not in stage.admin.post(gate)["message"].split("\n")[0],
              "its post does not say that it holds")

    with case("held at its gate a run lets it pass, and starts nothing"):
        gate, number = passed(next(gates))
        time.sleep(SETTLED)
        stage.never("attempt.started")

    with case("an approval that is taken back now still counts no more"):
        stage.storage.untap(gate)
        stage.wait("gate.withdrawn", user=stage.storage)
        void(gate, number)

    with case("nor one that another hand removes while the bot is dead"):
        gate, number = passed(next(gates))
        stage.kill()
        stage.admin.untap(gate, YES, stage.devops)
        stage.start()
        stage.wait("gate.withdrawn", user=stage.devops)
        void(gate, number)
        stage.said("/gate/", f"@{stage.devops.name}, your ✅ is gone")

    with case("nor one whose account is switched off"):
        gate, number = passed(next(gates))
        stage.admin.call("PUT", f"/users/{stage.storage.id}/active",
                         {"active": False})
        void(gate, number)
        stage.admin.call("PUT", f"/users/{stage.storage.id}/active",
                         {"active": True})

    with case("nor one who has left the channel"):
        gate, number = passed(next(gates))
        members = f"/channels/{stage.channel_id}/members"
        stage.admin.call("DELETE", f"{members}/{stage.storage.id}")
        void(gate, number)
        stage.admin.call("POST", members, {"user_id": stage.storage.id})

    with case("with everybody there it goes on"):
        passed(next(gates))
        stage.say("lead", "!cutover resume")
        stage.wait("attempt.ended", step="1.1", outcome="ok")
        claim(stage.lines() == ["snapshot"], f"{stage.lines()}")
        stage.check_all()
        stage.stop()


def guests(stage, case):
    """Accounts that never approve, whatever role the config gives them."""
    def be(person, role):
        stage.admin.call("PUT", f"/users/{person.id}/roles", {"roles": role})

    be(stage.anna, "system_guest")
    stage.write(runbooks.night(), roles=(
        *ROLES[:3], ("Storage", "parrot", "anna")))
    stage.start()

    with case("neither a bot nor a guest approves, whatever role they hold"):
        gate = start(stage)
        stage.devops.tap(gate)
        stage.wait("gate.approved", user=stage.devops)
        stage.parrot.tap(gate)
        stage.anna.tap(gate)
        stage.wait("gate.tap_refused", user=stage.anna)
        time.sleep(SETTLED)
        for person in (stage.parrot, stage.anna):
            claim(not stage.events("gate.approved", user=person), "it counts")
        stage.never("gate.passed")

    with case("whoever is made a guest has approved in vain"):
        stage.stop()
        stage.write(runbooks.night())
        stage.start()
        gate = start(stage, count=2)
        stage.storage.tap(gate)
        stage.wait("gate.approved", user=stage.storage)
        be(stage.storage, "system_guest")
        stage.devops.tap(gate)
        stage.wait("gate.approved", 2, user=stage.devops)
        time.sleep(2)
        stage.never("attempt.started")

    with case("a person again, and asked again, they count"):
        be(stage.storage, "system_user")
        stage.kill()
        stage.start()
        if stage.events("gate.closed", gate=2):
            gate = start(stage, count=3)
            stage.devops.tap(gate)
            stage.storage.tap(gate)
        stage.wait("attempt.ended", step="1.1", outcome="ok", seconds=40)
        stage.check_all()
        stage.stop()
