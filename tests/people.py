"""People of the tests, as they would fill in the forms, and the moments at which things happen to them."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from domain.account import Account
from domain.fact import NOWHERE, Whence
from domain.profile import PersonalData, Profile

NOON = datetime(2025, 9, 1, 12, 0, tzinfo=UTC)  # a Monday; 14:00 in Switzerland
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ADA_ID = UUID("11111111-1111-4111-8111-111111111111")
ADA_PROFILE_ID = UUID("22222222-2222-4222-8222-222222222222")
CLERK = UUID("33333333-3333-4333-8333-333333333333")
OTHER_CLERK = UUID("44444444-4444-4444-8444-444444444444")
CASE_ID = UUID("55555555-5555-4555-8555-555555555555")

AURELIE = PersonalData(  # the register holds her: tests/records_generator.py
    ahv_number="7561234567897",
    given_name="Aurélie",
    family_name="Chappuis-Favre",
    birth_name="Chappuis",
    birth_date=date(1987, 5, 14),
    sex="female",
    nationality="CH",
    street="Rue des Moulins 12",
    postal_code="2800",
    city="Delémont",
    country="CH",
    phone="+41790000101",
    function="teacher-primary",
    school=None,
    canton="JU",
)
AURELIE_ADDRESS = "aurelie.chappuis@example.org"

# As she sends it to the API; none of it stands anywhere by chance.
ZEBULONIA = {
    "ahv_number": "756.9217.0769.85",
    "given_name": "Zebulonia",
    "family_name": "Quuxmüller",
    "birth_name": "Xanthopoulos",
    "birth_date": "1971-02-03",
    "sex": "female",
    "nationality": "CH",
    "street": "Wolkenkuckucksgasse 77",
    "postal_code": "ZQ-4242",
    "city": "Seldwyla",
    "country": "CH",
    "phone": "079 555 01 77",
    "function": "teacher-cycle-1",
    "school": "moutier",
    "canton": "JU",
}


def an_account(now: datetime = NOON, email: str = AURELIE_ADDRESS, whence: Whence = NOWHERE) -> Account:
    return Account.request(
        ADA_ID,
        profile_id=ADA_PROFILE_ID,
        email=email,
        given_name="Aurélie",
        family_name="Chappuis",
        locale="fr",
        origin="sign-up",
        privacy_policy="2025-08",
        actor=ADA_ID,
        whence=whence,
        now=now,
    )


def a_profile(data: PersonalData = AURELIE, now: datetime = NOON) -> Profile:
    return Profile.submit(
        ADA_PROFILE_ID, data, account_id=ADA_ID, due=date(2025, 9, 4), actor=ADA_ID, now=now
    )
