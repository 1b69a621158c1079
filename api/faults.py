"""What can be wrong with a field, by the code under which the translations explain it."""

from collections.abc import Iterator, Mapping

from marshmallow import ValidationError

from infrastructure.translations import text

BODY = "body"  # what is wrong with the input as a whole stands under this name
NAME_LIMIT = 50


class Fault(str):
    """A code of the table `fields`, and what its text has places for."""

    params: Mapping[str, object]

    def __new__(cls, code: str, **params: object) -> "Fault":
        fault = super().__new__(cls, code)
        fault.params = params
        return fault


class Faulty(ValidationError):
    """A field was refused. code: see `Fault`."""

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(Fault(code, **params))


class InvalidInput(Exception):
    """The input as a whole was refused. faults: field → codes."""

    def __init__(self, faults: Mapping[str, list[str]]) -> None:
        super().__init__()
        self.faults = faults

    def messages(self, locale: str) -> dict[str, list[str]]:
        """The faults in words. Whoever reads them knows the field's name; what was typed is not repeated."""
        return {
            field: [_in_words(locale, fault) for fault in faults] for field, faults in self.faults.items()
        }


def gathered(found: object) -> dict[str, list[str]]:
    """marshmallow's nested messages as `{field: [code]}`; list items count for their list."""
    faults: dict[str, list[str]] = {}
    for field, fault in _leaves(found, ()):
        noted = faults.setdefault(field, [])
        if fault not in noted:
            noted.append(fault)
    return faults


def _leaves(found: object, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(found, Mapping):
        for key, below in found.items():
            step = () if isinstance(key, int) or key == "_schema" else (nameable(key),)
            yield from _leaves(below, path + step)
    elif isinstance(found, list):
        for below in found:
            yield from _leaves(below, path)
    else:
        yield ".".join(path) or BODY, found


def nameable(typed: str) -> str:
    """A name as it may be repeated: whoever sends unknown fields may call them anything, an address too."""
    bare = typed.replace("_", "").replace("-", "")
    return typed if typed.isascii() and bare.isalnum() and len(typed) <= NAME_LIMIT else BODY


def _in_words(locale: str, fault: str) -> str:
    return text(locale, "problems", "fields", str(fault), **getattr(fault, "params", {}))
