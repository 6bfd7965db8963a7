"""Change the number of partitions of the topics and tables of an application, under load.

closing ─▶ draining ─▶ moving rows ─▶ finished
(topics take no records; members finish what was appended, then start again with the new number)
"""

from faust_redis.log.resizes import Finished, InProgress, finished, in_progress
from faust_redis.resizing.layout import ByKey, Layout, NotReadyError, RowWrite, Split
from faust_redis.resizing.resize import CannotResizeError, Resize, Resized, Step

__all__ = [
    "ByKey",
    "CannotResizeError",
    "Finished",
    "InProgress",
    "Layout",
    "NotReadyError",
    "Resize",
    "Resized",
    "RowWrite",
    "Split",
    "Step",
    "finished",
    "in_progress",
]
