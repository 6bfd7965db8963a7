"""A worker's identity in its group, unique without the user doing anything.

Faust's assignor keys what it knows of the others by their URL, and workers on one host have the same one by default
(`http://host:6066`). Each member's URL gets the member's id as fragment, which Faust's router does not look at.
"""

from __future__ import annotations

import zlib
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor
from yarl import URL


def introduction(assignor: Any, topics: set[str], member: str) -> ConsumerProtocolMemberMetadata:
    """What a member says of itself when it joins, under a URL of its own.

    An app's own assignor knows what it says; only Faust's is helped.
    """
    metadata = assignor.metadata(topics)
    if not isinstance(assignor, PartitionAssignor):
        return metadata
    said: Any = ClientMetadata.loads(metadata.user_data)
    said.url = str(URL(said.url).with_fragment(member))
    return ConsumerProtocolMemberMetadata(metadata.version, sorted(metadata.subscription), said.dumps())


def accept(assignor: Any, assignment: ConsumerProtocolMemberAssignment) -> None:
    """Give an assignor its assignment, under the URL that it knows itself by: Faust's accepts no other."""
    if isinstance(assignor, PartitionAssignor):
        given: Any = ClientMetadata.loads(zlib.decompress(assignment.user_data))
        given.url = str(assignor._url)
        assignment = ConsumerProtocolMemberAssignment(
            assignment.version, assignment.assignment, zlib.compress(given.dumps())
        )
    assignor.on_assignment(assignment)
