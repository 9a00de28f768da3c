#!/usr/bin/env python3
"""What real servers were seen to do, asked of the sandbox.

One case an observation, named after it; each runs against both versions unless
it says otherwise.  Prints TAP.  Usage: test_wire.py SANDBOX [NAME-PART]
"""
import json
import sys
import time
import traceback

from wire_support import Server, Socket

CASES = []
DENIED = "api.context.permissions.app_error"
EXPIRED = "api.context.session_expired.app_error"


def case(name, only=None, hurry=1, clock=False, rate=None):
    def add(function):
        arguments = ("--hurry", str(hurry))
        if clock:
            arguments += ("--clock", "{folder}/clock")
        if rate:
            arguments += ("--rate", rate)
        CASES.append((name, only, arguments, function))
        return function
    return add


def same(got, wanted, what=""):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def refused(answer, status, error):
    same((answer.status, answer.id), (status, error), "answer")


def post_of(event):
    return json.loads(event["data"]["post"])


def reaction_of(event):
    return json.loads(event["data"]["reaction"])


def events_until(link, last, seconds=5):
    """Events up to the one whose post has the message `last`."""
    events = []
    while True:
        event = link.next(seconds)
        assert event is not None, f"{last!r} did not come"
        events.append(event)
        if event["event"] == "posted" and post_of(event)["message"] == last:
            return events


def messages(events):
    return [post_of(e)["message"] for e in events if e["event"] == "posted"]


# ---- authentication of the websocket ----

@case("ws-auth-01 a header is enough, hello is first, ping is answered")
def _(server):
    link = server.connect()
    same(link.status, 101)
    assert "Sec-WebSocket-Extensions" not in link.head
    hello = link.next()
    same((hello["event"], hello["seq"]), ("hello", 0))
    same(len(hello["data"]["connection_id"]), 26)
    same(hello["broadcast"]["user_id"], server.ids["bot"])
    same("server_hostname" in hello["data"], not server.old)
    assert hello["data"]["server_version"].startswith(server.like)
    assert link.raw.startswith(b'{"event":"hello"') and \
        link.raw.endswith(b"\n")
    reply = link.ask("ping")
    same((reply["status"], reply["seq_reply"], reply["data"]["text"]),
         ("OK", 1, "pong"))
    assert "seq" not in reply


@case("ws-auth-02 every form of the header, and the cookie")
def _(server):
    for header in ("Authorization: BEARER t-bot",
                   "Authorization: bearer t-bot",
                   "Authorization: token t-bot", "Cookie: MMAUTHTOKEN=t-bot"):
        link = Socket(server, headers=[header])
        server.sockets.append(link)
        same(link.next()["event"], "hello", header)
    link = Socket(server, query="?access_token=t-bot")
    same(link.status, 401)
    assert b"api.context.token_provided.app_error" in link.buffer
    link.close()


@case("ws-auth-03 after a challenge hello comes before the reply")
def _(server):
    link = Socket(server)
    server.sockets.append(link)
    link.send({"seq": 1, "action": "authentication_challenge",
               "data": {"token": "t-bot"}})
    same(link.next()["event"], "hello")
    reply = link.next()
    while "event" in reply:
        reply = link.next()
    same(reply, {"status": "OK", "seq_reply": 1})


@case("ws-auth-04 a bad token in a challenge: FIN, no close frame")
def _(server):
    link = Socket(server)
    link.send({"seq": 1, "action": "authentication_challenge",
               "data": {"token": "wrong"}})
    same(link.ends(2), "FIN")


@case("ws-auth-05 a bad token in the header: 101, silence, FIN after 5 s",
      hurry=50)
def _(server):
    start = time.monotonic()
    link = Socket(server, "wrong")
    same(link.status, 101)
    same(link.ends(2), "FIN")
    assert time.monotonic() - start > 0.09


@case("ws-auth-06 no authentication: FIN after 5 s", hurry=50)
def _(server):
    link = Socket(server)
    same(link.status, 101)
    same(link.ends(2), "FIN")


@case("ws-auth-07 a challenge after a header gets no reply")
def _(server):
    link, _ = server.hello()
    link.send({"seq": 1, "action": "authentication_challenge",
               "data": {"token": "t-bot"}})
    link.send({"seq": 2, "action": "ping"})
    reply = link.next()
    while "event" in reply:
        reply = link.next()
    same(reply["seq_reply"], 2)


@case("ws-auth-08 a foreign Origin is refused, deflate is not negotiated")
def _(server):
    link = Socket(server, "t-bot", headers=["Origin: http://evil.example"])
    same(link.status, 403)
    assert b'"status_code":%d' % (500 if server.old else 400) in link.buffer
    link.close()
    link = server.connect(headers=[
        f"Origin: http://127.0.0.1:{server.port}",
        "Sec-WebSocket-Extensions: permessage-deflate"])
    same(link.status, 101)
    assert "permessage-deflate" not in link.head
    same(link.next()["event"], "hello")


@case("ws-auth-09 a plain GET on the websocket's path")
def _(server):
    answer = server.rest("bot", "GET", "websocket")
    same(answer.status, 400)
    assert answer.raw.startswith(b"Bad Request\n{")
    assert answer.type.startswith("text/plain")


# ---- requests on the websocket, pings ----

@case("ws-req-01 actions and the ids of their errors")
def _(server):
    link, _ = server.hello()
    same(link.ask("nonsense")["error"]["id"],
         "api.web_socket_router.bad_action.app_error")
    link.send({"action": "", "seq": 8})
    while "status" not in (reply := link.next()):
        pass
    same(reply["error"]["id"], "api.web_socket_router.no_action.app_error")
    for bad in ({"action": "ping"}, {"action": "ping", "seq": 0}):
        link.send(bad)
        reply = link.next()
        same(reply["error"]["id"], "api.web_socket_router.bad_seq.app_error")
        assert "seq_reply" not in reply
    same(link.ask("user_typing", channel_id="x")["error"]["id"],
         "api.websocket_handler.invalid_param.app_error")


@case("ws-req-02 a client's protocol ping is answered")
def _(server):
    link, _ = server.hello()
    link.send(b"abc", opcode=9)
    while (frame := link.frame())[0] == 1:
        pass
    same(frame, (10, b"abc"))


@case("ws-req-03 8192 bytes pass, 8193 are closed with 1009")
def _(server):
    def padded(size):
        body = '{"action":"ping","seq":1,"data":{"x":"%s"}}'
        return body % ("a" * (size - len(body) + 2))
    link, _ = server.hello()
    link.send(padded(8192))
    while "status" not in (reply := link.next()):
        pass
    same(reply["status"], "OK")
    link.send(padded(8193))
    ended = link.ends()
    assert ended in (b"\x03\xf1", "RST"), ended


@case("ws-req-04 what is no JSON text: FIN, no close frame")
def _(server):
    for payload, opcode in (("{nope", 1), (b"", 1), (b"{\xff}", 1),
                            (b'{"action":"ping","seq":1}', 2)):
        link, _ = server.hello()
        link.send(payload, opcode)
        same(link.ends(2), "FIN", payload)


@case("ws-ping-01 a ping each 60 s; only pongs keep the socket", hurry=50)
def _(server):
    link, _ = server.hello()
    patient, _ = server.hello()
    link.next(0.1)
    pings = 0
    start = time.monotonic()
    while time.monotonic() - start < 2.8:
        frame = patient.frame(0.1)
        if frame is not None and frame[0] == 9:
            pings += 1
            patient.send(frame[1], opcode=10)
        if time.monotonic() - start < 1.6:
            same(link.ask("ping")["status"], "OK", "pings of the app")
    assert pings >= 2, pings
    same(link.ends(1), "FIN")
    same(patient.ask("ping")["status"], "OK")


# ---- resuming ----

