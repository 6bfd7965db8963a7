"""The dashboard of the chain: how far the indexer is, and what the chain took back."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.models import units

from tests.observe.panels import EVENTS, Board, Panel, Query, of_topic, one, rate

NOW: Final = (
    one("Indexing", "Indexers that reach node and broker.", units.Short,
        "sum(astra_indexer_indexing)", "indexers", now=True),
    one("Blocks behind", "Blocks of the node's chain that are not in the log.", units.Short,
        "min(astra_indexer_behind_blocks)", "blocks", now=True),
    one("Open blocks", "Blocks in the log that are not final.", units.Short,
        "max(astra_indexer_open_blocks)", "blocks", now=True),
)  # fmt: skip
PLACES: Final = (
    Panel("Blocks", "The node's newest block, the last one in the log, and the last final one.", units.Short, (
        Query("max(astra_indexer_head_block)", "head"), Query("max(astra_indexer_block)", "in the log"),
        Query("max(astra_indexer_final_block)", "final"))),
    one("Age of the newest block", "Of the node's chain. Over 600 s calls an operator.", units.Seconds,
        "time() - max(astra_indexer_head_timestamp_seconds)", "age"),
    one("Behind", "Age of the last block in the log while there are newer ones. Over 300 s calls an operator.",
        units.Seconds, "min(astra_indexer_behind_seconds)", "behind"),
    of_topic("Appended", "Facts appended: accepted, final and retracted ones.", "astra.chain.events.v1"),
)  # fmt: skip
CHANGES: Final = (
    Panel("Facts", "Facts accepted and taken back.", EVENTS, (
        Query(rate("astra_indexer_facts_accepted_total"), "accepted"),
        Query(rate("astra_indexer_facts_retracted_total"), "retracted"))),
    Panel("Reorganisations", "In an hour. More than 10 replaced blocks call an operator.", units.Short, (
        Query("sum(increase(astra_indexer_reorgs_total[1h]))", "reorganisations"),
        Query("sum(increase(astra_indexer_replaced_blocks_total[1h]))", "replaced blocks"))),
    one("Depth", "Mean number of blocks that a reorganisation of the last hour replaced.", units.Short,
        "sum(increase(astra_indexer_replaced_blocks_total[1h])) / sum(increase(astra_indexer_reorgs_total[1h]))",
        "blocks"),
    Panel("Faults", "Of the node, and writes refused because another indexer was first.", EVENTS, (
        Query(rate("astra_indexer_node_errors_total"), "node errors"),
        Query(rate("astra_indexer_read_again_total"), "read again"),
        Query(rate("astra_indexer_refused_total"), "refused"))),
)  # fmt: skip

SETTLEMENT: Final = (
    one("Settling", "Settlements that reach node and broker.", units.Short,
        "sum(astra_settlement_settling)", "settlements", now=True),
    one("Open fees", "Fees that are in no batch yet.", units.Dollars,
        "max(astra_settlement_open_fees) / 1e8", "open", now=True),
    one("Unconfirmed", "In batches that the chain has not confirmed for good.", units.Dollars,
        "max(astra_settlement_unconfirmed_units) / 1e6", "unconfirmed", now=True),
)  # fmt: skip
BATCHES: Final = (
    Panel("Batches", "Numbers of the last closed and the last confirmed batch. Six hours between them are a ticket.",
          units.Short, (
        Query("max(astra_settlement_closed_batch)", "closed"),
        Query("max(astra_settlement_confirmed_batch)", "confirmed"))),
    Panel("Money under way", "Fees in no batch, and batches that are not confirmed.", units.Dollars, (
        Query("max(astra_settlement_open_fees) / 1e8", "open"),
        Query("max(astra_settlement_unconfirmed_units) / 1e6", "unconfirmed"))),
    Panel("Transactions", "In an hour: batches, sweeps, and those that were reverted.", units.Short, (
        Query("sum(increase(astra_settlement_batches_sent_total[1h]))", "batches"),
        Query("sum(increase(astra_settlement_sweeps_sent_total[1h]))", "sweeps"),
        Query("sum(increase(astra_settlement_reverted_total[1h]))", "reverted"))),
    one("Audits", "Comparisons of ledger, log and contracts without a difference, in five minutes. None within half an "
        "hour calls an operator.", units.Short, "sum(increase(astra_settlement_audits_total[5m]))", "audits"),
    Panel("Failures of settlement", "Times that node or broker were away, and writes refused because another one was "
          "first.", EVENTS, (
        Query(rate("astra_settlement_failures_total"), "failures"),
        Query(rate("astra_settlement_refused_total"), "refused"))),
)  # fmt: skip

SINK: Final = (
    one("Sinks", "Sinks that reach node and broker.", units.Short, "sum(astra_sink_working)", "sinks", now=True),
    Panel("Open mints", "Mints that no final block has, and those of users without a wallet.", units.Short, (
        Query("max(astra_sink_open_mints)", "open"), Query("max(astra_sink_mints_without_wallet)", "without wallet"))),
    one("Known users", "Users of whom the sink knows something.", units.Short, "max(astra_sink_known_users)", "users"),
    Panel("Mints", "In an hour.", units.Short, (
        Query("sum(increase(astra_sink_minted_total[1h]))", "minted"),
        Query("sum(increase(astra_sink_failed_mints_total[1h]))", "failed"))),
    Panel("Sponsored calls", "Those that no final block has, and what was reported in an hour.", units.Short, (
        Query("max(astra_sink_open_calls)", "open"),
        Query("sum(increase(astra_sink_executed_calls_total[1h]))", "executed"),
        Query("sum(increase(astra_sink_refused_calls_total[1h]))", "refused"))),
    Panel("Transactions of the sink", "In an hour.", units.Short, (
        Query("sum(increase(astra_sink_sent_total[1h]))", "sent"),
        Query("sum(increase(astra_sink_reverted_total[1h]))", "reverted"),
        Query("sum(increase(astra_sink_lost_records_total[1h]))", "lost records"))),
    Panel("Failures of the sink", "Times that node or broker were away, and writes refused as another one was first.",
          EVENTS, (
        Query(rate("astra_sink_failures_total"), "failures"), Query(rate("astra_sink_refused_total"), "refused"))),
)  # fmt: skip

ACCOUNTS: Final = (
    Panel("Tokens for gas", "In STRK, of the accounts that settle and that mint, record and sponsor. Fewer than 10 are "
          "a ticket.", units.Short, (
        Query("min(astra_settlement_gas_strk)", "settlement"), Query("min(astra_sink_gas_strk)", "sink"))),
)  # fmt: skip

CHAIN: Final = Board("chain", "AstraTrade chain", "Blocks and facts in the log, settled fees, mints and experience.", {
    "Now": NOW,
    "Blocks": PLACES,
    "Facts": CHANGES,
    "Settlement now": SETTLEMENT,
    "Batches": BATCHES,
    "Mints and experience": SINK,
    "Accounts": ACCOUNTS,
}, {"Money": "/money", "Processes": "/pipeline?part=groups"})  # fmt: skip
