"""`astratrade dead-letters`: the library's command on this installation's log and dead-letter topic."""

from __future__ import annotations

from faust_redis.cli.dead_letters import dead_letters as make

from deploy.cli.commands.options import LETTERS_PROGRAM

dead_letters = make(LETTERS_PROGRAM)
