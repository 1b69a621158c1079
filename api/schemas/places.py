"""Which places a postal code stands for."""

from typing import Any, Final

from marshmallow import Schema

from api.schemas import answers
from api.schemas.fields import Input, Text


class PlaceQuery(Input):
    postal_code = Text(required=True, limit=12)


class Place(Schema):
    city = answers.text()


class Places(answers.Page):
    items = answers.many(Place)


PLACES: Final[dict[str, Any]] = {"items": [{"city": "Moutier"}], "next_cursor": None}