@case("rel-01 a resume: no hello, what was missed first, numbers go on")
def _(server):
    link, cid = server.hello()
    server.post("cto", "before")
    last = events_until(link, "before")[-1]["seq"]
    link.cut()
    wait_down(server)
    for i in range(3):
        server.post("cto", f"down {i}")
    for again in range(2):
        link = server.resume(cid, last + 1)
        same(link.status, 101)
        events = events_until(link, "down 2") if again == 0 else []
        server.post("cto", f"after {again}")
        events += events_until(link, f"after {again}")
        same([e["seq"] for e in events],
             list(range(last + 1, last + 1 + len(events))))
        assert all(e["event"] != "hello" for e in events)
        wanted = ["down 0", "down 1", "down 2"] if again == 0 else []
        same(messages(events), wanted + [f"after {again}"])
        last = events[-1]["seq"]
        link.cut()
        wait_down(server)


def wait_down(server):
    until = time.monotonic() + 5
    while server.side("GET", "state").json["sockets"]:
        assert time.monotonic() < until
        time.sleep(0.002)


@case("rel-02 an older number repeats what was delivered")
def _(server):
    link, cid = server.hello()
    for i in range(4):
        server.post("cto", f"n {i}")
    last = events_until(link, "n 3")[-1]["seq"]
    link.cut()
    wait_down(server)
    link = server.resume(cid, last - 1)
    server.post("cto", "end")
    events = events_until(link, "end")
    same(messages(events), ["n 2", "n 3", "end"])
    same(events[0]["seq"], last - 1)


@case("rel-03 odd sequence numbers")
def _(server):
    for number, outcome in ((99, "hello"), (0, "renumbered"),
                            (-1, "FIN" if server.old else "hello"),
                            ("x", "FIN"), ("", "FIN")):
        link, cid = server.hello()
        server.post("cto", "first")
        events_until(link, "first")
        link.cut()
        wait_down(server)
        server.post("cto", "down")
        link = server.resume(cid, number)
        if outcome == "FIN":
            same(link.ends(2), "FIN", number)
            continue
        server.post("cto", "after")
        events = events_until(link, "after")
        if outcome == "hello":
            same(events[0]["event"], "hello", number)
            assert events[0]["data"]["connection_id"] != cid
            same(messages(events), ["down", "after"], number)
        else:
            assert all(e["event"] != "hello" for e in events)
            same([e["seq"] for e in events], list(range(len(events))))
        link.close()
        wait_down(server)


@case("rel-03 after a resume it cannot serve, 5.37 sends everything twice",
      only="5.37")
def _(server):
    link, cid = server.hello()
    link.cut()
    wait_down(server)
    link = server.resume(cid, 50)
    same(link.next()["event"], "hello")
    link.event("hello")
    server.post("cto", "twice")
    events_until(link, "twice")
    same(post_of(link.event("posted"))["message"], "twice")


@case("rel-04 while the old socket is open a resume is refused")
def _(server):
    link, cid = server.hello()
    other = server.resume(cid, 1)
    hello = other.next()
    same(hello["event"], "hello")
    assert hello["data"]["connection_id"] != cid
    server.post("cto", "both")
    events_until(link, "both")
    events_until(other, "both")


@case("rel-05 the last 128 written are kept, not one more")
def _(server):
    for back, served in ((127, True), (128, False)):
        link, cid = server.hello()
        for i in range(140):
            server.post("cto", f"d {i}")
        last = events_until(link, "d 139")[-1]["seq"]
        link.cut()
        wait_down(server)
        link = server.resume(cid, last - back)
        server.post("cto", "after")
        events = events_until(link, "after")
        same(events[0]["event"] != "hello", served, back)
        if served:
            same(events[0]["seq"], last - back)
            same(len(messages(events)), 129)
        link.close()
        wait_down(server)


@case("rel-06 256 may wait while the socket is down, then all is lost")
def _(server):
    for count, kept in ((255, True), (256, False)):
        link, cid = server.hello()
        while link.next(0.05):
            pass
        server.post("cto", "mark")
        last = events_until(link, "mark")[-1]["seq"]
        link.cut()
        wait_down(server)
        for i in range(count):
            server.post("cto", f"q {i}")
        link = server.resume(cid, last + 1)
        server.post("cto", "after")
        events = events_until(link, "after")
        same(events[0]["event"] == "hello", not kept, count)
        same(len(messages(events)), count + 1 if kept else 1, count)
        link.close()
        wait_down(server)


@case("rel-07 nothing can be resumed with a challenge")
def _(server):
    link, cid = server.hello()
    link.cut()
    wait_down(server)
    link = Socket(server,
                  query=f"?connection_id={cid}&sequence_number=1")
    server.sockets.append(link)
    link.send({"seq": 1, "action": "authentication_challenge",
               "data": {"token": "t-bot"}})
    hello = link.next()
    same(hello["event"], "hello")
    assert hello["data"]["connection_id"] != cid


@case("rel-08 another user's connection cannot be resumed")
def _(server):
    link, cid = server.hello("cto")
    link.cut()
    wait_down(server)
    hello = server.resume(cid, 1).next()
    same(hello["event"], "hello")
    assert hello["data"]["connection_id"] != cid


@case("rel-09 a connection id that is none")
def _(server):
    same(server.resume("garbage", 1).ends(2), "FIN")
    unknown = "a" * 26
    same(server.resume(unknown, 5).next()["event"], "hello")
    link = server.connect(query=f"?connection_id={unknown}")
    if server.old:
        same(link.next()["event"], "hello")
    else:
        same(link.ends(2), "FIN")
    link = server.connect(query="?connection_id=&sequence_number=0")
    same(link.next()["event"], "hello")


@case("rel-10 one connection is resumed many times")
def _(server):
    link, cid = server.hello()
    server.post("cto", "0")
    seq = events_until(link, "0")[-1]["seq"]
    for i in range(1, 4):
        link.cut()
        wait_down(server)
        server.post("cto", str(i))
        link = server.resume(cid, seq + 1)
        events = events_until(link, str(i))
        same(messages(events), [str(i)])
        seq = events[-1]["seq"]
        while (event := link.next(0.05)) is not None:
            seq = event["seq"]


@case("rel-11 a dead connection of an idle user is reaped", hurry=200)
def _(server):
    link, cid = server.hello()
    link.cut()
    time.sleep(3.2)
    hello = server.resume(cid, 1).next()
    same(hello["event"], "hello")
    assert hello["data"]["connection_id"] != cid


@case("rel-12 who reads too slowly gets what was queued, then an empty close")
def _(server):
    link, cid = server.hello()
    big = "<" * 16383
    server.side("POST", "sockets", {"do": "freeze", "user": "bot"})
    for i in range(260):
        server.post("cto", big if i % 50 == 0 else f"s {i}")
    server.side("POST", "sockets", {"do": "thaw", "user": "bot"})
    received = 0
    while (frame := link.frame())[0] == 1:
        received += json.loads(frame[1])["event"] == "posted"
    same(frame, (8, b""))
    assert 250 <= received <= 256, received
    same(link.ends(), "FIN")
    assert server.resume(cid, 1).next()["data"]["connection_id"] != cid


@case("rel-15 a ping after a resume is answered behind all that was missed")
def _(server):
    link, cid = server.hello()
    while link.next(0.05):
        pass
    server.post("cto", "mark")
    last = events_until(link, "mark")[-1]["seq"]
    link.cut()
    wait_down(server)
    for i in range(20):
        server.post("cto", f"m {i}")
    link = server.resume(cid, last + 1)
    link.send({"action": "ping", "seq": 1})
    before = []
    while "status" not in (frame := link.next()):
        before.append(frame)
    same(messages(before), [f"m {i}" for i in range(20)])


# ---- tokens that stop to work ----

