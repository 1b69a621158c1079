"""What facts say besides what happened."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.values import Personal


class Fact(Aggregate.Event):
    actor: UUID  # who caused it: every fact says so


class PersonsFact(Fact):
    """On the stream of somebody's data."""

    account_id: UUID  # whose: its key seals the event; an account's own events go without


@dataclass(frozen=True)
class Whence:
    """From where somebody acted, as far as the connection tells."""

    device: Annotated[str | None, Personal]  # like "Firefox · Windows"
    network: Annotated[str | None, Personal]  # an IP address

    @staticmethod
    def unknown(state: dict[str, Any]) -> None:
        """For events from before it was noted."""
        state.update(device=None, network=None)


NOWHERE = Whence(None, None)
