"""`astratrade topics`: the library's command on this installation's log."""

from __future__ import annotations

from faust_redis.cli.topics import topics as make

from deploy.cli.commands.options import PROGRAM

topics = make(PROGRAM)
