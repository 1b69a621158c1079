"""How people of a register declare themselves, and strangers among them: with the faults that people make.

Of the records of tests/records_generator.py; the same for the same seed. Each bears the number of its record, so that
it can be said whether the matcher was right, and what it can learn from.

    python -m tests.submissions_generator 20000 5000 known.csv
"""

import csv
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from records_generator import PEOPLES, STREETS, TOWNS, generate

from domain.values import ahv_check_digit, fold, format_ahv

COLUMNS = (
    "record_number",
    "email",
    "ahv_number",
    "family_name",
    "given_name",
    "birth_name",
    "birth_date",
    "sex",
    "street",
    "postal_code",
    "city",
    "canton",
    "phone",
)
ALPHABET = "aeinrstlo"

Person = dict[str, str]
Fault = Callable[[random.Random, Person], None]


def submissions(
    records: Sequence[Person], count: int, seed: int, *, strangers: float = 0.1
) -> Iterator[Person]:
    """So many people, as they fill in the form. strangers: the share of those who are in no record."""
    chance = random.Random(seed)
    unknown = iter(list(generate(count + 10, seed=seed + 10_000))[4:])
    for record in chance.choices(records, k=count):
        stranger = chance.random() < strangers
        person = {name: value for name, value in (next(unknown) if stranger else record).items()}
        person["record_number"] = "" if stranger else person["record_number"]
        _complete(chance, person)
        for share, fault in FAULTS:
            if chance.random() < share:
                fault(chance, person)
        yield person


def write(path: Path, people: Iterator[Person]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=";", lineterminator="\n")
        writer.writeheader()
        writer.writerows(people)


def _complete(chance: random.Random, person: Person) -> None:
    """A person knows what the register may not."""
    if not person["ahv_number"]:
        twelve = f"756{chance.randrange(10**9):09}"
        person["ahv_number"] = format_ahv(twelve + ahv_check_digit(twelve))
    if not person["email"]:
        given, family = (fold(person[name]).replace(" ", ".") for name in ("given_name", "family_name"))
        person["email"] = f"{given}.{family}.{chance.randrange(1000)}@mail.example"
    if not person["phone"]:
        person["phone"] = f"+4178{chance.randrange(10**7):07}"


def _marries(chance: random.Random, person: Person) -> None:
    if person["sex"] == "female":
        person["birth_name"] = person["birth_name"] or person["family_name"]
        person["family_name"] = _family(chance)


def _forgets_the_birth_name(chance: random.Random, person: Person) -> None:
    person["birth_name"] = ""


def _moves(chance: random.Random, person: Person) -> None:
    canton = chance.choice(tuple(TOWNS))
    person["postal_code"], person["city"] = chance.choice(TOWNS[canton].split("|")).split(" ", 1)
    person["street"], person["canton"] = f"{chance.choice(STREETS)} {chance.randint(1, 140)}", canton


def _abbreviates(chance: random.Random, person: Person) -> None:
    for whole, short in (("Rue ", "R. "), ("Chemin ", "ch. "), ("Route ", "Rte "), ("strasse", "str.")):
        person["street"] = person["street"].replace(whole, short)


def _has_a_new_phone(chance: random.Random, person: Person) -> None:
    person["phone"] = f"+4179{chance.randrange(10**7):07}"


def _has_another_address(chance: random.Random, person: Person) -> None:
    given, family = (fold(person[name]).replace(" ", "") for name in ("given_name", "family_name"))
    person["email"] = chance.choice([f"{given}.{family}", f"{given[:1]}{family}", f"{given}{family[:1]}"])
    person["email"] += f"{chance.randint(1, 999)}@{chance.choice(['web', 'post', 'home'])}.example"


def _has_no_number(chance: random.Random, person: Person) -> None:
    person["ahv_number"] = ""


def _gives_anothers_number(chance: random.Random, person: Person) -> None:
    twelve = f"756{chance.randrange(10**9):09}"
    person["ahv_number"] = format_ahv(twelve + ahv_check_digit(twelve))


def _ticks_the_other_sex(chance: random.Random, person: Person) -> None:
    person["sex"] = {"female": "male", "male": "female"}[person["sex"]]


def _mistypes(name: str) -> Fault:
    def fault(chance: random.Random, person: Person) -> None:
        letters = list(person[name])
        at = chance.randrange(1, max(len(letters) - 1, 2))
        kind = chance.randrange(4)
        if kind == 0 and len(letters) > 3:
            del letters[at]
        elif kind == 1:
            letters.insert(at, chance.choice(ALPHABET))
        elif kind == 2:
            letters[at] = chance.choice(ALPHABET)
        else:
            letters[at - 1 : at + 1] = reversed(letters[at - 1 : at + 1])
        person[name] = "".join(letters).strip() or person[name]

    return fault


def _mistypes_the_day(chance: random.Random, person: Person) -> None:
    born = date.fromisoformat(person["birth_date"])
    if born.day <= 12 and chance.random() < 0.5:
        person["birth_date"] = str(date(born.year, born.day, born.month))
    else:
        person["birth_date"] = str(born + timedelta(days=chance.choice([-10, -1, 1, 10])))


def _writes_without_accents(chance: random.Random, person: Person) -> None:
    for name in ("family_name", "given_name"):
        person[name] = fold(person[name]).title()


def _spells_umlauts_out(chance: random.Random, person: Person) -> None:
    for name in ("family_name", "given_name"):
        for umlaut, spelt in (("ä", "ae"), ("ö", "oe"), ("ü", "ue")):
            person[name] = person[name].replace(umlaut, spelt)


def _swaps_the_names(chance: random.Random, person: Person) -> None:
    person["family_name"], person["given_name"] = person["given_name"], person["family_name"]


def _has_two_given_names(chance: random.Random, person: Person) -> None:
    person["given_name"] += f" {chance.choice(['Marie', 'Anne', 'Jean', 'Louis'])}"


def _family(chance: random.Random) -> str:
    return chance.choice(PEOPLES[0][1].split()).replace("_", " ")


FAULTS: tuple[tuple[float, Fault], ...] = (
    (0.03, _marries),
    (0.10, _forgets_the_birth_name),
    (0.20, _moves),
    (0.30, _abbreviates),
    (0.20, _has_a_new_phone),
    (0.20, _has_another_address),
    (0.003, _gives_anothers_number),
    (0.003, _ticks_the_other_sex),
    (0.015, _has_no_number),
    (0.02, _mistypes("family_name")),
    (0.02, _mistypes("given_name")),
    (0.10, _mistypes("street")),
    (0.01, _mistypes_the_day),
    (0.10, _writes_without_accents),
    (0.10, _spells_umlauts_out),
    (0.01, _swaps_the_names),
    (0.04, _has_two_given_names),
)

if __name__ == "__main__":
    people, wanted = int(sys.argv[1]), int(sys.argv[2])
    write(Path(sys.argv[3]), submissions(list(generate(people)), wanted, seed=2025))
