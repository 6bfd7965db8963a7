"""The admin client: topics, groups, offsets, lag, members and tables. Like Kafka's AdminClient.

This package and `faust_redis.log` are the only places that name keys of the log.
"""

from faust_redis.admin.client import Admin
from faust_redis.admin.descriptions import (
    GroupDescription,
    InvalidRequestError,
    MemberDescription,
    PartitionDescription,
    TableDescription,
    TopicDescription,
)

__all__ = [
    "Admin",
    "GroupDescription",
    "InvalidRequestError",
    "MemberDescription",
    "PartitionDescription",
    "TableDescription",
    "TopicDescription",
]
