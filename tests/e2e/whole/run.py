#!/usr/bin/env python3
"""The whole bot against a whole server, as people would use it.

    run.py --bot BRIDGEKEEPER --sandbox SANDBOX [--like 5.37|11.6]
    run.py --bot BRIDGEKEEPER --server URL --admin-token FILE
           [--restart COMMAND]

Makes a team, channels, people and bot accounts of its own and plays in them.
The token is a system administrator's, in a file; COMMAND restarts the server
and returns when it is up (without it that part is left out, and the suite
fails for it).  Prints TAP.
--only NAME plays one scenario; --keep keeps the folder with all logs.
"""
import argparse
import pathlib
import shutil
import sys
import tempfile
import threading
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import answers  # noqa: E402
import folk  # noqa: E402
import gates  # noqa: E402
import nights  # noqa: E402
import troubles  # noqa: E402
import words  # noqa: E402
from hosts import Sandbox, Server  # noqa: E402
from stage import Stage  # noqa: E402
from tap import Broken, Report, Scenario  # noqa: E402

# Played at once, each on a stage of its own.
TOGETHER = {
    "success": nights.success, "rollback": nights.rollback,
    "chaos": nights.chaos, "words": words.words, "taps": gates.taps,
    "refusal": gates.refusal, "void": gates.void,
    "channel": troubles.channel, "open": troubles.channel, "token": troubles.token,
    "people": troubles.people, "storm": troubles.storm,
    "steps": nights.without_gates, "plan": nights.planned,
    "answers": answers.answers, "size": words.size, "wires": troubles.wires,
    "silence": folk.silence, "deputies": folk.deputies, "glass": folk.glass,
    "asker": folk.asker, "withdrawn": folk.withdrawn, "guests": folk.guests,
}
# After them, as it cuts off everybody.
ALONE = {"restart": troubles.restart}
WITH_HOST = {"token", "restart"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bot", required=True)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--sandbox")
    where.add_argument("--server")
    parser.add_argument("--like", choices=("5.37", "11.6"), default="5.37")
    parser.add_argument("--admin-token")
    parser.add_argument("--restart")
    parser.add_argument("--only", action="append")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    if given.server and not given.admin_token:
        parser.error("--server needs --admin-token")
    return given


def play(report, name, scenario, stage, host):
    case = Scenario(report, name, stage.evidence, stage.missing)
    try:
        if name in WITH_HOST:
            scenario(stage, case, host)
        else:
            scenario(stage, case)
    except Broken:
        pass
    except Exception:  # outside of a case
        report.line(False, f"{name}: is set up", 0, traceback.format_exc())
    finally:
        stage.stop()


def play_all(report, host, given, folder):
    chosen = [name for name in [*TOGETHER, *ALONE]
              if not given.only or name in given.only]
    if not host.can_cut():
        for name in [name for name in chosen if name in ALONE]:
            report.skip(f"{name}: all of it", "no --restart COMMAND", False)
        chosen = [name for name in chosen if name not in ALONE]
    found = host.build(chosen)
    report.tell(host.describe())
    program = pathlib.Path(given.bot).resolve()
    stages = {each.name: Stage(each, program, folder, host.rest.url)
              for each in found}
    threads = [threading.Thread(target=play, args=(
        report, name, TOGETHER[name], stages[name], host))
        for name in chosen if name in TOGETHER]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in chosen:
        if name in ALONE:
            play(report, name, ALONE[name], stages[name], host)


def main():
    given = arguments()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="e2e-"))
    report = Report()
    host = (Sandbox(given.sandbox, given.like, folder) if given.sandbox
            else Server(given.server, given.admin_token, given.restart))
    try:
        play_all(report, host, given, folder)
    finally:
        host.end()
    status = report.end()
    if given.keep or status != 0:
        report.tell(f"everything is in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)  # a step may just end
    return status


if __name__ == "__main__":
    sys.exit(main())
