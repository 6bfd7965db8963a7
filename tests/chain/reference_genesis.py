"""What the genesis NFTs should do, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class GenesisModel:
    """Who owns which token, who may move it, and for whom and which type each was made."""

    owners: dict[int, int] = field(default_factory=dict)
    made_for: list[tuple[int, str]] = field(default_factory=list)
    requests: set[int] = field(default_factory=set)
    approved: dict[int, int] = field(default_factory=dict)
    operators: set[tuple[int, int]] = field(default_factory=set)

    def mint(self, request: int, user: int, kind: str) -> int:
        """Return the number of the new token; 0 when the user had one of this type, or the request made one."""
        if (user, kind) in self.made_for or request in self.requests:
            return 0
        self.requests.add(request)
        self.made_for.append((user, kind))
        token = len(self.made_for)
        self.owners[token] = user
        return token

    def may_approve(self, caller: int, token: int) -> bool:
        owner = self.owners.get(token)
        return owner is not None and (caller == owner or (owner, caller) in self.operators)

    def may_move(self, caller: int, sender: int, token: int) -> bool:
        allowed = self.may_approve(caller, token) or self.approved.get(token) == caller
        return allowed and self.owners[token] == sender

    def move(self, recipient: int, token: int) -> None:
        self.owners[token] = recipient
        self.approved.pop(token, None)

    def balance(self, who: int) -> int:
        return list(self.owners.values()).count(who)