def after_losing(server, lose, regain):
    """What an open socket sees once its token is no good."""
    link, _ = server.hello()
    server.post("cto", "with")
    events_until(link, "with")
    same(lose().status, 200)
    server.post("cto", "without")
    reply = None
    events = []
    link.send({"action": "ping", "seq": 5})
    while (frame := link.next(1)) is not None:
        if "status" in frame:
            reply = frame
            break
        events.append(frame)
    refused(server.rest("bot", "GET", "users/me"), 401, EXPIRED)
    refused(server.rest("bot", "POST", "posts",
                        {"channel_id": server.channel, "message": "x"}),
            401, EXPIRED)
    same(link.ends(0.2), None, "the socket stays open")
    same(Socket(server, "t-bot").status, 101)
    same(regain().status, 200)
    return messages(events), reply["error"]


def token_case(server, word):
    body = {"token_id": server.token_ids["bot"]}
    heard, error = after_losing(
        server, lambda: server.rest("admin", "POST", "users/tokens/" + word,
                                    body),
        lambda: server.rest("admin", "POST", "users/tokens/enable", body))
    same(heard, ["without"] if server.old else [])
    if server.old:
        same(error["id"], "api.context.invalid_token.error")
        assert "t-bot" in error["message"], "5.37 shows the token"
    else:
        same(error["id"],
             "api.web_socket_router.not_authenticated.app_error")
        assert "t-bot" not in error["message"]
    same(error["status_code"], 401)


@case("auth-01 a revoked token: REST 401, the socket stays open")
def _(server):
    token_case(server, "revoke")


@case("auth-02 a disabled token: the same")
def _(server):
    token_case(server, "disable")


@case("auth-03 a disabled bot: an open, silent socket")
def _(server):
    bot = server.ids["bot"]
    heard, error = after_losing(
        server, lambda: server.rest("admin", "POST", f"bots/{bot}/disable"),
        lambda: server.rest("admin", "POST", f"bots/{bot}/enable"))
    same(heard, [])
    same(error["id"], "api.web_socket_router.not_authenticated.app_error")


# ---- events ----

POST_KEYS = {
    "5.37": "id create_at update_at edit_at delete_at is_pinned user_id "
            "channel_id root_id parent_id original_id message type props "
            "hashtags pending_post_id reply_count last_reply_at participants "
            "metadata",
    "11.6": "id create_at update_at edit_at delete_at is_pinned user_id "
            "channel_id root_id original_id message type props hashtags "
            "file_ids pending_post_id remote_id reply_count last_reply_at "
            "participants metadata",
}


@case("ev-01 posted: the post is a JSON string, keys as the version has them")
def _(server):
    link, _ = server.hello()
    made = server.post("cto", "!launch status")
    event = link.event("posted")
    data = event["data"]
    same(set(data), {"channel_display_name", "channel_name", "channel_type",
                     "post", "sender_name", "set_online", "team_id"})
    same((data["channel_name"], data["channel_type"], data["sender_name"],
          data["set_online"], data["team_id"]),
         ("launch-bridge", "O", "@cto", True, server.team_id))
    same(list(post_of(event)), POST_KEYS[server.like].split())
    same(post_of(event), made)
    same(event["broadcast"]["channel_id"], server.channel)
    same(len(event["broadcast"]), 4 if server.old else 6)
    same(link.raw.startswith(b'{"event": "posted", "data": {"channel'),
         not server.old)
    same(link.raw.endswith(b"\n"), server.old)


@case("ev-02 mentions: all of them, or only the receiver's")
def _(server):
    bot, _ = server.hello("bot")
    lead, _ = server.hello("lead")
    server.post("cto", "@lead and @bot. but not cto@lead")
    for link, name in ((bot, "bot"), (lead, "lead")):
        mentions = set(json.loads(link.event("posted")["data"]["mentions"]))
        wanted = {"bot", "lead"} if server.old else {name}
        same(mentions, {server.ids[n] for n in wanted})
    server.post("cto", "@lead only")
    data = bot.event("posted")["data"]
    same("mentions" in data, server.old)


@case("ev-03 the bot sees its own posts, marked, with their pending id")
def _(server):
    link, _ = server.hello()
    made = server.post("bot", "status: ok", pending_post_id="b:1",
                       props={"key": "1"})
    same(made["props"], {"from_bot": "true", "key": "1"})
    seen = post_of(link.event("posted"))
    same((seen["pending_post_id"], seen["props"]),
         ("b:1", {"from_bot": "true", "key": "1"}))
    same(list(seen["props"]), ["from_bot", "key"])


@case("ev-06 the longest post, escaped twice, is one frame")
def _(server):
    link, _ = server.hello()
    server.post("cto", "<" * 16383)
    event = link.event("posted")
    same(post_of(event)["message"], "<" * 16383)
    assert b"\\\\u003c" in link.raw
    assert 115400 < len(link.raw) < 115700, len(link.raw)


@case("ev-04 what Go escapes and what stays UTF-8")
def _(server):
    link, _ = server.hello()
    text = "«é» 日本 🚀 \u2028 <>&\"\\ \t\n end"
    server.post("cto", text)
    same(post_of(link.event("posted"))["message"], text)
    for piece in ("«é» 日本 🚀 ", "\\\\u2028", "\\\\u003c\\\\u003e\\\\u0026"):
        assert piece.encode() in link.raw, piece


@case("ev-07 replies, and thread_updated for those who wrote in the thread")
def _(server):
    link, _ = server.hello()
    root = server.post("cto", "root")
    reply = server.post("bot", "reply", root_id=root["id"])
    same((reply["root_id"], reply["reply_count"]), (root["id"], 1))
    server.post("lead", "reply of lead", root_id=root["id"])
    server.post("cto", "third", root_id=root["id"])
    server.post("cto", "end")
    names = [e["event"] for e in events_until(link, "end")
             if e["event"] != "status_change"]
    posted = ["posted"]
    told = posted if server.old else ["posted", "thread_updated"]
    same(names, posted + told + told + told + posted)
    answer = server.rest("bot", "GET", f"posts/{root['id']}/thread").json
    same(len(answer["order"]), 4)
    times = [answer["posts"][i]["create_at"] for i in answer["order"]]
    assert times != sorted(times), "a thread is not ordered by time"


@case("ev-08 which requests edit, and what moves edit_at")
def _(server):
    link, _ = server.hello()
    post = server.post("cto", "!deploy stagng")
    link.event("posted")
    path = "posts/" + post["id"]

    def change(method, path, body=None):
        answer = server.rest("cto", method, path, body)
        same(answer.status, 200)
        return post_of(link.event("post_edited"))
    edited = change("PUT", path + "/patch", {"message": "!deploy staging"})
    assert edited["edit_at"] == edited["update_at"] > post["create_at"]
    again = change("PUT", path + "/patch", {"message": "!deploy staging"})
    same(again["edit_at"], edited["edit_at"])
    assert again["update_at"] > edited["update_at"]
    props = change("PUT", path + "/patch", {"props": {"a": 1}})
    same((props["props"], props["edit_at"]), ({"a": 1}, edited["edit_at"]))
    kept = change("PUT", path + "/patch", {"message": "x"})
    same(kept["props"], {"a": 1})
    whole = change("PUT", path, {"id": post["id"], "message": "y"})
    same(whole["props"], {})
    refused(server.rest("lead", "PUT", path + "/patch", {"message": "z"}),
            403, DENIED)


@case("ev-09 post_deleted shows the post as it was; admins see by whom")
def _(server):
    bot, _ = server.hello()
    admin, _ = server.hello("admin")
    post = server.post("cto", "!deploy prod")
    server.rest("cto", "DELETE", "posts/" + post["id"])
    event = bot.event("post_deleted")
    seen = post_of(event)
    same((seen["message"], seen["delete_at"], seen["update_at"]),
         ("!deploy prod", 0, post["update_at"]))
    assert "delete_by" not in event["data"]
    event = admin.event("post_deleted")
    same(event["data"]["delete_by"], server.ids["cto"])
    refused(server.rest("bot", "GET", "posts/" + post["id"]), 404,
            "app.post.get.app_error")
    refused(server.react("lead", post, "+1"), 404, "app.post.get.app_error")
    refused(server.rest("cto", "DELETE", "posts/" + post["id"]), 403, DENIED)


