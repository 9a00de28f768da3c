"""What counts as a command, and what never does."""
import time

import runbooks
from stage import ROLES, YES
from tap import claim, until

SETTLED = 0.6  # after this a wrong answer would have come


def words(stage, case):
    stage.say("lead", "!status said before the bot first came")
    time.sleep(1.1)  # the server tells its time in seconds
    stage.write(runbooks.night())
    stage.start()

    with case("what was said before the bot first came is not for it"):
        time.sleep(SETTLED)
        claim(not stage.bots_posts(), "it says nothing")

    with case("questions are answered, once each"):
        for text in ("!help", "!status", "!who", "!why", "!help start"):
            stage.answered(stage.say("anna", text), "command.answered")

    with case("words ignore case, blanks and what phones put in"):
        for text in ("!Status", "  !status  ", "!STATUS.", "!status\u00a0"):
            stage.answered(stage.say("anna", text), "command.answered")

    with case("a near miss gets a suggestion and never runs"):
        for text in ("!cutover strat", "!rolback", "!cutover", "!statsu"):
            stage.answered(stage.say("lead", text))
        stage.never("run.begun")
        stage.never("gate.opened")

    with case("a pasted WHY is no reason"):
        stage.answered(stage.say("lead", "!cutover abort WHY"))
        stage.answered(stage.say("lead", "!fail 1.1 WHY"))

    with case("a command in backticks or behind several ! is not run"):
        for text in ("`!cutover start`", "!!cutover start"):
            stage.answered(stage.say("lead", text))
        stage.never("run.begun")

    with case("talk is left alone"):
        before = len(stage.bots_posts())
        talk = ["what about !cutover start?", "status", "> !cutover start",
                "```\n!cutover start\n```", "    !cutover start", "!!!",
                "! that was close", "/cutover start", "🚀", "x" * 16000]
        for text in talk:
            stage.say("lead", text)
        end = stage.say("anna", "!status")
        stage.answered(end, "command.answered")
        time.sleep(SETTLED)
        claim(len(stage.bots_posts()) == before + 1, "only that is answered")
        stage.never("run.begun")

    with case("a very long command is cut, and its text calls nobody"):
        note = stage.say("anna", "!note " + "long @all " * 1500)
        taken = stage.wait("note.taken", user=stage.anna)
        claim(taken["text"].startswith("long"), taken["text"][:40])
        until(lambda: stage.admin.taps(note["id"]) or
              stage.answers(note["id"]), "a sign that it was taken")

    others(stage, case)
    edits(stage, case)

    with case("the journal of all that talk is whole"):
        stage.check_all()
        stage.stop()


def size(stage, case):
    """More than a post can hold."""
    names = [f"Keeper of a long list of many with number {number:03}"
             for number in range(300)]
    stage.write(runbooks.crowded(names), roles=(
        *ROLES, *((name, "anna", "storage") for name in names)))
    stage.start()
    limit = 16383  # of both kinds of server, in characters

    with case("what is too long for one post is said in several, all of it"):
        stage.say("lead", "!cutover plan")
        stage.wait("plan.fixed")
        asked = stage.say("lead", "!who")
        stage.wait("command.answered", post=asked["id"])
        parts = until(lambda: len(stage.answers(asked["id"])) > 1
                      and stage.all_said() and stage.answers(asked["id"]),
                      "several posts")
        for part in parts:
            claim(len(part["message"]) <= limit, "each fits")
        whole = "".join(part["message"] for part in parts)
        missing = [name for name in names if name not in whole]
        claim(not missing, f"{len(missing)} roles are missing")

    with case("killed while it says them, it says each once"):
        asked = stage.say("lead", "!who")
        stage.wait("command.answered", post=asked["id"])
        stage.kill()
        stage.start()
        until(stage.all_said, "all is said")
        claim(len(stage.answers(asked["id"])) == len(parts), "as many again")
        stage.check_all()
        stage.stop()


def others(stage, case):
    with case("a webhook does not command, though it posts as the lead"):
        stage.admin.rest.call("POST", stage.hook, {"text": "!cutover start"})
        post = until(lambda: [p for p in stage.posts()
                              if p["props"].get("from_webhook")], "its post")
        claim(post[0]["user_id"] == stage.lead.id, "it is the lead's")
        time.sleep(SETTLED)
        stage.never("run.begun")
        claim(not stage.answers(post[0]["id"]), "no answer to it")

    with case("neither another bot nor the bot itself commands"):
        said = [stage.say("parrot", "!cutover start"),
                stage.bot.say(stage.channel_id, "!cutover start")]
        time.sleep(SETTLED)
        stage.never("run.begun")
        for post in said:
            claim(not stage.answers(post["id"]), "no answer to it")

    with case("props that pretend to be the bot's do not help anybody"):
        post = stage.anna.say(stage.channel_id, "!cutover start", props={
            "bridgekeeper": "NT-1/card", "from_bot": "true"})
        time.sleep(SETTLED)
        stage.never("run.begun")
        claim(stage.events("command.refused", post=post["id"]) == []
              or len(stage.answers(post["id"])) == 1, "at most an answer")

    with case("in a thread that is not the bot's nothing is a command"):
        root = stage.say("anna", "let us talk about it here")
        before = len(stage.bots_posts())
        stage.say("lead", "!cutover start", root["id"])
        stage.say("lead", "!status", root["id"])
        time.sleep(SETTLED)
        claim(len(stage.bots_posts()) == before, "it says nothing there")
        stage.never("run.begun")


def edits(stage, case):
    with case("an older message edited into a command is none"):
        post = stage.say("lead", "hello")
        time.sleep(0.2)
        before = len(stage.bots_posts())
        stage.lead.edit(post["id"], "!cutover start")
        time.sleep(SETTLED)
        stage.never("run.begun")
        until(lambda: len(stage.bots_posts()) > before, "it is told")
        time.sleep(SETTLED)
        claim(len(stage.bots_posts()) == before + 1, "it is told once")
        stage.lead.edit(post["id"], "!cutover start now")
        time.sleep(SETTLED)
        claim(len(stage.bots_posts()) == before + 1, "and not again")

    with case("a command that ran and is edited is not run again"):
        post = stage.say("anna", "!note one")
        stage.wait("note.taken", text="one")
        stage.anna.edit(post["id"], "!note two")
        stage.wait("command.refused", post=post["id"], name="edit")
        time.sleep(SETTLED)
        stage.never("note.taken", text="two")

    with case("a command said and deleted while the bot is dead is not run"):
        stage.kill()
        gone = stage.say("lead", "!cutover start")
        stage.lead.delete(gone["id"])
        stays = stage.say("anna", "!note said in between")
        stage.start()
        stage.wait("note.taken", post=stays["id"])
        stage.never("run.begun")

    with case("a command said while the bot is dead runs once it is back"):
        stage.kill()
        said = stage.say("anna", "!cutover hold nothing runs anyway")
        stage.start()
        stage.answered(said)
        stage.kill()
        stage.start()
        time.sleep(SETTLED)
        claim(len(stage.answers(said["id"])) == 1, "it is answered once")
        claim(stage.admin.taps(said["id"]) <= {(stage.bot.id, YES)}, "no tap")
