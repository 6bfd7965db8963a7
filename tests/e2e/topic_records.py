"""The records of a topic, from the first that is kept to the end."""

from faust_redis.log import Log, StoredRecord, TopicPartition


async def records_of(log: Log, topic: str) -> dict[int, list[StoredRecord]]:
    """Return the records of each partition in order."""
    starts, ends = await log.beginning_offsets(topic), await log.end_offsets(topic)
    found: dict[int, list[StoredRecord]] = {partition: [] for partition in ends}
    at = {TopicPartition(topic, partition): start for partition, start in starts.items() if start < ends[partition]}
    while at:
        for tp, records in (await log.fetch(at)).items():
            found[tp.partition] += records
            at[tp] = records[-1].offset + 1
        at = {tp: offset for tp, offset in at.items() if offset < ends[tp.partition]}
    return found
