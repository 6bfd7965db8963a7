"""Look up how the broker sees this process in the groups of its domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import faust
from faust_redis.admin import Admin, GroupDescription

from deploy.run.domain_app import member_name
from deploy.run.worker_health import MemberState
from deploy.settings import Settings
from streams.topology import Topology


class Members:
    """This process as a member of its domains' groups."""

    def __init__(self, admin: Admin, settings: Settings, slot: str, apps: Mapping[str, faust.App]) -> None:
        """Prepare the look-up.

        Args:
            admin: Where the groups are described.
            settings: The settings of the process.
            slot: The name of the process.
            apps: The app of each domain that runs, by domain; it changes when a domain starts again.
        """
        self._admin = admin
        self._settings = settings
        self._slot = slot
        self._apps = apps

    async def states(self, domains: Sequence[str]) -> Mapping[str, MemberState]:
        """Return the state of this process in each domain's group.

        Raises:
            LogUnavailableError: the broker does not answer.
        """
        groups = await self._admin.describe_groups([Topology.group(self._settings.app_id, name) for name in domains])
        return {name: self._state(name, group) for name, group in zip(domains, groups, strict=True)}

    def _state(self, domain: str, group: GroupDescription) -> MemberState:
        app = self._apps.get(domain)
        if app is None:
            return MemberState(ready=False, detail="the app has not started")
        name = member_name(self._settings, app, self._slot)
        member = next((one for one in group.members if one.name == name), None)
        if member is None:
            return MemberState(ready=False, detail="not a member of its group")
        if not member.recovered:
            return MemberState(ready=False, detail=f"tables of generation {group.generation} are being restored")
        if member.damaged:
            return MemberState(ready=False, detail="; ".join(member.damaged))
        return MemberState(ready=True, detail=f"generation {group.generation}")
