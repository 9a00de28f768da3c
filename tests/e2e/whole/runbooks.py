"""The runbooks of the suite: short, and each command leaves a line in a
ledger, so that what ran, how often and in which order can be read there."""

ROLES = """\
# A short night

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Cutover lead | the lead | | |
| DevOps lead | the DevOps lead | the deputy | |
| CTO | the CTO | | |
| Storage | storage | | |

"""

GATES = """\
## Approvals

| Step | Required approvers | Record location | Open for | Valid for |
|---|---|---|---|---|
| T0 | DevOps lead + Storage | channel | {open_for} | 5m |
| Success | DevOps lead + CTO | channel | 5m | 5m |
| Back | DevOps lead + CTO | channel | 5m | 5m |

"""

NIGHT = """\
## 1 Go {.production gate="T0" env=night}

1. Take a snapshot

   ```sh sets="SNAP"
   echo snapshot >>"$LEDGER"
   echo "SNAP=launch-$((40 + 2))" >>"$BRIDGE_OUTPUT"
   ```

2. Look at the board {owner="Storage"}
3. Deploy, until the door is opened

   ```sh
   echo "deploy $SNAP" >>"$LEDGER"
   until test -e "$DOOR"; do test -e "$LEDGER"; sleep 0.05; done
   echo deployed >>"$LEDGER"
   ```

4. Migrate, which works once it was mended

   ```sh
   echo migrate >>"$LEDGER"
   test -e "$MENDED"
   ```

5. Tell a lot, and a secret

   ```sh
   echo tell >>"$LEDGER"
   seq 1000 1400
   echo "the password is $PASSWORD"
   echo "ring @all and @channel"
   ```

## 2 Smoke {.smoke success="Success" env=night}

| Test | Command / action | Expected result |
|---|---|---|
| Health | `echo health >>"$LEDGER"; echo Healthy` | `output contains "Healthy"` |
| Screen {owner="Storage"} | look at it | it is there |

"""

REHEARSAL = """\
## 0 Try {.rehearsal env=night}

1. Try it

   ```sh
   echo try >>"$LEDGER"
   ```

"""

BACK = """\
## 3 Back {.rollback gate="Back" env=night}

1. Take it down

   ```sh
   echo "down $SNAP" >>"$LEDGER"
   ```

2. Restore {owner="Storage"}

   ```sh ask
   echo "restore $SNAP" >>"$LEDGER"
   ```

3. Say so {owner="CTO"}
"""

# A plan with its own gate, a parameter, tracked files, and a watch.
PLAN = ROLES + """\
| Group | Roles |
|---|---|
| Reps | DevOps lead, Storage |

| Parameter | Value | Meaning |
|---|---|---|
| RELEASE | `1.0` or `2.0` | what goes live |

## Approvals

| Step | Required approvers | Record location | Open for | Valid for |
|---|---|---|---|---|
| Plan | DevOps lead + CTO | channel | 5m | 10m |
| T0 | Reps | channel | 5m | 5m |
| Success | 1 of Reps | channel | 5m | 5m |

## 1 Go {.production plan="Plan" gate="T0" success="Success" env=night}

1. Deploy it

   ```sh
   echo "deploy $RELEASE $(cat payload)" >>"$LEDGER"
   ```

2. Look at the board {owner="Storage"}
3. Deploy the rest

   ```sh
   echo "rest $RELEASE $(cat payload)" >>"$LEDGER"
   ```

## 2 Back {.rollback env=night}

1. Undo it

   ```sh
   echo undo >>"$LEDGER"
   ```

## 3 After {.post env=night}

- Watch it

  ```sh every=1s for=3s
  echo watch >>"$LEDGER"
  ```

- Tell people {owner="CTO"}
"""

# No gate at all, and every kind of step.
STEPS = """\
# A short night without gates

| Role | Primary | Backup | Contact |
|---|---|---|---|
| Cutover lead | the lead | | |
| DevOps lead | the DevOps lead | the deputy | |
| CTO | the CTO | | |
| Storage | storage | | |

## 1 Go {.production env=night}

1. Ask the server

   ```http
   GET {{CHAT}}/api/v4/system/ping
   ```

   ```expect
   http 200
   json .status == "OK"
   ```

2. Show something {owner="Storage" evidence}
3. Try until it works

   ```sh retries=2 delay=1s
   echo again >>"$LEDGER"
   test "$(grep -c again "$LEDGER")" -ge 2
   ```

4. Only if needed {owner="Storage"}

   ```sh ask
   echo needed >>"$LEDGER"
   ```

5. Too slow

   ```sh timeout=1s
   echo slow >>"$LEDGER"
   sleep 3
   echo late >>"$LEDGER"
   ```

6. Wait at the door

   ```sh
   echo waits >>"$LEDGER"
   until test -e "$DOOR"; do test -e "$LEDGER"; sleep 0.05; done
   echo through >>"$LEDGER"
   ```

7. Not reached

   ```sh
   echo reached >>"$LEDGER"
   ```

## 2 Back {.rollback env=night}

1. Undo it

   ```sh
   echo undo >>"$LEDGER"
   ```
"""


# One gate with one place, and nobody behind it but its backup.
SOLO = ROLES + """\
## Approvals

| Step | Required approvers | Record location |
|---|---|---|
| T0 | DevOps lead | channel |

## 1 Go {.production gate="T0" env=night}

1. Take a snapshot

   ```sh
   echo snapshot >>"$LEDGER"
   ```

## 2 Back {.rollback env=night}

1. Undo it

   ```sh
   echo undo >>"$LEDGER"
   ```
"""


def crowded(names):
    """A night with many more roles, which nothing needs."""
    last = "| Storage | storage | | |\n"
    rows = "".join(f"| {name} | somebody | | |\n" for name in names)
    return night().replace(last, last + rows)


def with_contacts(**channels):
    """A night in which roles have channels for contacts."""
    text = night()
    for role, channel in channels.items():
        row = next(line for line in ROLES.split("\n")
                   if line.lower().startswith(f"| {role.replace('_', ' ')}"))
        text = text.replace(row, row[:-2].rstrip() + f" ~{channel} |")
    return text


def night(open_for="5m"):
    return ROLES + GATES.format(open_for=open_for) + NIGHT + BACK


def rehearsed():
    """The same with a rehearsal, which stands last to change no number."""
    return night() + REHEARSAL
