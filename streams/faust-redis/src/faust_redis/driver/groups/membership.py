"""Join a consumer group, assign partitions with Faust's assignor when leading it, and hand partitions over.

Order of Faust's callbacks (eager rebalance): `on_rebalance_start`, `on_partitions_revoked`, then the new generation,
then `on_partitions_assigned`; table recovery follows in the background.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.types import TP

from faust_redis.driver.broker import ConsumerGroups
from faust_redis.driver.groups import assignment, identity, numbering
from faust_redis.driver.groups.fencing import Fencing
from faust_redis.driver.groups.ports import Generations, RebalanceListener, Restoring, Standby, Topics
from faust_redis.driver.groups.status import Status
from faust_redis.driver.limits import JOIN_POLL_S, SETTLE_MS, STATUS_INTERVAL_S, STATUS_SOON_S
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.hooks import HookList, Hooks, Rebalanced, Recovered
from faust_redis.log import Fence, FencedError, LogUnavailableError, MemberState, Shard, UnknownTopicError
from faust_redis.log.groups import Heartbeat

logger = logging.getLogger(__name__)

LEAVE_TIMEOUT_S = 2.0
"""How long a stopping member tries to leave its group."""


class Cluster:
    """The view of a cluster that Faust's assignor needs: how many partitions of each topic there are to assign."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Return the partition numbers of a topic; None when it does not exist."""
        count = self._partitions.get(topic)
        return set(range(count)) if count else None


