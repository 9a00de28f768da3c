#!/usr/bin/env python3
"""The bot against the sandbox, beside what posting alone costs there.

usage: server.py SANDBOX BRIDGEKEEPER [COUNT]
"""
import pathlib
import statistics
import sys
import time

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


def author_of(event):
    data = event.get("data", {})
    return data.get("sender_name", "")


def until_posted(there, after, author):
    """Seconds until a post by @author is told, and the last event's number."""
    while True:
        answer = there.ask("POST", "/sandbox/wait",
                           {"player": "bench", "after": after,
                            "real_ms": 5000})
        events = answer["events"]
        if not events:
            raise SystemExit("bench: nothing came in 5 s")
        after = events[-1]["n"]
        if any(e["event"] == "posted" and author_of(e) == author
               for e in events):
            return after


def measure(there, text, author):
    after = there.ask("GET", "/sandbox/info")["last_event"]
    begun = time.perf_counter()
    there.say("lead", text)
    until_posted(there, after, author)
    return time.perf_counter() - begun


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def main():
    sandbox, program = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    starts = []
    with stage.Stage(sandbox, program, RUNBOOK) as there:
        for _ in range(5):
            begun = time.perf_counter()
            there.start()
            starts.append(time.perf_counter() - begun)
            there.stop()
        there.start()
        plain, answered = [], []
        for number in range(count):
            plain.append(measure(there, f"talk {number}", "@lead"))
            answered.append(measure(there, "!who", "@bridgekeeper"))
    print(f"bench: ready_ms {statistics.median(starts) * 1000:.0f}")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        a, b = quantile(answered, share), quantile(plain, share)
        print(f"bench: reply_ms_{name} {a * 1000:.1f}")
        print(f"bench: reply_ratio_{name} {a / b:.2f}")


if __name__ == "__main__":
    main()