@case("ev-10 a deleted root: one event, the replies vanish")
def _(server):
    link, _ = server.hello()
    root = server.post("cto", "root")
    reply = server.post("lead", "reply", root_id=root["id"])
    server.rest("cto", "DELETE", "posts/" + root["id"])
    server.post("cto", "end")
    events = events_until(link, "end")
    same([e["event"] for e in events].count("post_deleted"), 1)
    refused(server.rest("cto", "GET", "posts/" + reply["id"]), 404,
            "app.post.get.app_error")
    refused(server.rest("cto", "POST", "posts", {
        "channel_id": server.channel, "root_id": root["id"],
        "message": "late"}), 400, "api.post.create_post.root_id.app_error")


@case("ev-11 reaction events are hints: repeated, and for what never was")
def _(server):
    link, _ = server.hello()
    post = server.post("bot", "approve?")
    same(server.reactions("bot", post), [] if server.old else None)
    first = server.react("cto", post, "white_check_mark").json
    added = link.event("reaction_added")
    same(reaction_of(added), first)
    same("channel_id" in first, not server.old)
    second = server.react("cto", post, "white_check_mark").json
    assert second["create_at"] > first["create_at"]
    same(reaction_of(link.event("reaction_added")), second)
    rows = server.reactions("bot", post)
    same((len(rows), rows[0]["create_at"], rows[0]["update_at"]),
         (1, first["create_at"], second["update_at"]))
    same(server.unreact("cto", post, "white_check_mark").status, 200)
    removed = reaction_of(link.event("reaction_removed"))
    same(removed["create_at"], 0)
    if not server.old:
        same(removed["channel_id"], "")
    for emoji in ("white_check_mark", "heart"):
        same(server.unreact("cto", post, emoji).status, 200)
        same(reaction_of(link.event("reaction_removed"))["emoji_name"], emoji)
    server.react("cto", post, "white_check_mark")
    rows = server.reactions("bot", post)
    same(rows[0]["create_at"], first["create_at"], "the first add's")
    now = server.rest("bot", "GET", "posts/" + post["id"]).json
    assert now["has_reactions"] and now["update_at"] > post["update_at"]
    same(len(now["metadata"]["reactions"]), 1)
    refused(server.rest("cto", "POST", "reactions", {
        "user_id": server.ids["lead"], "post_id": post["id"],
        "emoji_name": "+1"}), 403,
        "api.reaction.save_reaction.user_id.app_error")
    same(server.rest("admin", "DELETE", "users/%s/posts/%s/reactions/%s" % (
        server.ids["cto"], post["id"], "white_check_mark")).status, 200)
    same(server.reactions("bot", post), [] if server.old else None)


@case("ev-12 the bot's own reactions; it cannot touch those of others")
def _(server):
    link, _ = server.hello()
    post = server.post("cto", "!deploy")
    server.react("bot", post, "eyes")
    same(reaction_of(link.event("reaction_added"))["user_id"],
         server.ids["bot"])
    refused(server.rest("bot", "POST", "reactions", {
        "user_id": "me", "post_id": post["id"], "emoji_name": "x"}), 400,
        "api.reaction.save_reaction.invalid.app_error")
    same(server.rest("bot", "DELETE", "users/me/posts/%s/reactions/eyes" %
                     post["id"]).status, 200)
    refused(server.rest("bot", "DELETE", "users/%s/posts/%s/reactions/eyes" % (
        server.ids["cto"], post["id"])), 403, DENIED)


@case("ev-13 names of emojis: known, unknown, toned, too long, escaped")
def _(server):
    post = server.post("bot", "names")
    invalid = "api.reaction.save_reaction.invalid.app_error"
    unknown = "app.emoji.get_by_name.no_result"
    for name in ("+1", "thumbsup", "white_check_mark", "no_entry", "-1",
                 "+1_dark_skin_tone"):
        same(server.react("cto", post, name).status, 200, name)
    same({r["emoji_name"] for r in server.reactions("bot", post)} >=
         {"+1", "thumbsup"}, True, "aliases are two")
    for name in ("no_such_emoji", "WHITE_CHECK_MARK", "x" * 64):
        answer = server.react("cto", post, name)
        if server.old:
            same(answer.status, 200, name)
        else:
            refused(answer, 404, unknown)
    for name in (":+1:", "a b", "✅"):
        refused(server.react("cto", post, name),
                *((400, invalid) if server.old else (404, unknown)))
    for name in ("", "x" * 65):
        refused(server.react("cto", post, name), 400, invalid)
    for name in ("+1", "%2B1_dark_skin_tone"):
        same(server.unreact("cto", post, name).status, 200)
    left = {r["emoji_name"] for r in server.reactions("bot", post)}
    assert not left & {"+1", "+1_dark_skin_tone"}, left


MANY = ("one two three four five six seven eight nine zero dog cat mouse "
        "rabbit bear pig frog monkey penguin bird turtle snake whale octopus "
        "bee coffee tea beer pizza cake apple banana sunny cloud zap "
        "snowflake key lock bell mega memo package email phone computer bulb "
        "battery bug wrench hammer gear").split()


@case("ev-13 at most 50 different names on one post", only="11.6")
def _(server):
    post = server.post("bot", "full")
    full = "app.reaction.save.save.too_many_reactions"
    for name in MANY[:50]:
        same(server.react("cto", post, name).status, 200, name)
    refused(server.react("cto", post, MANY[50]), 400, full)
    refused(server.react("lead", post, "white_check_mark"), 400, full)
    same(server.react("lead", post, MANY[0]).status, 200)
    server.unreact("cto", post, MANY[1])
    same(server.react("lead", post, "white_check_mark").status, 200)


@case("ev-14 one who is not in the channel cannot react, post or reply")
def _(server):
    post = server.post("bot", "approve?")
    refused(server.react("mallory", post, "+1"), 403, DENIED)
    for more in ({}, {"root_id": post["id"]}):
        refused(server.rest("mallory", "POST", "posts", {
            "channel_id": server.channel, "message": "!x", **more}), 403,
            DENIED)
    answer = server.rest("mallory", "GET", "posts/" + post["id"])
    same(answer.status, 403 if server.old else 200)


@case("ev-15 pin and unpin are post_edited with edit_at 0, each time")
def _(server):
    link, _ = server.hello()
    post = server.post("bot", "card")
    for user, verb, pinned in (("bot", "pin", True), ("bot", "pin", True),
                               ("cto", "unpin", False)):
        answer = server.rest(user, "POST", f"posts/{post['id']}/{verb}")
        same((answer.status, answer.json), (200, {"status": "OK"}))
        seen = post_of(link.event("post_edited"))
        same((seen["is_pinned"], seen["edit_at"]), (pinned, 0))
    server.rest("bot", "PUT", f"posts/{post['id']}/patch", {"is_pinned": True})
    listed = server.rest("bot", "GET",
                         f"channels/{server.channel}/pinned").json
    assert post["id"] in listed["order"]


@case("ev-16 props prove nothing; how much of them there may be")
def _(server):
    props = {"from_bot": "true", "from_webhook": "true", "k": {"b": 1, "a": 2}}
    same(server.post("cto", "props", props=props)["props"], props)
    same(server.post("cto", "t", type="custom_x")["type"], "custom_x")
    refused(server.rest("cto", "POST", "posts", {
        "channel_id": server.channel, "message": "x",
        "type": "system_join_channel"}), 400,
        "api.context.invalid_param.app_error")
    mine = server.post("cto", "who", user_id=server.ids["bot"], create_at=1000)
    same(mine["user_id"], server.ids["cto"])
    assert mine["create_at"] > 1000

    def with_props(size):
        return server.rest("cto", "POST", "posts", {
            "channel_id": server.channel, "message": "x",
            "props": {"p": "x" * size}})
    same(with_props(7900).status, 201)
    if server.old:
        refused(with_props(8100), 400, "model.post.is_valid.props.app_error")
    else:
        same(with_props(299900).status, 201)
        refused(with_props(790000), 413,
                "api.context.request_body_too_large.app_error")


