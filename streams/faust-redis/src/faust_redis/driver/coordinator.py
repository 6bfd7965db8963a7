"""Group membership: join, let the leader assign with Faust's own assignor, hold partitions, hand them over.

Order of Faust's callbacks (eager rebalance): `on_rebalance_start`, `on_partitions_revoked`, then the new generation,
then `on_partitions_assigned`; table recovery follows in the background.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.types import TP
from mode import Service, get_logger

from faust_redis.driver import assignment, identity
from faust_redis.driver.broker import Membership
from faust_redis.driver.limits import JOIN_POLL_S, SETTLE_MS, STATUS_INTERVAL_S, STATUS_SOON_S
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.standby import Standbys
from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.log import Fence, FencedError, LogUnavailableError, MemberState, UnknownTopicError
from faust_redis.log.groups import Heartbeat

if TYPE_CHECKING:
    from faust_redis.driver.consumer import Consumer

logger = get_logger(__name__)


class Cluster:
    """What Faust's assignor asks of a cluster."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self._partitions = partitions

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        """Partition numbers of a topic, None when it does not exist."""
        count = self._partitions.get(topic)
        return set(range(count)) if count else None


class Coordinator(Service):
    """One member of a consumer group."""

    logger = logger

    def __init__(self, consumer: Consumer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.consumer = consumer
        self.app = consumer.app
        self.transport = consumer.redis_transport
        self.member = self.transport.member
        self.standbys = Standbys(self.transport)
        self.generation = 0
        self.topics: frozenset[str] = frozenset()
        self._member_state: MemberState | None = None
        self._changed = asyncio.Event()
        self._subscription_changed = False
        self._synced = 0
        self._installed = 0
        self._holds = False
        self._heartbeat: Heartbeat | None = None
        self._published = ""
        self.transport.committer.fencing.on_fenced(self._changed.set)

    @property
    def _groups(self) -> Membership:
        return self.transport.broker.groups

    @property
    def _assignor(self) -> Any:
        # Faust's interface type leaves out what Kafka's client calls, which is what is called here.
        return self.app.assignor

    @property
    def leads(self) -> bool:
        """Whether this member is its group's leader, which assigns partitions and trims the log."""
        return self._member_state is not None and self._member_state.leader == self.member

    def subscribe(self, topics: Iterable[str]) -> None:
        """Set the topics of this member; a change makes it join again. Returns at once."""
        wanted = frozenset(topics)
        if wanted != self.topics:
            self.topics = wanted
            self._subscription_changed = True
            self._changed.set()

    async def on_stop(self) -> None:
        """Leave the group, so that others take over at once."""
        await self.standbys.leave()
        if self._heartbeat is not None:
            self._heartbeat.end()
            try:
                await asyncio.wait_for(self._ask(self._groups.leave), timeout=2.0)
                await self._publish(None)
            except (Exception, asyncio.CancelledError) as exc:
                self.log.warning("could not leave the group (%r); its lease will run out", exc)
        self.transport.committer.fence = None

    # --- membership ---------------------------------------------------------------------------------------------------

    @Service.task
    async def _membership(self) -> None:
        try:
            await self._take_part()
        except LogUnavailableError:
            if not self.should_stop:  # who is to stop waits for no broker: its lease runs out
                raise

    async def _take_part(self) -> None:
        while not self.should_stop:
            await self._notice(None if self._heartbeat is None else JOIN_POLL_S if self._restless() else 1.0)
            if self.should_stop:
                break
            if self._subscription_changed:
                self._subscription_changed = False
                await self._rejoin("its subscription changed")
            elif self._member_state is not None:
                await self._follow(self._member_state)

    async def _notice(self, timeout: float | None) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            if self._restless():
                self._member_state = await self._ask(self._groups.heartbeat)
        self._changed.clear()

    def _restless(self) -> bool:
        return (
            self._member_state is None
            or self._member_state.generation != self.generation
            or self._member_state.state != "stable"
        )

    def _report(self, state: MemberState) -> None:
        if state != self._member_state:
            self._member_state = state
            self._changed.set()

    async def _follow(self, state: MemberState) -> None:
        if self.transport.committer.fencing.is_fenced or not state.known:
            await self._rejoin("its right to write ran out")
        elif state.state == "preparing" and not state.joined:
            await self._rejoin("the group is rebalancing")
        elif state.state == "syncing" and state.leader == self.member and self._synced != state.generation:
            await self._assign(state.generation)
        elif state.state == "stable" and state.generation != self.generation and not state.joined:
            await self._install(state)

    async def _rejoin(self, reason: str) -> None:
        self.log.info("Joining group %s: %s", self.transport.group, reason)
        await self._revoke()
        # A broker that went back in time counts generations anew: none of them is the one known here.
        self.generation = self._synced = 0
        conf = self.app.conf
        metadata = identity.introduction(self._assignor, set(self.topics), self.member).encode()
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
        await self.standbys.leave()
        self.app.on_rebalance_start()
        await self.consumer.on_partitions_revoked(self.consumer.assignment())
        await self.transport.committer.end_generation("the group is rebalancing")
        self._holds = False
        await self._publish(False)

    async def _assign(self, generation: int) -> None:
        members = await self._members()
        partitions: dict[str, int] = {}
        for topic in sorted({topic for metadata in members.values() for topic in metadata.subscription}):
            try:
                partitions[topic] = (await self.transport.ensure_topic(topic)).spec.partitions
            except UnknownTopicError:
                self.log.warning("topic %r does not exist; it is assigned to nobody", topic)
        own_prefix = self.app.conf.reply_to_prefix
        assigned = assignment.assign(self._assignor, Cluster(partitions), members, own_prefix)
        assignments = {member: given.encode() for member, given in assigned.items()}
        self._synced = generation
        self._member_state = await self._ask(partial(self._groups.sync, generation=generation, assignments=assignments))
        self._changed.set()

    async def _members(self) -> dict[str, ConsumerProtocolMemberMetadata]:
        members = await retry_while_unavailable(
            lambda: self._groups.members(self.transport.group, self.member),
            "assignment",
            stop=lambda: self.should_stop,
        )
        return {name: ConsumerProtocolMemberMetadata.decode(metadata) for name, metadata in members.items()}

    async def _install(self, state: MemberState) -> None:
        if not state.assignment:
            self.log.warning("generation %d assigned nothing to this member; joining again", state.generation)
            await self._rejoin("it was left out")
            return
        if self._holds:
            await self._revoke()  # an earlier attempt to join arrived late and counted, so this rebalance was missed
        given = ConsumerProtocolMemberAssignment.decode(state.assignment)
        tps = {TP(topic, partition) for topic, partitions in given.assignment for partition in partitions}
        self._check(tps)
        self._holds = True
        self.generation = state.generation
        identity.accept(self._assignor, given)
        self._forget_recovered()
        self._installed += 1
        self.app.consumer_generation_id = self._installed
        try:
            fence = Fence(self.transport.group, self.member, state.generation)
            await self.transport.committer.begin_generation(fence)
        except FencedError as exc:
            self.transport.committer.fencing.fence(str(exc))
            return
        self.log.info("Generation %d: %d partitions assigned", state.generation, len(tps))
        await self.consumer.assign(tps)
        self.standbys.take(tps)
        if await self._restore(tps - self.standbys.taken):
            await self.consumer.on_partitions_assigned(tps, self._installed)
            self.standbys.follow()
        else:
            self.generation = 0  # what overtook it may have been an old reply that came late: then it is installed anew

    def _check(self, tps: set[TP]) -> None:
        """An event must find its tables here. Anything else would write to rows that others hold."""
        changelogs = set(self.app.tables.changelog_topics)
        names = {tp.topic for tp in tps} | changelogs
        counts = {name: count for name in names if (count := self.transport.partition_count(name)) is not None}
        assignment.check_whole(tps, counts, changelogs, self.app.conf.reply_to_prefix)

    async def _restore(self, tps: set[TP]) -> bool:
        """Bring the tables up to the log; false when a rebalance comes meanwhile: the next assignment does it."""
        restoring = asyncio.ensure_future(self.transport.restorer.restore(tps))
        try:
            while not restoring.done() and not self._overtaken():
                self._changed.clear()
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait([restoring, changed], return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            restoring.cancel()
            self._changed.set()  # whatever came meanwhile is still to be looked at
        await cancel_and_wait(restoring)
        if self._overtaken():
            self.log.info("Generation %d is over before its tables are restored", self.generation)
            return False
        restoring.result()
        return True

    def _overtaken(self) -> bool:
        state = self._member_state
        return (
            self.should_stop
            or self._subscription_changed
            or self.transport.committer.fencing.is_fenced
            or (state is not None and (not state.known or state.generation != self.generation))
            or (state is not None and state.state == "preparing" and not state.joined)
        )

    def _forget_recovered(self) -> None:
        """Let stores that keep their own offset say where recovery begins; Faust's memory may be ahead of the log."""
        tables: Any = self.app.tables
        recovery = tables.recovery
        stores = self.transport.changelog_stores()
        for offsets in (recovery.active_offsets, recovery.standby_offsets):
            for tp in [tp for tp in offsets if tp.topic in stores]:
                del offsets[tp]

    def _start_heartbeat(self) -> None:
        if self._heartbeat is None:
            conf = self.app.conf
            self._heartbeat = self._groups.start_heartbeat(
                self.transport.group,
                self.member,
                interval_s=conf.broker_heartbeat_interval,
                stuck_s=conf.broker_rebalance_timeout,
                report=self._report,
            )

    # --- the group at the broker --------------------------------------------------------------------------------------

    async def _ask(self, operation: Callable[..., Awaitable[MemberState]]) -> MemberState:
        return await retry_while_unavailable(
            lambda: operation(self.transport.group, self.member), "group membership", stop=lambda: self.should_stop
        )

    # --- what others may know -----------------------------------------------------------------------------------------

    @Service.task
    async def _look_now_and_then(self) -> None:
        while not self.should_stop:
            await self.look()
            await self.sleep(STATUS_SOON_S if self.app.rebalancing else STATUS_INTERVAL_S)

    async def look(self) -> None:
        """Publish how this member stands, and see whether the broker went back to an earlier state."""
        if not self.generation:
            return
        try:
            await self._publish(not self.app.rebalancing)
            if not self.app.rebalancing and await self.consumer.went_back():
                self.log.error("the broker went back to an earlier state; what is ahead of it here is dropped")
                self.transport.committer.fencing.fence("the broker went back to an earlier state")
        except LogUnavailableError:
            pass  # others wait for the broker and say so

    async def _publish(self, recovered: bool | None) -> None:
        """Write how this member stands to the group's status hash, None removes it. Readiness checks read it."""
        if recovered is None:
            await self._groups.clear_status(self.transport.group, self.member)
            return
        status = {
            "generation": self.generation,
            "assigned": len(self.consumer.assignment()),
            "recovered": recovered,
        }
        text = json.dumps(status)
        if text != self._published:
            try:
                await self._groups.set_status(self.transport.group, self.member, text)
            except LogUnavailableError as exc:
                self.log.debug("the status is published later: %s", exc)
            else:
                self._published = text
