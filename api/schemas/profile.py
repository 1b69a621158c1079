"""The personal data that a holder declares."""

from marshmallow import post_load

from api.context import today
from api.schemas.fields import AhvNumber, BirthDate, Code, Input, Note, Phone, Text
from domain.profile import PersonalData


class Answering(Input):
    text = Note(required=True)


class ProfileBody(Input):
    ahv_number = AhvNumber(required=True, allow_none=True)
    given_name = Text(required=True)
    family_name = Text(required=True)
    birth_name = Text(load_default=None, allow_none=True)
    birth_date = BirthDate(today, required=True)
    sex = Code("sexes", required=True)
    nationality = Code("countries", required=True)
    street = Text(required=True)
    postal_code = Text(required=True)
    city = Text(required=True)
    country = Code("countries", required=True)
    phone = Phone(load_default=None, allow_none=True)
    function = Code("functions", load_default=None, allow_none=True)
    school = Code("schools", load_default=None, allow_none=True)
    canton = Code("cantons", required=True)

    @post_load
    def as_personal_data(self, typed: dict, **_options: object) -> PersonalData:
        return PersonalData(**typed)
