"""The state machine of an approval request: pure, no clock, no database.

What comes in: the state of a request and an event. What goes out: the new state and orders for the imperative shell
(`objects.approvals`), or a refusal (`Conflict`, `Forbidden`). What it promises, whatever the events and their order:

- approved only when, at every step, the quorum of different approvers has approved;
- the requester never counts as an approver and never decides, also not through a role, a list or a delegation;
- a step without approvers, or with fewer than its quorum asks for, blocks the request: it is never skipped;
- once settled, a request never changes again.

| state | event | new state | orders |
|---|---|---|---|
| (new) | `begin` | pending | `OpenStep(0)`, or `Settle("approved")` without steps |
| pending, blocked | `Opened(approvers)` | pending or blocked | `AskApprovers` (the new ones), or `RaiseAlarm` |
| pending | `Approve` | pending, or approved at the last step | `OpenStep(next)` or `Settle("approved")` |
| pending | `Reject`, `Return` | rejected, returned | `Settle` |
| pending | `Delegate` | pending | `AskApprovers` (the delegate) |
| pending, blocked | `Withdraw` | withdrawn | `Settle` |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from fieldstone.platform.kernel.errors import Conflict, Forbidden, Invalid
from fieldstone.rules.approvals.tiers import Quorum

Status: TypeAlias = Literal["pending", "blocked", "approved", "rejected", "returned", "withdrawn"]
Outcome: TypeAlias = Literal["approved", "rejected", "returned", "withdrawn"]
DecisionName: TypeAlias = Literal["approve", "reject", "return", "delegate"]

OPEN: frozenset[Status] = frozenset({"pending", "blocked"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One decision of one person on the present step."""

    user: str
    decision: DecisionName
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestState:
    """A request. `quorums` has one entry per step; `approvers` and `votes` are those of the present `step`."""

    status: Status
    requester: str
    quorums: tuple[Quorum, ...]
    step: int = 0
    approvers: tuple[str, ...] = ()
    votes: tuple[Vote, ...] = ()

    @property
    def needed(self) -> int:
        """How many approvals the present step needs."""
        return votes_needed(self.quorums[self.step], len(self.approvers))

    @property
    def given(self) -> int:
        """How many approvals the present step has."""
        return sum(1 for vote in self.votes if vote.decision == "approve")

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """The approvers of the present step who have not decided, while the request is pending."""
        if self.status != "pending":
            return ()
        done = {vote.user for vote in self.votes}
        return tuple(user for user in self.approvers if user not in done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The shell found out who may decide on the present step (the requester may still be among them).

    May come again at any time: people leave, roles change hands. Approvals already given stay; someone who no longer
    qualifies no longer decides; a step that nobody is left to decide is blocked, even if all others have approved.
    """

    approvers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """An approver agrees."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """An approver refuses for good."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """An approver sends it back for changes."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegate:
    """An approver hands the decision to someone else."""

    by: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """The requester takes it back."""

    by: str


Event: TypeAlias = Opened | Approve | Reject | Return | Delegate | Withdraw


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep:
    """Find the approvers of that step and answer with `Opened`."""

    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskApprovers:
    """Tell these people that a decision waits for them."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm:
    """The step cannot be decided: it needs `needed` approvers and has `found`. Tell those who can mend it."""

    step: int
    needed: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The request is over: unlock the record, set the fields of the outcome, tell the requester."""

    outcome: Outcome


Order: TypeAlias = OpenStep | AskApprovers | RaiseAlarm | Settle


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """The new state and what the shell has to do, in order."""

    state: RequestState
    orders: tuple[Order, ...]


def votes_needed(quorum: Quorum, approvers: int) -> int:
    """The number of approvals that a quorum asks for; at least one."""
    if quorum == "any":
        return 1
    return max(approvers, 1) if quorum == "all" else quorum


def begin(requester: str, quorums: Sequence[Quorum]) -> Advance:
    """A new request. Without steps it is approved at once (the amount is below the first tier)."""
    state = RequestState(status="pending", requester=requester, quorums=tuple(quorums))
    if not quorums:
        return _settled(state, "approved")
    return Advance(state=state, orders=(OpenStep(step=0),))


def advance(state: RequestState, event: Event) -> Advance:
    """The next state. Raises `Conflict` when the request does not wait for this event, `Forbidden` when the person
    may not cause it, `Invalid` for an impossible delegate."""
    _still_open(state)
    match event:
        case Opened():
            return _opened(state, event)
        case Approve():
            return _approved(_voted(state, Vote(user=event.by, decision="approve")))
        case Reject():
            return _settled(_voted(state, Vote(user=event.by, decision="reject")), "rejected")
        case Return():
            return _settled(_voted(state, Vote(user=event.by, decision="return")), "returned")
        case Delegate():
            return _delegated(state, event)
        case Withdraw():
            return _withdrawn(state, event)


def _still_open(state: RequestState) -> None:
    if state.status not in OPEN:
        raise Conflict("This request is already {outcome}.", outcome=state.status)


def _opened(state: RequestState, event: Opened) -> Advance:
    found = (_stand_in(state, user) for user in event.approvers)
    approved = (vote.user for vote in state.votes if vote.decision == "approve")
    approvers = tuple(dict.fromkeys(user for user in (*approved, *found) if user != state.requester))
    needed = votes_needed(state.quorums[state.step], len(approvers))
    asked = replace(state, status="pending", approvers=approvers)
    if len(asked.waiting_for) < max(needed - state.given, 1):
        blocked = replace(asked, status="blocked")
        return Advance(state=blocked, orders=(RaiseAlarm(step=state.step, needed=needed, found=len(approvers)),))
    fresh = tuple(user for user in asked.waiting_for if user not in state.waiting_for)
    return Advance(state=asked, orders=(AskApprovers(users=fresh),) if fresh else ())


def _stand_in(state: RequestState, user: str) -> str:
    """Whoever decides in place of `user` after delegations on this step."""
    for vote in state.votes:
        if vote.decision == "delegate" and vote.user == user and vote.to is not None:
            user = vote.to
    return user


def _voted(state: RequestState, vote: Vote) -> RequestState:
    if vote.user == state.requester:
        raise Forbidden("You may not decide on your own request.")
    if any(earlier.user == vote.user for earlier in state.votes):
        raise Conflict("You have already decided on this step.")
    if vote.user not in state.approvers:
        raise Forbidden("Only the approvers of this step may decide.")
    if state.status == "blocked":
        raise Conflict("This request is blocked: its step has too few approvers.")
    return replace(state, votes=(*state.votes, vote))


def _approved(state: RequestState) -> Advance:
    if state.given < state.needed:
        return Advance(state=state, orders=())
    if state.step + 1 == len(state.quorums):
        return _settled(state, "approved")
    following = replace(state, step=state.step + 1, approvers=(), votes=())
    return Advance(state=following, orders=(OpenStep(step=following.step),))


def _delegated(state: RequestState, event: Delegate) -> Advance:
    voted = _voted(state, Vote(user=event.by, decision="delegate", to=event.to))
    if event.to == state.requester:
        raise Invalid("A request cannot be delegated to the person who made it.")
    if event.to in state.approvers or any(vote.user == event.to for vote in state.votes):
        raise Invalid("This person already decides on this step.")
    approvers = tuple(event.to if user == event.by else user for user in state.approvers)
    return Advance(state=replace(voted, approvers=approvers), orders=(AskApprovers(users=(event.to,)),))


def _withdrawn(state: RequestState, event: Withdraw) -> Advance:
    if event.by != state.requester:
        raise Forbidden("Only the person who made this request may withdraw it.")
    return _settled(state, "withdrawn")


def _settled(state: RequestState, outcome: Outcome) -> Advance:
    return Advance(state=replace(state, status=outcome), orders=(Settle(outcome=outcome),))