@case("ev-17 empty and blank posts are accepted")
def _(server):
    for text in ("", "  \n"):
        same(server.post("bot", text)["message"], text)


@case("ev-18 typing is told to all but who types")
def _(server):
    bot, _ = server.hello()
    cto, _ = server.hello("cto")
    same(bot.ask("user_typing", channel_id=server.channel, parent_id=""),
         {"status": "OK", "seq_reply": 1})
    event = cto.event("typing")
    same((event["data"]["user_id"], event["broadcast"]["omit_users"]),
         (server.ids["bot"], {server.ids["bot"]: True}))
    server.rest("cto", "POST", "users/me/typing",
                {"channel_id": server.channel})
    same(bot.event()["event"], "typing")


@case("ev-19 who joins and leaves, with the server's own posts")
def _(server):
    link, _ = server.hello()
    path = f"channels/{server.channel}/members"
    mallory = server.ids["mallory"]
    answer = server.rest("admin", "POST", path, {"user_id": mallory})
    same((answer.status, answer.json["user_id"]), (201, mallory))
    event = link.event("user_added")
    same(event["data"], {"team_id": server.team_id, "user_id": mallory})
    same(event["broadcast"]["omit_users"],
         None if server.old else {mallory: True})
    event = link.event("posted")
    same((event["data"]["sender_name"], post_of(event)["type"]),
         ("System", "system_add_to_channel"))
    server.rest("admin", "DELETE", f"{path}/{mallory}")
    event = link.event("user_removed")
    same(event["data"], {"remover_id": server.ids["admin"],
                         "user_id": mallory})
    same(post_of(link.event("posted"))["type"], "system_remove_from_channel")


@case("ev-20 the bot is removed: no events, no writing, and back again")
def _(server):
    link, _ = server.hello()
    bot = server.ids["bot"]
    path = f"channels/{server.channel}/members"
    server.rest("admin", "DELETE", f"{path}/{bot}")
    event = link.event("user_removed")
    same(event["data"], {"channel_id": server.channel,
                         "remover_id": server.ids["admin"]})
    same(event["broadcast"]["user_id"], bot)
    server.post("cto", "while out")
    refused(server.rest("bot", "POST", "posts", {
        "channel_id": server.channel, "message": "x"}), 403, DENIED)
    answer = server.rest("bot", "GET", f"channels/{server.channel}/posts")
    same(answer.status, 403 if server.old else 200)
    server.rest("admin", "POST", path, {"user_id": bot})
    event = link.event()
    same((event["event"], event["data"]["user_id"]), ("user_added", bot))
    same(event["broadcast"]["user_id"], "" if server.old else bot)
    same(event["broadcast"]["channel_id"], server.channel)
    server.post("cto", "back")
    same(messages(events_until(link, "back"))[-1], "back")


@case("ev-21 a channel changes, is archived and restored")
def _(server):
    link, _ = server.hello()
    bench = server.channels["bench"]
    server.rest("admin", "PUT", f"channels/{bench}/patch", {"header": "h"})
    event = link.event("channel_updated")
    same(json.loads(event["data"]["channel"])["header"], "h")
    server.rest("admin", "DELETE", f"channels/{bench}")
    event = link.event("channel_deleted")
    same(event["data"]["channel_id"], bench)
    same((event["broadcast"]["team_id"], event["broadcast"]["channel_id"]),
         (server.team_id, ""))
    refused(server.rest("bot", "POST", "posts", {
        "channel_id": bench, "message": "x"}), 400,
        "api.post.create_post.can_not_post_to_deleted.error")
    same(server.rest("bot", "GET", f"channels/{bench}/posts").status, 200)
    server.rest("admin", "POST", f"channels/{bench}/restore")
    same(link.event("channel_restored")["data"], {"channel_id": bench})
    server.post("bot", "again", channel_id=bench)


@case("ev-22 a direct message: type D, no team, everyone is mentioned")
def _(server):
    link, _ = server.hello()
    pair = [server.ids["cto"], server.ids["bot"]]
    channel = server.rest("cto", "POST", "channels/direct", pair)
    same((channel.status, channel.json["type"], channel.json["team_id"]),
         (201, "D", ""))
    same(link.event("direct_added")["data"],
         {"creator_id": pair[0], "teammate_id": pair[1]})
    server.post("cto", "!help", channel_id=channel.json["id"])
    data = link.event("posted")["data"]
    same((data["channel_type"], data["team_id"], data["mentions"]),
         ("D", "", json.dumps([pair[1]])))


@case("ev-24 set_online of the request is in the event")
def _(server):
    link, _ = server.hello()
    server.rest("cto", "POST", "posts?set_online=false",
                {"channel_id": server.channel, "message": "x"})
    same(link.event("posted")["data"]["set_online"], False)


@case("ev-26 a user is renamed and deactivated: an object, ids stay")
def _(server):
    link, _ = server.hello()
    lead = server.ids["lead"]
    for name in ("leader", "lead"):
        server.rest("admin", "PUT", f"users/{lead}/patch", {"username": name})
        user = link.event("user_updated")["data"]["user"]
        same((user["id"], user["username"]), (lead, name))
    server.rest("admin", "PUT", f"users/{lead}/active", {"active": False})
    user = link.event("user_updated")["data"]["user"]
    assert user["delete_at"] > 0
    if not server.old:
        same(link.event()["event"], "user_activation_status_change")
    members = server.rest("bot", "POST",
                          f"channels/{server.channel}/members/ids", [lead])
    same([m["user_id"] for m in members.json], [lead])
    found = server.rest("bot", "POST", "users/ids", [lead]).json
    assert found[0]["delete_at"] > 0
    server.rest("admin", "PUT", f"users/{lead}/active", {"active": True})


@case("ev-27 a webhook posts as its owner, and cannot deny what it is")
def _(server):
    link, _ = server.hello()
    for body in ({"text": "!deploy prod", "username": "cto"},
                 {"text": "!deploy prod", "props": {"from_webhook": "false"}}):
        answer = server.request("POST", "/hooks/hook1", body)
        same((answer.status, answer.raw), (200, b"ok"))
        event = link.event("posted")
        post = post_of(event)
        same((post["user_id"], post["props"]["from_webhook"]),
             (server.ids["cto"], "true"))
        same(event["data"]["set_online"], server.old)


# ---- REST ----

PENDING = "api.post.deduplicate_create_post.pending"
GONE = "api.post.deduplicate_create_post.failed_to_get"


@case("rest-01 a repeated pending_post_id gets the first post back")
def _(server):
    link, _ = server.hello()
    first = server.post("bot", "first", pending_post_id="k1")
    same(first["pending_post_id"], "k1")
    for user, more in (("bot", {}), ("bot", {"message": "other"}),
                       ("bot", {"channel_id": server.channels["bench"]}),
                       ("cto", {"message": "by cto"})):
        body = {"channel_id": server.channel, "message": "first",
                "pending_post_id": "k1", **more}
        again = server.rest(user, "POST", "posts", body)
        same((again.status, again.id, again.json["message"],
              again.json["pending_post_id"]),
             (201, first["id"], "first", ""))
    server.post("cto", "end")
    same(messages(events_until(link, "end")), ["first", "end"])
    same(server.rest("bot", "GET", "posts/" + first["id"]).
         json["pending_post_id"], "")
    body = {"channel_id": server.channel, "pending_post_id": "k2"}
    same(server.rest("bot", "POST", "posts",
                     {**body, "message": "x" * 16384}).status, 400)
    server.post("bot", "free again", pending_post_id="k2")
    server.rest("bot", "DELETE", "posts/" + first["id"])
    refused(server.rest("bot", "POST", "posts", {
        "channel_id": server.channel, "message": "first",
        "pending_post_id": "k1"}), 500, GONE)


