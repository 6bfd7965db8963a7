"""`astratrade groups`: the library's command on this installation's log."""

from __future__ import annotations

from faust_redis.cli.groups import groups as make

from deploy.cli.commands.options import PROGRAM

groups = make(PROGRAM)
