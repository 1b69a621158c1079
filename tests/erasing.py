"""A write side whose people can be erased, with a register in a folder of the test."""

from pathlib import Path
from uuid import UUID, uuid4

from people import CLERK, DAY, OTHER_CLERK
from running_service import RunningService, password_in
from spec import until
from write_side import WriteSide

from application.erasures import Erasures
from infrastructure.erase import Erase
from infrastructure.erasure_book import StoredErasures
from infrastructure.erasure_register import ErasureRegister
from infrastructure.forgetting import WriteSideTraces


def data_protection(
    service: RunningService, email: str, role: str = "data-protection"
) -> tuple[str, list[str]]:
    """Somebody of data protection who has signed in once: the password, and the recovery codes."""
    assert service.command("grant", role, email).returncode == 0
    password = password_in(service.wait_for_mail(email))
    bearer = service.sign_in(email, password).json["token"]
    _, *recovery_codes = service.enrol(password, Authorization=f"Bearer {bearer}")
    return password, recovery_codes


def signed_in_with_code(service: RunningService, email: str, role: str = "data-protection") -> dict[str, str]:
    """Headers of somebody of data protection."""
    password, (code, *_) = data_protection(service, email, role)
    answer = service.ask("POST", "/api/v1/tokens", {"email": email, "password": password, "code": code})
    assert answer.status == 201, answer.body
    return {"Authorization": f"Bearer {answer.json['token']}"}


def erased_by_two(service: RunningService, account_id: str) -> None:
    """Decided through the API, and carried out."""
    first, second = (
        signed_in_with_code(service, f"{name}@protection.example") for name in ("first", "second")
    )
    why = {"reason": "request-of-holder"}
    erasure = service.ask("POST", f"/api/v1/accounts/{account_id}/erasure", why, **first).json["id"]
    assert service.ask("POST", f"/api/v1/erasures/{erasure}/approve", **second).status == 202
    until(lambda: service.ask("GET", f"/api/v1/erasures/{erasure}", **first).json["state"] == "done")


class ErasingSide(WriteSide):
    def __init__(self, database_url: str, folder: Path, **options: object) -> None:
        super().__init__(database_url, **options)
        self.register = ErasureRegister(folder / "erasures.jsonl")
        self.book = StoredErasures(self.pool)
        self.erasures = Erasures(
            log=self.store,
            book=self.book,
            register=self.register,
            traces=WriteSideTraces(self.intake, self.failed_sign_ins),
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