@case("rest-01 a repeat by one who may not read the first post")
def _(server):
    secret = server.channels["secret"]
    first = server.post("admin", "secret", channel_id=secret,
                        pending_post_id="k3")
    answer = server.rest("cto", "POST", "posts", {
        "channel_id": server.channel, "message": "mine",
        "pending_post_id": "k3"})
    same(answer.status, 201)
    same(answer.id == first["id"], server.old)


@case("rest-01 a pending_post_id is forgotten after 30 s", hurry=50)
def _(server):
    first = server.post("bot", "x", pending_post_id="k4")
    same(server.post("bot", "x", pending_post_id="k4")["id"], first["id"])
    time.sleep(0.7)
    assert server.post("bot", "x", pending_post_id="k4")["id"] != first["id"]


@case("rest-02 while the first is in progress a repeat is refused")
def _(server):
    import threading
    rule = server.fault(on="request", do="hold", method="POST",
                        path="^/api/v4/posts$", user="bot")
    answers = []
    body = {"channel_id": server.channel, "message": "slow",
            "pending_post_id": "k5"}
    thread = threading.Thread(target=lambda: answers.append(
        server.rest("bot", "POST", "posts", body)))
    thread.start()
    until = time.monotonic() + 5
    while server.side("GET", "faults").json["faults"][0]["left"] != 0:
        assert time.monotonic() < until
        time.sleep(0.002)
    refused(server.rest("bot", "POST", "posts", body), 500, PENDING)
    server.side("DELETE", f"faults/{rule}")
    thread.join(5)
    same(answers[0].status, 201)
    same(server.rest("bot", "POST", "posts", body).id, answers[0].id)


@case("rest-03 since: strict, with deleted posts, old copies and bumped ones")
def _(server):
    posts = [server.post("cto", f"p{i}") for i in range(1, 5)]
    mark = posts[-1]["update_at"]

    def since(when, more=""):
        return server.rest("bot", "GET", "channels/%s/posts?since=%s%s" % (
            server.channel, when, more))
    same(since(mark).json["order"], [])
    server.rest("cto", "PUT", f"posts/{posts[1]['id']}/patch",
                {"message": "p2 EDITED"})
    server.rest("cto", "DELETE", "posts/" + posts[2]["id"])
    server.post("cto", "reply", root_id=posts[3]["id"])
    server.react("lead", posts[0], "+1")
    answer = since(mark, "&page=1&per_page=1").json
    rows = [answer["posts"][i] for i in answer["order"]]
    same([(r["message"], r["original_id"] != "", r["delete_at"] != 0)
          for r in rows if r["message"]],
         [("reply", False, False), ("p4", False, False),
          ("p2 EDITED", False, False), ("p1", False, False)])
    hidden = [r for r in rows if r["delete_at"]]
    same(sorted(r["original_id"] for r in hidden), ["", posts[1]["id"]])
    last = max(r["update_at"] for r in rows)
    same(since(last).json["order"], [])
    server.unreact("lead", posts[0], "+1")
    same(since(last).json["order"], [posts[0]["id"]])
    refused(since("abc"), 400, "api.context.invalid_body_param.app_error")
    same(since(0, "&per_page=1").json["order"],
         server.rest("bot", "GET", "channels/%s/posts?per_page=1" %
                     server.channel).json["order"])
    same("first_inaccessible_post_time" in answer, not server.old)


@case("rest-03 pages: live posts, newest first, at most 200")
def _(server):
    posts = [server.post("cto", f"n{i}") for i in range(230)]
    ids = [p["id"] for p in reversed(posts)]

    def page(query):
        answer = server.rest("bot", "GET", "channels/%s/posts?%s" % (
            server.channel, query))
        same(answer.status, 200)
        return answer.json
    same(page("page=0&per_page=199")["order"], ids[:199])
    same(len(page("per_page=1000")["order"]), 200)
    same(len(page("")["order"]), 60)
    same(page("page=2&per_page=10")["order"], ids[20:30])
    answer = page(f"before={ids[4]}&per_page=3")
    same(answer["order"], ids[5:8])
    same((answer["next_post_id"], answer["prev_post_id"]), (ids[4], ids[8]))
    same(page(f"after={ids[4]}&per_page=3")["order"], ids[1:4])
    same(page(f"after={ids[0]}")["order"], [])


@case("rest-05 looking up users, members, channels and teams")
def _(server):
    me = server.rest("bot", "GET", "users/me").json
    same((me["id"], me["username"], me["is_bot"]),
         (server.ids["bot"], "bot", True))
    found = server.rest("bot", "POST", "users/usernames",
                        ["cto", "nobody", "lead", "CTO"]).json
    same([u["username"] for u in found], ["cto", "lead"])
    found = server.rest("bot", "POST", "users/ids",
                        [server.ids["cto"], "a" * 26]).json
    same([u["username"] for u in found], ["cto"])
    found = server.rest("bot", "POST",
                        f"channels/{server.channel}/members/ids",
                        [server.ids["cto"], server.ids["mallory"]]).json
    same([m["user_id"] for m in found], [server.ids["cto"]])
    channel = server.rest("bot", "GET",
                          "teams/name/launch/channels/name/launch-bridge")
    same(channel.id, server.channel)
    refused(server.rest("bot", "GET", "teams/name/launch/channels/name/nope"),
            404, "app.channel.get_by_name.missing.app_error")
    refused(server.rest("bot", "GET", "teams/name/no/channels/name/bench"),
            404, "app.team.get_by_name.missing.app_error")
    refused(server.rest("bot", "GET", "users/username/nobody"), 404,
            "app.user.get_by_username.app_error")
    same(server.rest("bot", "GET", "users/username/cto").id,
         server.ids["cto"])
    same(server.rest("bot", "GET", "teams/name/launch").id, server.team_id)
    refused(server.rest("admin", "POST",
                        f"channels/{server.channel}/members",
                        {"user_id": server.ids["outsider"]}), 404,
            "app.team.get_member.missing.app_error")


@case("rest-06 errors, each with its id")
def _(server):
    old = server.old
    param = "api.context.invalid_body_param.app_error"
    root = "api.post.create_post.root_id.app_error"
    post = server.post("cto", "root")
    reply = server.post("cto", "reply", root_id=post["id"])
    far = server.post("cto", "far", channel_id=server.channels["bench"])

    def create(**body):
        body.setdefault("channel_id", server.channel)
        body.setdefault("message", "x")
        return server.rest("bot", "POST", "posts", body)

    def raw(text):
        return server.rest("bot", "POST", "posts", raw=text)
    refused(server.request("GET", "/api/v4/users/me"), 401, EXPIRED)
    refused(server.rest("nobody", "GET", "users/me"), 401, EXPIRED)
    refused(raw(b'{"channel_id": '), 400, param)
    refused(raw(b""), 400, param)
    wrong = (403, DENIED) if old else (400, param)
    refused(raw(b'{"channel_id": 12}'), *wrong)
    refused(raw(b"[]"), *wrong)
    refused(raw(b'{"message": "x"}'), 403, DENIED)
    refused(create(channel_id="a" * 26), 403, DENIED)
    refused(create(channel_id=server.channels["secret"]), 403, DENIED)
    for answer in (server.rest("bot", "GET", "nope"),
                   server.rest("bot", "PATCH", "posts", {})):
        refused(answer, 404, "api.context.404.app_error")
        same(answer.type.startswith("text/plain"), old)
    refused(server.rest("bot", "GET", "posts/xyz"), 400,
            "api.context.invalid_url_param.app_error")
    refused(server.rest("bot", "GET", "posts/" + "a" * 26), 404,
            "app.post.get.app_error")
    refused(create(root_id=reply["id"]), 400, root)
    refused(create(root_id="a" * 26), 400, root)
    refused(create(root_id=far["id"]), 400,
            "api.post.create_post.channel_root_id.app_error")
    same(create(message="é" * 16383).status, 201, "runes, not bytes")
    refused(create(message="é" * 16384), 400,
            "model.post.is_valid.msg.app_error" if old else
            "model.post.is_valid.message_length.app_error")
    refused(create(message="a\0b"), 500, "app.post.save.app_error")
    refused(create(props={"x": "a\0b"}), 500, "app.post.save.app_error")
    head = b'{"channel_id": "%s", ' % server.channel.encode()
    for sent, stored in ((b'"message": "a\xff\xfeb"}', "a\ufffd\ufffdb"),
                         (b'"message": "a\\ud800b"}', "a\ufffdb"),
                         (b'"message": "g"} trailing', "g"),
                         (b'"message": "u", "unknown": 1}', "u")):
        answer = raw(head + sent)
        same((answer.status, answer.json["message"]), (201, stored))
    error = server.rest("bot", "GET", "posts/xyz").json
    same(set(error), {"id", "message", "detailed_error", "request_id",
                      "status_code"})
    config = server.request("GET", "/api/v4/config/client?format=old").json
    same(config["MaxPostSize"], "16383")
    same(server.request("GET", "/api/v4/system/ping").json["status"], "OK")


