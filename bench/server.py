#!/usr/bin/env python3
"""The bot against the sandbox, beside what posting alone costs there.

usage: server.py SANDBOX BRIDGEKEEPER READER [COMMANDS [EVENTS]]
"""
import datetime
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "tests" / "e2e"))
import stage  # noqa: E402

RUNBOOK = """# Bench

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Lead | a | b | c |
| Storage | a | b | c |

## 1 Go {.production}

1. Say hello

   ```sh
   echo hello
   ```

## 2 Back {.rollback}

1. Take it back

   ```sh
   echo back
   ```
"""


class Link:
    """One connection that stays, as curl keeps it, and no waiting between."""

    def __init__(self, there):
        self.there = there
        self.http = http.client.HTTPConnection(
            urllib.parse.urlsplit(there.url).netloc)

    def ask(self, method, path, body=None, token=""):
        self.http.request(method, path, body and json.dumps(body),
                          {"Authorization": f"Bearer {token}"})
        return json.loads(self.http.getresponse().read())

    def post(self, speaker, text):
        self.ask("POST", "/api/v4/posts",
                 {"channel_id": self.there.channel, "message": text},
                 self.there.people[speaker]["token"])

    def last(self):
        return self.ask("GET", "/sandbox/info")["last_event"]


def plain_s(link, speaker, text):
    """Seconds that a post takes."""
    begun = time.perf_counter()
    link.post(speaker, text)
    return time.perf_counter() - begun


def answered_s(link, speaker, text):
    """Seconds from a command, sent, to its answer, stored.  The server is
    asked again and again: waiting there ends only at its next turn."""
    before = link.last()
    begun = time.perf_counter()
    link.post(speaker, text)
    while link.last() < before + 2:  # the command's post, and the answer's
        if time.perf_counter() > begun + 5:
            raise SystemExit("bench: no answer in 5 s")
    return time.perf_counter() - begun


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def cpu_s(pid):
    """CPU time of all threads of a process: schedstat tells nanoseconds."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in tasks) / 1e9


def online_at(there):
    """When it came online, by its log: waiting for that looks too seldom."""
    log = (there.folder / "bot.log").read_text(encoding="utf-8")
    line = [l for l in log.splitlines() if " server.online " in l][-1]
    return datetime.datetime.fromisoformat(
        line.split()[0].replace("Z", "+00:00")).timestamp()


def talk(there, count, every, pause_s):
    """@count messages, each @every'th a command, at an even rate."""
    address = urllib.parse.urlsplit(there.url)
    link = http.client.HTTPConnection(address.hostname, address.port)
    names = ["lead", "rep", "other"]
    begun = time.perf_counter()
    for number in range(count):
        text = "!who" if (number + 1) % every == 0 else f"all is well, {number}"
        token = there.people[names[number // every % 3]]["token"]
        link.request("POST", "/api/v4/posts",
                     json.dumps({"channel_id": there.channel,
                                 "message": text}),
                     {"Authorization": "Bearer " + token,
                      "Content-Type": "application/json"})
        answer = link.getresponse()
        body = answer.read()
        if answer.status != 201:
            raise SystemExit(f"bench: {answer.status} {body}")
        time.sleep(max(0, begun + (number + 1) * pause_s
                       - time.perf_counter()))
    link.close()


def until_quiet(there):
    """The number of the last event, once no more come."""
    last = -1
    while True:
        now = there.ask("GET", "/sandbox/info")["last_event"]
        if now == last:
            return now
        last = now
        time.sleep(0.3)


def measure_inbound(there, reader, count, every):
    """CPU seconds an event: the bot's and the reader's, fed alike."""
    bare = subprocess.Popen(
        [reader, str(urllib.parse.urlsplit(there.url).port),
         there.people["other"]["token"]], stdout=subprocess.PIPE, text=True)
    try:
        talk(there, 20, every, 0.002)
        begun = until_quiet(there)
        pids = (there.bot.pid, bare.pid)
        before = [cpu_s(pid) for pid in pids]
        talk(there, count, every, 0.002)
        events = until_quiet(there) - begun
        spent = [cpu_s(pid) - b for pid, b in zip(pids, before)]
    finally:
        bare.terminate()
        frames = int(bare.communicate()[0])
    if frames < events:
        raise SystemExit(f"bench: the reader saw {frames} of {events}")
    return [s / events for s in spent]


def bench_replies(there, count):
    link = Link(there)
    plain, answered = [], []
    if count > 30:
        time.sleep(10)  # of one person the bot hears 60 commands in so long
    for number in range(count):
        speaker = ["lead", "rep", "other"][number % 3]
        time.sleep(0.05)
        plain.append(plain_s(link, speaker, f"talk {number}"))
        time.sleep(0.05)
        answered.append(answered_s(link, speaker, "!who"))
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        a, b = quantile(answered, share), quantile(plain, share)
        print(f"bench: reply_ms_{name} {a * 1000:.1f}")
        print(f"bench: reply_ratio_{name} {a / b:.2f}")


def bench_inbound(there, reader, count):
    # Without commands first, to tell the socket's share from the journal's.
    for name, every in (("talk_ratio", count + 1), ("inbound_ratio", 100)):
        rounds = [measure_inbound(there, reader, count, every)
                  for _ in range(3)]
        bot, bare = rounds[-1]
        print(f"bench: {name.replace('ratio', 'us')} {bot * 1e6:.0f} "
              f"of {bare * 1e6:.0f}")
        ratio = statistics.median(bot / bare for bot, bare in rounds)
        print(f"bench: {name} {ratio:.2f}")


def main():
    sandbox, program, reader = sys.argv[1:4]
    commands = int(sys.argv[4]) if len(sys.argv) > 4 else 150
    events = int(sys.argv[5]) if len(sys.argv) > 5 else 2000
    starts = []
    with stage.Stage(sandbox, program, RUNBOOK) as there:
        for _ in range(9):
            begun = time.time()
            there.start()
            starts.append(online_at(there) - begun)
            there.stop()
        print(f"bench: ready_ms {statistics.median(starts) * 1000:.0f}")
        there.start()
        bench_inbound(there, os.path.abspath(reader), events)
        bench_replies(there, commands)


if __name__ == "__main__":
    main()
