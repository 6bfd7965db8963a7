"""Archive the records of a log in Parquet files, and read them again by offset. Needs `faust-redis[archive]`."""

from faust_redis.archive.errors import DamagedArchiveError, DamagedFileError, MissingFileError, StorageError
from faust_redis.archive.tiered import TieredLog, client_of

__all__ = ["DamagedArchiveError", "DamagedFileError", "MissingFileError", "StorageError", "TieredLog", "client_of"]