def form(parts):
    lines = []
    for name, filename, value in parts:
        more = f'; filename="{filename}"' if filename else ""
        lines.append(b"--bound\r\nContent-Disposition: form-data; "
                     b'name="%s"%s\r\n\r\n%s\r\n' % (
                         name.encode(), more.encode(), value))
    return b"".join(lines) + b"--bound--\r\n"


@case("rest-07 files: both forms of upload; an id attaches once")
def _(server):
    answer = server.rest("bot", "POST", "files", raw=form([
        ("channel_id", "", server.channel.encode()),
        ("client_ids", "", b"cid-1"),
        ("files", "report.txt", b"scan\r\n--report\n")]),
        headers={"Content-Type": "multipart/form-data; boundary=bound"})
    same(answer.status, 201)
    same(answer.json["client_ids"], ["cid-1"])
    info = answer.json["file_infos"][0]
    same((info["name"], info["size"], info["extension"]),
         ("report.txt", 15, "txt"))
    post = server.post("bot", "report", file_ids=[info["id"]])
    same(post["file_ids"], [info["id"]])
    same(post["metadata"]["files"][0]["post_id"], post["id"])
    for ids in ([info["id"]], ["a" * 26]):
        again = server.post("bot", "again", file_ids=ids)
        same(again.get("file_ids"), None)
    got = server.rest("cto", "GET", "files/" + info["id"])
    same((got.status, got.raw), (200, b"scan\r\n--report\n"))
    same(got.headers["Content-Disposition"],
         "attachment;filename=\"report.txt\"; filename*=UTF-8''report.txt")
    same(got.headers["Content-Type"], "text/plain; charset=utf-8")
    about = server.rest("cto", "GET", "files/%s/info" % info["id"])
    same((about.json["size"], about.json["post_id"]), (15, post["id"]))
    server.rest("bot", "DELETE", "posts/" + post["id"])
    for path in ("files/" + info["id"], "files/%s/info" % info["id"]):
        refused(server.rest("cto", "GET", path), 404,
                "app.file_info.get.app_error")
    raw = "files?channel_id=%s&filename=%s"
    answer = server.rest("bot", "POST", raw % (server.channel, "raw.log"),
                         raw=b"7 bytes")
    same((answer.status, answer.json["file_infos"][0]["size"]), (201, 7))
    refused(server.rest("bot", "POST", raw % (server.channel, "e.log"),
                        raw=b""), 400,
            "api.file.upload_file.read_request.app_error")
    refused(server.rest("bot", "POST", raw % ("a" * 26, "x.txt"), raw=b"x"),
            403, DENIED)


@case("rest-08 a stale since= is empty although the channel changed")
def _(server):
    post = server.post("cto", "x")
    path = f"channels/{server.channel}/posts"
    server.fault(on="read", do="stale")
    new = server.post("cto", "y")
    same(server.rest("bot", "GET", "%s?since=%d" % (
        path, post["update_at"])).json["order"], [])
    same(server.rest("bot", "GET", path + "?per_page=199").json["order"][0],
         new["id"])
    assert new["id"] not in server.rest("bot", "GET", path).json["order"]


@case("rest-09 a stale GET of reactions; the bulk call is right")
def _(server):
    post = server.post("bot", "approve?")
    server.fault(on="read", do="stale")
    server.react("cto", post, "+1")
    same(server.reactions("bot", post), [] if server.old else None)
    bulk = server.rest("bot", "POST", "posts/ids/reactions", [post["id"]]).json
    same(len(bulk[post["id"]]), 1)


@case("rest-04 an edit can lose the flag while the reaction is stored")
def _(server):
    post = server.post("bot", "card")
    server.react("cto", post, "+1")
    server.fault(on="edit", do="forget_reactions")
    server.rest("bot", "PUT", f"posts/{post['id']}/patch", {"message": "new"})
    seen = server.rest("bot", "GET", "posts/" + post["id"]).json
    assert "has_reactions" not in seen and "reactions" not in seen["metadata"]
    same(len(server.reactions("bot", post)), 1)


@case("rest-10 bulk reactions: one bad id spoils all, deleted posts are there")
def _(server):
    a, b = server.post("cto", "a"), server.post("cto", "b")
    server.react("lead", a, "+1")

    def bulk(ids, user="bot"):
        return server.rest(user, "POST", "posts/ids/reactions", ids)
    answer = bulk([a["id"], b["id"], a["id"]])
    same(set(answer.json), {a["id"], b["id"]})
    same((len(answer.json[a["id"]]), answer.json[b["id"]]), (1, []))
    refused(bulk([a["id"], "a" * 26]), 403, DENIED)
    refused(bulk([a["id"], "xyz"]), 403, DENIED)
    server.rest("cto", "DELETE", "posts/" + a["id"])
    same(len(bulk([a["id"]]).json[a["id"]]), 1)
    failed = "app.reaction.bulk_get_for_post_ids.app_error"
    refused(bulk([]), 500, failed)
    refused(bulk({"x": 1}), *((500, failed) if server.old else
                              (400, "api.payload.parse.error")))
    same(bulk([b["id"]], "mallory").status, 403 if server.old else 200)
    secret = server.post("admin", "s", channel_id=server.channels["secret"])
    refused(bulk([secret["id"]]), 403, DENIED)


@case("rest-12 the rate limit: 101 at once, then 429 also for the upgrade",
      rate="10,100")
def _(server):
    answer = server.rest("bot", "GET", "users/me")
    same([answer.headers["X-Ratelimit-" + name]
          for name in ("Limit", "Remaining", "Reset")], ["101", "100", "1"])
    count = 1
    while answer.status == 200:
        answer = server.rest("bot", "GET", "users/me")
        count += 1
    assert 102 <= count <= 106, count
    same((answer.raw, answer.headers["Retry-After"],
          answer.headers["X-Ratelimit-Remaining"],
          answer.headers["X-Ratelimit-Reset"]),
         (b"limit exceeded\n", "1", "0", "11"))
    same(server.rest("cto", "GET", "users/me").status, 429)
    same(Socket(server, "t-bot").status, 429)
    time.sleep(0.15)
    same(server.rest("bot", "GET", "users/me").status, 200)


@case("rest-14 since gives the oldest 1000 rows and none of the newest")
def _(server):
    first = server.post("cto", "start")
    posts = [server.post("cto", f"{i}") for i in range(1010)]
    answer = server.rest("bot", "GET", "channels/%s/posts?since=%d" % (
        server.channel, first["create_at"])).json
    same(len(answer["order"]), 1000)
    same(answer["order"][0], posts[999]["id"])
    assert posts[1009]["id"] not in answer["posts"]


# ---- faults of the sandbox itself, and the end ----

