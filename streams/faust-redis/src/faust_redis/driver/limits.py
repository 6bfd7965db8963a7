"""Bounds of the driver, each with its unit. What a user may set stands in Faust's own settings."""

FETCH_RECORDS_MAX = 500
"""Records fetched from one partition at once."""

RUN_RECORDS_MAX = 64
"""Records of one partition that are handed over before the next partition's turn."""

TURN_S = 0.002
"""How long an agent goes on with events that are there before everything else on the event loop has its turn."""

FETCH_BLOCK_MS = 100
"""How long a fetch waits for records. Also how late a resumed partition is noticed by a fetch under way."""

HELD_POLL_S = 0.02
"""How often other partitions are looked at while one is held back because its agent's queue is full."""

RECORD_US, ROW_US, RANKED_ROW_US = 4, 6, 25
"""How long the server serves nobody else for one record of a commit: of a plain topic, of a changelog with a snapshot,
of one with rankings whose rows have five standings (docs/benchmarks.md, part `commit`)."""

COMMIT_US_MAX = 1_800
"""What the records of one commit call may take of the server: the call is not to block it over 2 ms."""

BATCH_RECORDS_FIRST = 16
"""Records in the first batch of an agent, of which the others learn what a batch costs."""

COMMIT_RECORDS_ENOUGH = 200
"""Finished outputs that are committed at once, without waiting for more."""

COMMIT_BYTES_MAX = 512 * 1024
"""Bytes of payload in one commit call, for the same reason."""

COMMIT_LINGER_MS_MIN = 2
"""How long finished events wait at least for others while more are in flight. One event alone does not wait."""

COMMIT_LINGER_MS_MAX = 10
"""How long they wait at most, while agents have something to do. Between the two it is twice what the last commit took,
so that committing takes no more than about a third of a busy worker's time."""

ATTEMPTS_MAX = 5
"""How often an event is tried whose agent raises a transient error, the first time included."""

ATTEMPT_PAUSE_S = 0.1
"""Pause before the second attempt; doubles with each further one."""

RETRIES_WAITING_MAX = 1_000
"""Events waiting for their next attempt at once in one worker; one more becomes a dead letter without waiting, so that
an outage of something that agents call fills neither memory nor the commit."""

WAIT_POLL_S = 0.1
"""How often a delivery that tasks wait for is looked at: its unfinished event may have begun to wait for them."""

PENDING_RECORDS_MAX = 2_000
"""Outputs waiting for a commit before agents begin with further events: some ten commits."""

CAPACITY_PATIENCE_S = 1.0
"""How long an agent waits for that at most before each event."""

TRANSACTION_TTL_MS = 24 * 3_600_000
"""How long the log remembers a member's last write for a retry."""

WRITER_BYTES = 6
"""Length of the random name under which a member writes to its changelogs; a new one with each assignment."""

RETRY_FIRST_S = 0.05
"""First pause before a call to an unreachable broker is repeated; doubles up to the next."""

RETRY_MAX_S = 2.0
"""Longest pause between retries."""

RECOVERY_PATIENCE_S = 60.0
"""How long a call of table recovery waits for an unreachable broker. Must stay below Faust's request timeout (90 s):
a call that outlasts it would end recovery silently."""

RESTORE_RECORDS_MAX = 1_000
"""Rows or records read at once when a table is restored: bounds how long one read blocks the server."""

SETTLE_MS = 300
"""How long a group waits for further members when one joins, so that several quick joins make one rebalance. It works
on meanwhile."""

JOIN_POLL_S = 0.05
"""How often a joining member asks whether its group is complete (notices usually come first)."""

STANDBY_PAUSE_S = 0.05
"""How often a standby that has caught up looks for further changelog records: how far it is behind, and how many go in
one batch."""

STATUS_INTERVAL_S = 0.5
"""How often a member looks whether there is something new to publish of how it stands."""

STATUS_SOON_S = 0.05
"""How often while it is not ready."""

TABLES_WAIT_S = 0.05
"""How long a starting worker waits for tables that are still being added."""

RESUBSCRIBE_S = 0.25
"""How long a change of subscription waits for further ones."""
