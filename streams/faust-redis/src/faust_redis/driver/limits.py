"""Define the bounds of the driver, each with its unit. Users configure the rest through Faust's own settings."""

FETCH_RECORDS_MAX = 1_000
"""Records fetched from one partition at once."""

RUN_RECORDS_MAX = 64
"""Records of one partition that the driver hands over before it turns to the next partition."""

TURN_S = 0.002
"""How long an agent processes waiting events before it yields to the other tasks of the event loop."""

FETCH_BLOCK_MS = 100
"""How long a fetch waits for records. A fetch in progress may notice a resumed partition this much later."""

HELD_POLL_S = 0.02
"""How often the fetcher polls other partitions while one partition waits for room in its agent's queue."""

RECORD_US, ROW_US = 2, 3
"""Server time for one record of a commit, in a plain topic and in a changelog.

The server runs no other command meanwhile. Measured by `python -m tests.bench commit` (docs/benchmarks.md)."""

RANKED_BYTES_A_US = 20
"""Bytes of a ranked row that take the server one microsecond more, in its rankings. A standing has about 40 bytes.

A standing takes 1.4 µs in rankings of 300 members, and 7 in rankings of 10,000."""

EVIDENCE_RECORDS_MAX = 100
"""The last processed records that a commit compares with the broker's, to notice that the broker lost some of them."""

EVIDENCE_BYTES_MAX = 65_536
"""Bytes of records and packed batches after which a commit compares no further record."""

COMMIT_US_MAX = 1_800
"""Server time for the records of one commit call. The whole call must not block the server for more than 2 ms."""

BATCH_RECORDS_FIRST = 16
"""Records in the first batch of an agent. The cost of this batch sets the size of later batches."""

COMMIT_RECORDS_ENOUGH = 200
"""Finished outputs that make the commit loop commit at once, without waiting for more."""

COMMIT_BYTES_MAX = 512 * 1024
"""Bytes of payload in one commit call; like COMMIT_US_MAX, this bounds how long the call blocks the server."""

COMMIT_LINGER_MS_MIN = 2
"""Shortest wait of finished events for others while more events are in flight. A single event does not wait."""

COMMIT_LINGER_MS_MAX = 10
"""Longest wait of finished events for others while agents are busy.

Between both bounds, the wait is twice the duration of the last commit. So committing takes about a third of a busy
worker's time at most."""

OFFSETS_REST_FACTOR = 10
"""How many times as long as the last commit took, finished events that changed nothing wait after it.

So committing offsets alone takes about a tenth of a worker's time at most."""

OFFSETS_REST_MS_MAX = 100
"""Longest such wait."""

ATTEMPTS_MAX = 5
"""Attempts for an event whose agent raises a transient error, including the first attempt."""

ATTEMPT_PAUSE_S = 0.1
"""Pause before the second attempt; doubles with each further one."""

RETRIES_WAITING_MAX = 1_000
"""Events of one worker that wait for their next attempt at the same time.

Above this bound, a failed event becomes a dead letter at once. So an outage of a service that agents call fills
neither the memory nor the commit."""

WAIT_POLL_S = 0.1
"""How often the driver checks a delivery that tasks wait for: its unfinished event may now wait for those tasks."""

PENDING_RECORDS_MAX = 2_000
"""Pending outputs above which agents begin no further events: about ten commits."""

CAPACITY_PATIENCE_S = 1.0
"""Longest wait of an agent for the pending outputs to fall below that bound, before each event."""

TRANSACTION_TTL_MS = 24 * 3_600_000
"""How long the log remembers a member's last write, so that a retry does not write it twice."""

WRITER_BYTES = 6
"""Length of the random name under which a member writes to its changelogs. Each assignment draws a new name."""

RETRY_FIRST_S = 0.05
"""First pause before a call to an unreachable broker is repeated; doubles up to RETRY_MAX_S."""

RETRY_MAX_S = 2.0
"""Longest pause between retries."""

RECOVERY_PATIENCE_S = 60.0
"""How long a call of table recovery waits for an unreachable broker.

It must stay below Faust's request timeout (90 s): a call that outlasts that timeout ends recovery silently."""

RESTORE_RECORDS_MAX = 1_000
"""Rows or records that table recovery reads at once. This bounds how long one read blocks the server."""

SETTLE_MS = 300
"""How long a group waits for further members after a member joins, so that several quick joins cause one rebalance.

The group keeps processing events meanwhile."""

JOIN_POLL_S = 0.05
"""How often a joining member polls whether its group is complete. Usually a notification arrives earlier."""

STANDBY_PAUSE_S = 0.05
"""How often a standby that has caught up polls for changelog records.

The pause sets how far the standby may lag, and how many records it applies in one batch."""

STATUS_INTERVAL_S = 0.5
"""How often a member checks whether its status has changed and must be published."""

STATUS_SOON_S = 0.05
"""How often a member checks its status while it is not ready."""

TABLES_WAIT_S = 0.05
"""How long a starting worker waits for tables that are still being added."""

RESUBSCRIBE_S = 0.25
"""How long the driver waits for further subscription changes before it applies them together."""