@case("faults: 429, 500 after the deed, RST after the deed, and no answer")
def _(server):
    server.fault(on="request", do="429", path="/posts$", retry_after=3)
    body = {"channel_id": server.channel, "message": "once",
            "pending_post_id": "f1"}
    answer = server.rest("bot", "POST", "posts", body)
    same((answer.status, answer.raw, answer.headers["Retry-After"]),
         (429, b"limit exceeded\n", "3"))
    assert answer.type.startswith("text/plain")
    server.fault(on="request", do="500", path="/posts$", when="after")
    same(server.rest("bot", "POST", "posts", body).status, 500)
    server.fault(on="request", do="reset", path="/posts$", when="after")
    try:
        server.rest("bot", "POST", "posts", {**body, "pending_post_id": "f2"})
        raise AssertionError("no reset")
    except ConnectionError:
        pass
    state = server.side("GET", "state?channel=launch-bridge").json
    same([p["message"] for p in state["posts"]].count("once"), 2)
    same(server.rest("bot", "POST", "posts", body).status, 201)
    same(server.side("POST", "faults", {"on": "moon", "do": "429"}).status,
         400)


@case("faults: events dropped without a gap, with one, twice, swapped, late")
def _(server):
    link, _ = server.hello()
    while link.next(0.05):
        pass
    server.post("cto", "start")
    seq = events_until(link, "start")[-1]["seq"]
    for what in ("drop", "gap", "duplicate", "swap", "delay"):
        server.fault(on="event", do=what, event="posted", user="bot", ms=60)
        start = time.monotonic()
        server.post("cto", what)
        server.post("cto", what + " end")
        events = events_until(link, what + " end")
        late = time.monotonic() - start > 0.055
        if what == "swap":
            same(messages(events), ["swap end"])
            events += events_until(link, "swap")
        heard = {"drop": (1, 0), "gap": (1, 1), "duplicate": (3, 0),
                 "swap": (2, 0), "delay": (2, 0)}[what]
        same(len(events), heard[0], what)
        same(events[0]["seq"], seq + 1 + heard[1], what)
        same(late, what == "delay", what)
        seq = events[-1]["seq"]


@case("faults: sockets are killed, reset, made deaf; upgrades refused")
def _(server):
    for act, end in (("kill", "FIN"), ("reset", "RST")):
        link, _ = server.hello()
        answer = server.side("POST", "sockets", {"do": act, "user": "bot"})
        same(answer.json, {"sockets": 1})
        same(link.ends(2), end, act)
    link, _ = server.hello()
    link.ask("ping")
    server.side("POST", "sockets", {"do": "deafen", "user": "bot"})
    server.post("cto", "unheard")
    link.send({"action": "ping", "seq": 9})
    link.send(b"", opcode=9)
    same(link.frame(2), (10, b""))
    same(link.frame(0.1), None)
    server.fault(on="upgrade", do="503")
    same(Socket(server, "t-bot").status, 503)
    server.fault(on="upgrade", do="silent")
    link = server.connect()
    same((link.status, link.frame(0.1)), (101, None))


@case("the side door: waiting for an event, state, changing people")
def _(server):
    last = server.side("GET", "info").json["last_event"]
    same(server.side("POST", "wait", {"after": last, "real_ms": 50}).
         json["why"], "real")
    post = server.post("cto", "hello")
    answer = server.side("POST", "wait", {"after": last}).json
    same((answer["why"], [e["event"] for e in answer["events"]]),
         ("event", ["posted"]))
    server.react("lead", post, "+1")
    server.side("POST", "users/lead", {"username": "chief"})
    state = server.side("GET", "state").json
    shown = [p for p in state["posts"] if p["id"] == post["id"]][0]
    same((shown["user"], shown["reactions"][0]["user"]), ("cto", "chief"))
    server.side("POST", "users/chief", {"username": "lead"})
    same(server.side("POST", "users/nobody", {"active": False}).status, 400)
    same(server.side("GET", "nothing").status, 404)


@case("srv-01 SIGTERM: FIN on every socket, nothing more is accepted")
def _(server):
    link, _ = server.hello()
    waiting = Socket(server)
    server.process.terminate()
    same(link.ends(2), "FIN")
    same(waiting.ends(2), "FIN")
    same(server.process.wait(5), 0)
    try:
        Socket(server, "t-bot")
        raise AssertionError("it still accepts")
    except ConnectionRefusedError:
        pass


# ---- the run clock ----

START = 1795478400000  # 2026-11-24T00:00:00Z
MINUTE = 60000


def wait(server, player, **more):
    answer = server.side("POST", "wait", {"player": player, **more})
    same(answer.status, 200, answer.raw)
    return answer.json


def leave(server, *players):
    for player in players:
        same(server.side("DELETE", "players/" + player).status, 200)


@case("clock: it jumps for one who waits, and all times are the run's",
      only="11.6", clock=True)
def _(server):
    now = server.side("GET", "clock").json["now_ms"]
    start = time.monotonic()
    for i in range(1, 21):
        answer = wait(server, "cto", until_ms=now + i * 10 * MINUTE)
        same((answer["why"], answer["now_ms"]),
             ("due", now + i * 10 * MINUTE))
    assert time.monotonic() - start < 5
    post = server.post("cto", "x")
    assert 0 <= post["create_at"] - answer["now_ms"] < 1000
    assert server.rest("cto", "GET", "users/me").headers["Date"].startswith(
        "Tue, 24 Nov 2026 03:20:")
    leave(server, "cto")


@case("clock: it stands still while a player acts, and tells what happened",
      only="11.6", clock=True)
def _(server):
    now = server.side("GET", "clock").json["now_ms"]
    last = server.side("GET", "info").json["last_event"]
    wait(server, "cto", until_ms=now)
    same(wait(server, "lead", until_ms=now + MINUTE, real_ms=200)["why"],
         "real")
    same(server.side("GET", "clock").json["state"], "busy")
    server.post("cto", "act")
    answer = wait(server, "cto", after=last, until_ms=now + MINUTE)
    same((answer["why"], answer["now_ms"], len(answer["events"])),
         ("event", now, 1))
    leave(server, "lead")
    same(wait(server, "cto", until_ms=now + MINUTE)["now_ms"], now + MINUTE)
    leave(server, "cto")


@case("clock: with a pace it goes and does not jump", only="11.6", clock=True)
def _(server):
    now = server.side("GET", "clock").json["now_ms"]
    server.side("POST", "clock", {"pace": 100})
    start = time.monotonic()
    wait(server, "cto", until_ms=now + 20000)
    assert time.monotonic() - start > 0.19
    server.side("POST", "clock", {"pace": 0})
    same(server.side("POST", "clock", {"forgive": "cto"}).status, 400)
    leave(server, "cto")


# ---- running ----

def run(server, function):
    try:
        function(server)
        if server.process.poll() is None:
            server.settle()
        return None
    except Exception:  # whatever it is, it is this case's failure
        for link in server.sockets:
            link.close()
        server.sockets = []
        return traceback.format_exc()


class Servers:
    """Sandboxes of one version, started when a case needs one."""

    def __init__(self, program, like):
        self.program = program
        self.like = like
        self.running = {}

    def get(self, arguments):
        server = self.running.get(arguments)
        if server is None or server.process.poll() is not None:
            server = Server(self.program, self.like, *arguments)
            self.running[arguments] = server
        return server

    def stop(self):
        return [s.stop() for s in self.running.values()
                if s.process.poll() is None]


def main():
    program = sys.argv[1]
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    results = []

    def tell(name, error):
        results.append(error is None)
        print("ok" if error is None else "not ok", len(results), "-", name,
              flush=True)
        for line in (error or "").splitlines():
            print("#", line)
    for like in ("11.6", "5.37"):
        servers = Servers(program, like)
        for name, only, arguments, function in CASES:
            if part in name and only in (None, like):
                tell(f"{like} {name}", run(servers.get(arguments), function))
        ends = servers.stop()
        tell(f"{like} it ends without an error",
             None if not any(ends) else f"exit status {ends}")
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
