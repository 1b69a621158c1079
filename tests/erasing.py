"""A write side whose people can be erased, with a register in a folder of the test."""

from pathlib import Path
from uuid import UUID, uuid4

from people import CLERK, DAY, OTHER_CLERK
from write_side import WriteSide

from application.erasures import Erasures
from infrastructure.erase import Erase
from infrastructure.erasure_book import StoredErasures
from infrastructure.erasure_register import ErasureRegister
from infrastructure.forgetting import WriteSideTraces


class ErasingSide(WriteSide):
    def __init__(self, database_url: str, folder: Path, **options: object) -> None:
        super().__init__(database_url, **options)
        self.register = ErasureRegister(folder / "erasures.jsonl")
        self.book = StoredErasures(self.pool)
        self.erasures = Erasures(
            log=self.store,
            book=self.book,
            register=self.register,
            traces=WriteSideTraces(self.intake),
            clock=self.clock,
            new_id=uuid4,
            patience=DAY,
        )
        self.erase = Erase(self.erasures, self.book, self.clock)

    def proposed(self, account_id: UUID, actor: UUID = CLERK) -> UUID:
        return self.erasures.propose(account_id, reason="request-of-holder", actor=actor)[0]

    def approved(self, account_id: UUID) -> UUID:
        erasure_id = self.proposed(account_id)
        self.erasures.approve(erasure_id, actor=OTHER_CLERK)
        return erasure_id

    def erased(self, account_id: UUID) -> UUID:
        """As if the last message had been waited for in vain."""
        erasure_id = self.approved(account_id)
        self.clock.goes_on(DAY)
        assert self.erase.carry_out_due() == 1
        return erasure_id
