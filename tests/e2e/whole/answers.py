"""What a server answers to what the bot relies upon: the same questions to the
sandbox and to a real one, with the one answer that both must give."""
from chat import Refused
from tap import claim

LIMIT = 16383  # characters of a message, by default


def answer(person, method, path, body=None):
    """(status, error id or the answer itself)"""
    try:
        return 200, person.call(method, path, body)
    except Refused as refused:
        return refused.status, refused.error


def answers(stage, case):
    lead, admin, bot = stage.lead, stage.admin, stage.bot
    here = stage.channel_id

    def say(person=lead, text="hello", channel=here, **more):
        return answer(person, "POST", "/posts",
                      {"channel_id": channel, "message": text, **more})

    def is_refused(given, status, old, new=None):
        wanted = old if stage.old else new or old
        claim(given == (status, wanted), f"{given}, not {status} {wanted}")

    with case("a repeated pending_post_id gets the first post back"):
        pending = f"{lead.id}:once"
        first = say(pending_post_id=pending)[1]
        again = say(text="other words", pending_post_id=pending)[1]
        claim(again["id"] == first["id"], "another post was made")
        claim(again["message"] == "hello", again["message"])

    with case("a message has so many characters, and not one more"):
        claim(say(text="ü" * LIMIT)[0] == 200, "the longest is taken")
        is_refused(say(text="ü" * (LIMIT + 1)), 400,
                   "model.post.is_valid.msg.app_error",
                   "model.post.is_valid.message_length.app_error")

    with case("a reply stands below its root, and never below a reply"):
        reply = say(root_id=first["id"])[1]
        claim(reply["root_id"] == first["id"], reply["root_id"])
        claim(say(root_id=reply["id"])[0] == 400, "below a reply")
        thread = lead.call("GET", f"/posts/{first['id']}/thread")["posts"]
        claim(set(thread) == {first["id"], reply["id"]}, f"{set(thread)}")

    with case("an edit moves edit_at, a pin does not, and only one's own counts"):
        edited = lead.edit(first["id"], "hello again")
        claim(edited["edit_at"] > 0 == reply["edit_at"], "edit_at")
        lead.call("POST", f"/posts/{reply['id']}/pin")
        claim(lead.post(reply["id"])["edit_at"] == 0, "a pin is no edit")
        is_refused(answer(bot, "PUT", f"/posts/{first['id']}/patch",
                          {"message": "mine"}), 403,
                   "api.context.permissions.app_error")

    reactions(stage, case, first["id"], is_refused)
    files(stage, case)

    with case("a deleted post is gone, and its replies with it"):
        admin.delete(first["id"])
        for post in (first, reply):
            claim(answer(lead, "GET", f"/posts/{post['id']}")[0] == 404,
                  "it is there")

    with case("who is deactivated is a member still, and seen to be away"):
        admin.call("PUT", f"/users/{stage.storage.id}/active",
                   {"active": False})
        members = bot.call("POST", f"/channels/{here}/members/ids",
                           [stage.storage.id, lead.id])
        claim({m["user_id"] for m in members}
              == {stage.storage.id, lead.id}, f"{members}")
        away, = bot.call("POST", "/users/ids", [stage.storage.id])
        claim(away["delete_at"] > 0, f"{away}")

    with case("only an administrator gives roles, and only those there are"):
        path = f"/users/{stage.anna.id}/roles"
        is_refused(answer(lead, "PUT", path, {"roles": "system_guest"}), 403,
                   "api.context.permissions.app_error")
        is_refused(answer(admin, "PUT", path, {"roles": "no_such_role"}), 400,
                   "app.role.check_roles_exist.role_not_found")
        claim(admin.call("GET", f"/users/{stage.anna.id}")["roles"]
              == "system_user", "they are as they were")

    channels(stage, case, say, is_refused)


