"""Give each worker an identity that is unique in its group, without configuration.

Faust's assignor identifies workers by their URL. By default, the workers on a host share one URL (`http://host:6066`).
The driver adds the member's id to this URL as a fragment, which Faust's router ignores.
"""

from __future__ import annotations

import zlib
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor
from yarl import URL

from faust_redis.driver import faust_internals as internals


def join_metadata(assignor: Any, topics: set[str], member: str) -> ConsumerProtocolMemberMetadata:
    """Return the metadata with which a member joins, under its own URL. An app's own assignor stays unchanged."""
    metadata = assignor.metadata(topics)
    if not isinstance(assignor, PartitionAssignor):
        return metadata
    client: Any = ClientMetadata.loads(metadata.user_data)
    client.url = str(URL(client.url).with_fragment(member))
    return ConsumerProtocolMemberMetadata(metadata.version, sorted(metadata.subscription), client.dumps())


def accept(assignor: Any, assignment: ConsumerProtocolMemberAssignment) -> None:
    """Pass an assignor its assignment under the assignor's URL, because Faust's assignor accepts no other URL."""
    if isinstance(assignor, PartitionAssignor):
        client: Any = ClientMetadata.loads(zlib.decompress(assignment.user_data))
        client.url = internals.url_of(assignor)
        assignment = ConsumerProtocolMemberAssignment(
            assignment.version, assignment.assignment, zlib.compress(client.dumps())
        )
    assignor.on_assignment(assignment)