class Membership:
    """One member of a consumer group."""

    def __init__(
        self,
        app: Any,
        groups: ConsumerGroups,
        group: str,
        member: str,
        *,
        listener: Callable[[], RebalanceListener],
        generations: Generations,
        fencing: Fencing,
        topics: Topics,
        shard: Shard,
        stores: Callable[[], Iterable[str]],
        restorer: Restoring,
        standbys: Standby,
        hooks: HookList,
        labels: Mapping[str, str],
    ) -> None:
        self.app = app
        self.member = member
        self.generation = 0
        self.topics: frozenset[str] = frozenset()
        self.standbys = standbys
        self._groups = groups
        self._group = group
        self._listener = listener
        self._generations = generations
        self._fencing = fencing
        self._topic_catalogue = topics
        self._shard = shard
        self._stores = stores
        self._restorer = restorer
        self._hooks = hooks
        self._status = Status(groups, group, member, labels)
        self._member_state: MemberState | None = None
        self._changed = asyncio.Event()
        self._subscription_changed = False
        self._synced = 0
        self._installed = 0
        self._owns = False
        self._revoked_s = 0.0
        self._heartbeat: Heartbeat | None = None
        fencing.on_fenced(self._changed.set)

    @property
    def should_stop(self) -> bool:
        """Return whether the worker is to stop."""
        return self._listener().should_stop

    @property
    def leads(self) -> bool:
        """Return whether this member is its group's leader, which assigns partitions and trims the log."""
        return self._member_state is not None and self._member_state.leader == self.member

    def subscribe(self, topics: Iterable[str]) -> None:
        """Set the topics of this member; the first call makes it join, and a change join again. Returns at once."""
        subscribed = frozenset(topics)
        if subscribed != self.topics or self._heartbeat is None:
            self.topics = subscribed
            self._subscription_changed = True
            self._changed.set()

    async def leave(self) -> None:
        """Leave the group, so that other members take over at once."""
        await self.standbys.leave()
        if self._heartbeat is not None:
            self._heartbeat.end()
            try:
                await asyncio.wait_for(self._ask(self._groups.leave), timeout=LEAVE_TIMEOUT_S)
                await self._status.clear()
            except (Exception, asyncio.CancelledError) as exc:
                logger.warning("could not leave the group (%r); its lease will run out", exc)
        self._generations.give_up()

    # --- membership ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Take part in the group until the worker is to stop."""
        try:
            await self._take_part()
        except LogUnavailableError:
            if not self.should_stop:  # a stopping member does not wait for the broker; its lease expires
                raise

    async def _take_part(self) -> None:
        while not self.should_stop:
            await self._wait_for_change(
                None if self._heartbeat is None else JOIN_POLL_S if self._is_unsettled() else 1.0
            )
            if self.should_stop:
                break
            if self._subscription_changed:
                self._subscription_changed = False
                await self._rejoin("its subscription changed")
            elif self._member_state is not None:
                await self._follow(self._member_state)

    async def _wait_for_change(self, timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):  # `wait_for` of Python 3.11 may lose a cancellation
                await self._changed.wait()
        except TimeoutError:
            if self._is_unsettled():
                self._member_state = await self._ask(self._groups.heartbeat)
        self._changed.clear()

    def _is_unsettled(self) -> bool:
        state = self._member_state
        return state is None or state.generation != self.generation or state.state != "stable"

    def _report(self, state: MemberState) -> None:
        if state != self._member_state:
            self._member_state = state
            self._changed.set()

    async def _follow(self, state: MemberState) -> None:
        if self._fencing.is_fenced or not state.known:
            await self._rejoin("its right to write ran out")
        elif state.state == "preparing" and not state.joined:
            await self._rejoin("the group is rebalancing")
        elif state.state == "syncing" and state.leader == self.member and self._synced != state.generation:
            await self._assign(state.generation)
        elif state.state == "stable" and state.generation != self.generation and not state.joined:
            await self._install(state)

    async def _rejoin(self, reason: str) -> None:
        logger.info("Joining group %s: %s", self._group, reason)
        await self._revoke()
        # A restored broker counts generations from an earlier number, so forget the known generation.
        self.generation = self._synced = 0
        conf = self.app.conf
        metadata = identity.join_metadata(self.app.assignor, set(self.topics), self.member).encode()
        self._member_state = await self._ask(
            partial(
                self._groups.join,
                metadata=metadata,
                lease_ms=int(conf.broker_session_timeout * 1000),
                rebalance_ms=int(conf.broker_rebalance_timeout * 1000),
                settle_ms=SETTLE_MS,
            )
        )
        self._start_heartbeat()
        self._changed.set()

    async def _revoke(self) -> None:
        if self._owns or not self._revoked_s:
            self._revoked_s = asyncio.get_running_loop().time()
        await self.standbys.leave()
        self.app.on_rebalance_start()
        listener = self._listener()
        await listener.on_partitions_revoked(listener.assignment())
        await self._generations.end_generation("the group is rebalancing")
        self._owns = False
        await self._publish(recovered=False)

    async def _assign(self, generation: int) -> None:
        members = await self._members()
        partitions: dict[str, int] = {}
        for topic in sorted({topic for metadata in members.values() for topic in metadata.subscription}):
            try:
                count = (await self._topic_catalogue.present(topic)).spec.partitions
                partitions[topic] = len(self._shard.partitions(count))
            except UnknownTopicError:
                logger.warning("topic %r does not exist; its partitions are assigned to no member", topic)
        own_prefix = self.app.conf.reply_to_prefix
        assignor, shard = self.app.assignor, self._shard
        assigned = assignment.assign(assignor, Cluster(partitions), members, own_prefix)
        assignments = {name: numbering.to_numbers(assignor, shard, one).encode() for name, one in assigned.items()}
        self._synced = generation
        self._member_state = await self._ask(partial(self._groups.sync, generation=generation, assignments=assignments))
        self._changed.set()

    async def _members(self) -> dict[str, ConsumerProtocolMemberMetadata]:
        members = await retry_while_unavailable(
            lambda: self._groups.members(self._group, self.member), "assignment", stop=lambda: self.should_stop
        )
        decoded = {name: ConsumerProtocolMemberMetadata.decode(metadata) for name, metadata in members.items()}
        return {name: numbering.to_places(self.app.assignor, self._shard, one) for name, one in decoded.items()}

    async def _install(self, state: MemberState) -> None:
        if not state.assignment:
            logger.warning("generation %d assigned nothing to this member; joining again", state.generation)
            await self._rejoin("it was left out")
            return
        if self._owns:
            await self._revoke()  # a late join attempt took effect, so this member missed the rebalance
        assignment = ConsumerProtocolMemberAssignment.decode(state.assignment)
        tps = {TP(topic, partition) for topic, partitions in assignment.assignment for partition in partitions}
        self._check(tps)
        self._owns = True
        self.generation = state.generation
        identity.accept(self.app.assignor, assignment)
        self._forget_recovered()
        self._installed += 1
        self.app.consumer_generation_id = self._installed
        try:
            await self._generations.begin_generation(Fence(self._group, self.member, state.generation))
        except FencedError as exc:
            self._fencing.fence(str(exc))
            return
        logger.info("Generation %d: %d partitions assigned", state.generation, len(tps))
        listener = self._listener()
        await listener.assign(tps)
        self.standbys.take(tps)
        if await self._restore(tps - self.standbys.followed):
            await listener.on_partitions_assigned(tps, self._installed)
            self.standbys.follow()
            self._report_rebalance(len(tps))
        else:
            # An old reply that came late may have overtaken the restoring; then install this generation again.
            self.generation = 0

    def _report_rebalance(self, partitions: int) -> None:
        began_s, self._revoked_s = self._revoked_s, 0.0
        if self._hooks:
            duration_s = asyncio.get_running_loop().time() - began_s
            self._hooks.call(Hooks.on_rebalance, Rebalanced(self.generation, partitions, duration_s))

    def _check(self, tps: set[TP]) -> None:
        """Check that this member owns the tables of its events. Otherwise events would write other members' rows."""
        changelogs = set(self.app.tables.changelog_topics)
        names = {tp.topic for tp in tps} | changelogs
        known = {name: self._topic_catalogue.partition_count(name) for name in names}
        counts = {name: count for name, count in known.items() if count is not None}
        assignment.check_whole(tps, counts, changelogs, self.app.conf.reply_to_prefix)

    async def _restore(self, tps: set[TP]) -> bool:
        """Restore the tables from the log. Return False when a rebalance interrupts this."""
        began_s = asyncio.get_running_loop().time()
        restoring = asyncio.ensure_future(self._restorer.restore(tps))
        try:
            while not restoring.done() and not self._is_overtaken():
                self._changed.clear()
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait([restoring, changed], return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            restoring.cancel()
            self._changed.set()  # handle the changes that arrived meanwhile
        await cancel_and_wait(restoring)
        if self._is_overtaken():
            logger.info("Generation %d is over before its tables are restored", self.generation)
            return False
        restoring.result()
        if self._hooks:
            tables = sum(tp.topic in self.app.tables.changelog_topics for tp in tps)
            duration_s = asyncio.get_running_loop().time() - began_s
            self._hooks.call(Hooks.on_recovery, Recovered(tables, self._restorer.restored, duration_s))
        return True

    def _is_overtaken(self) -> bool:
        state = self._member_state
        return (
            self.should_stop
            or self._subscription_changed
            or self._fencing.is_fenced
            or (state is not None and (not state.known or state.generation != self.generation))
            or (state is not None and state.state == "preparing" and not state.joined)
        )

    def _forget_recovered(self) -> None:
        """Let stores that keep their own offset say where recovery begins; Faust's memory may be ahead of the log."""
        recovery = self.app.tables.recovery
        stores = set(self._stores())
        for offsets in (recovery.active_offsets, recovery.standby_offsets):
            for tp in [tp for tp in offsets if tp.topic in stores]:
                del offsets[tp]

    def _start_heartbeat(self) -> None:
        if self._heartbeat is None:
            conf = self.app.conf
            self._heartbeat = self._groups.start_heartbeat(
                self._group,
                self.member,
                interval_s=conf.broker_heartbeat_interval,
                stuck_s=conf.broker_rebalance_timeout,
                report=self._report,
            )

    async def _ask(self, operation: Callable[..., Awaitable[MemberState]]) -> MemberState:
        return await retry_while_unavailable(
            lambda: operation(self._group, self.member), "group membership", stop=lambda: self.should_stop
        )

    # --- status -------------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """Publish this member's status, and detect a restored broker, until the worker is to stop."""
        while not self.should_stop:
            await self.look()
            await asyncio.sleep(STATUS_SOON_S if self.app.rebalancing else STATUS_INTERVAL_S)

    async def look(self) -> None:
        """Publish this member's status once, and check whether the broker was restored to an earlier state."""
        if not self.generation:
            return
        try:
            await self._publish(recovered=not self.app.rebalancing)
            if not self.app.rebalancing and await self._listener().went_back():
                logger.error("the broker went back to an earlier state; what is ahead of it here is dropped")
                self._fencing.fence("the broker went back to an earlier state")
        except LogUnavailableError:
            pass  # other tasks wait for the broker and log that

    async def _publish(self, *, recovered: bool) -> None:
        listener = self._listener()
        assigned, damaged = len(listener.assignment()), listener.damaged()
        restored, total = self._restorer.restored, self._restorer.total
        await self._status.publish(
            self.generation, assigned, recovered=recovered, restored=restored, total=total, damaged=damaged
        )