def reactions(stage, case, post, is_refused):
    lead, admin, bot = stage.lead, stage.admin, stage.bot

    def bulk():
        return bot.call("POST", "/posts/ids/reactions", [post])[post]

    with case("where nobody has tapped the bulk read has an empty list"):
        claim(bulk() == [], f"{bulk()}")
        one = bot.call("GET", f"/posts/{post}/reactions")
        claim(one == ([] if stage.old else None), f"{one}")

    with case("a tap that is repeated keeps its birth and is younger"):
        first = lead.tap(post)
        lead.untap(post)
        claim(bulk() == [], "it is gone")
        lead.tap(post)
        again, = bulk()
        claim(again["create_at"] == first["create_at"], "its birth")
        claim(again["update_at"] > first["update_at"], "its age")

    with case("nobody taps for another, and an administrator takes all away"):
        body = {"user_id": lead.id, "post_id": post, "emoji_name": "x"}
        is_refused(answer(bot, "POST", "/reactions", body), 403,
                   "api.reaction.save_reaction.user_id.app_error")
        admin.untap(post, whose=lead)
        claim(bulk() == [], "it is gone")

    with case("a name that is no emoji's"):
        body = {"user_id": lead.id, "post_id": post, "emoji_name": "no_such"}
        given = answer(lead, "POST", "/reactions", body)
        if stage.old:
            claim(given[0] == 200, f"{given}")
        else:
            is_refused(given, 404, "app.emoji.get_by_name.no_result")


def files(stage, case):
    with case("a file is attached once, and comes back whole"):
        content = bytes(range(256)) * 40
        file_id = stage.lead.upload(stage.channel_id, "all.bin", content)
        post = stage.say("lead", "with a file", files=[file_id])
        claim(post["file_ids"] == [file_id], f"{post['file_ids']}")
        again = stage.say("lead", "the same file", files=[file_id])
        claim(not again.get("file_ids"), f"{again}")
        claim(stage.bot.file(file_id) == content, "byte for byte")


def channels(stage, case, say, is_refused):
    admin, bot, anna = stage.admin, stage.bot, stage.anna
    told, shut = stage.further["told"], stage.further["shut"]
    named = f"/teams/name/{stage.team}/channels/name/{stage.name}"

    def named_as(person, word, more=""):
        return answer(person, "GET", f"{named}-{word}{more}")

    with case("a private channel cannot be seen by who is not in it"):
        for word in ("shut", "nowhere"):
            is_refused(named_as(bot, word), 404,
                       "app.channel.get_by_name.missing.app_error")
        is_refused(answer(bot, "GET", f"/channels/{shut}/members/me"), 403,
                   "api.context.permissions.app_error")
        is_refused(say(bot, channel=shut), 403,
                   "api.context.permissions.app_error")

    with case("an open one can be found, and not written to"):
        claim(named_as(anna, "told")[1]["id"] == told, "it is found")
        is_refused(answer(anna, "GET", f"/channels/{told}/members/me"), 403,
                   "api.context.permissions.app_error")
        is_refused(say(anna, channel=told), 403,
                   "api.context.permissions.app_error")
        status, _ = answer(anna, "GET", f"/channels/{told}/posts?per_page=5")
        claim(status == (403 if stage.old else 200), f"reads: {status}")

    with case("who is in a channel is told only to who is in it"):
        path = f"/channels/{told}/members"
        for method, more, body in (("GET", "", None),
                                   ("GET", f"/{stage.lead.id}", None),
                                   ("POST", "/ids", [anna.id])):
            is_refused(answer(anna, method, path + more, body), 403,
                       "api.context.permissions.app_error")
        is_refused(answer(stage.lead, "GET", f"{path}/{anna.id}"), 404,
                   "app.channel.get_member.missing.app_error")

    with case("who is put out may not write, and once more in may"):
        path = f"/channels/{told}/members"
        admin.call("DELETE", f"{path}/{bot.id}")
        is_refused(say(bot, channel=told), 403,
                   "api.context.permissions.app_error")
        admin.call("POST", path, {"user_id": bot.id})
        claim(say(bot, channel=told)[0] == 200, "it may")

    with case("an archived channel is found if asked for, and takes no posts"):
        admin.call("DELETE", f"/channels/{told}")
        is_refused(named_as(bot, "told"), 404,
                   "app.channel.get_by_name.missing.app_error")
        found = named_as(bot, "told", "?include_deleted=true")[1]
        claim(found["delete_at"] > 0, f"{found}")
        is_refused(say(bot, channel=told), 400,
                   "api.post.create_post.can_not_post_to_deleted.error")
        admin.call("POST", f"/channels/{told}/restore")
        claim(say(bot, channel=told)[0] == 200, "restored, it takes them")
