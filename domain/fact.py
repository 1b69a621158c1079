"""What every fact says."""

from uuid import UUID

from eventsourcing.domain import Aggregate


class Fact(Aggregate.Event):
    actor: UUID  # who caused it
