"""Records of persons who do not exist, for samples, tests and measurements: the same for the same seed.

French, German, Italian and other names, umlauts, married names, twins, homonyms, some without AHV number or
address. The first four are always the same: what the walk through the service relies on.

    python -m tests.records_generator 20000 records.csv
"""

import csv
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from domain.values import ahv_check_digit, fold, format_ahv

AURELIE = {
    "record_number": "R-000001",
    "ahv_number": "756.1234.5678.97",
    "family_name": "Chappuis-Favre",
    "given_name": "Aurélie",
    "birth_name": "Chappuis",
    "birth_date": "1987-05-14",
    "sex": "female",
    "street": "Rue des Moulins 12",
    "postal_code": "2800",
    "city": "Delémont",
    "canton": "JU",
    "email": "aurelie.chappuis@example.org",
    "phone": "+41790000101",
}
NOEMIE = AURELIE | {
    "record_number": "R-000002",
    "ahv_number": "756.9217.0769.85",
    "family_name": "Béguelin",
    "given_name": "Noémie",
    "birth_name": "",
    "birth_date": "1990-11-03",
    "street": "Rue du Progrès 48",
    "postal_code": "2300",
    "city": "La Chaux-de-Fonds",
    "canton": "NE",
    "email": "noemie.beguelin@old.example",
    "phone": "+41790000102",
}
TWIN = AURELIE | {
    "record_number": "R-000003",
    "ahv_number": "756.1234.5679.03",
    "family_name": "Chappuis",
    "given_name": "Camille",
    "birth_name": "",
    "email": "camille.chappuis@example.org",
    "phone": "+41790000103",
}
HOMONYM = AURELIE | {
    "record_number": "R-000004",
    "ahv_number": "756.2345.6789.08",
    "family_name": "Chappuis",
    "birth_name": "",
    "birth_date": "1994-02-28",
    "street": "Grand-Rue 3",
    "postal_code": "2720",
    "city": "Tramelan",
    "canton": "BE",
    "email": "aurelie.chappuis@edu.example",
    "phone": "",
}

COLUMNS = tuple(AURELIE)

# share, family names, women's names, men's names; _ is a space within a name
PEOPLES = (
    (
        62,
        "Aubry Béguelin Berger Boillat Bourquin Chapatte Châtelain Chopard Clerc Cuenin Droz Dubois "
        "Erard Évard Favre Froidevaux Gagnebin Girardin Grosjean Huguenin Jacot Jeanneret Joliat "
        "Juillerat Lachat L’Eplattenier Maître Matthey Mercier Monnier Nicolet Noirjean Perret Perrenoud "
        "Pétermann Queloz Robert-Nicoud Rossé Sandoz Tièche Tschäppät Vuille Vuilleumier Voisard "
        "Wermeille",
        "Agnès Anaïs Aline Bénédicte Camille Carole Céline Chloé Coralie Éloïse Émilie Estelle Fanny "
        "Florence Françoise Gaëlle Héloïse Inès Jeanne Joëlle Julie Laëtitia Léa Lucie Maëlle Manon "
        "Marie-Claude Mathilde Nathalie Noémie Océane Pauline Sandrine Solène Sylvie Valérie Véronique "
        "Zoé",
        "Adrien Alexandre Antoine Benoît Cédric Damien Étienne Fabien François Frédéric Grégory Hervé "
        "Jean-Marc Jérôme Joël Julien Laurent Loïc Lucas Mathieu Michaël Nicolas Olivier Pascal Raphaël "
        "Rémy Sébastien Stéphane Théo Thierry Valentin Vincent Xavier Yves",
    ),
    (
        18,
        "Aebischer Bärtschi Brügger Bühler Christen Fischer Flückiger Gerber Gygax Hänni Hofmänner Jäggi "
        "Käser König Küng Läderach Lüthi Moser Müller Nyffenegger Rüegg Schär Schläfli Schneider "
        "Stämpfli Sühlmann Weiss Wüthrich Zbinden Zürcher",
        "Andrea Anna Barbara Brigitte Christine Doris Eva Franziska Hanna Jana Käthi Lena Livia Mirjam "
        "Nadja Regula Sabine Sarah Ursula Vreni",
        "Adrian Andreas Beat Christoph Daniel Fabian Hans-Peter Jonas Jürg Lukas Markus Matthias Peter "
        "Reto Simon Stefan Thomas Urs Walter",
    ),
    (
        12,
        "Bernasconi Bianchi Caruso Conti D’Angelo De_Luca Del_Prete Esposito Ferrari Galli Lo_Russo "
        "Marino Pedrazzini Ricci Rossi Russo Santoro Zanetti",
        "Alessia Chiara Elena Federica Francesca Giulia Ilaria Lucia Martina Noemi Paola Sofia Valentina",
        "Alessandro Andrea Davide Fabio Giovanni Luca Marco Matteo Niccolò Paolo Riccardo Stefano",
    ),
    (
        8,
        "Almeida Berisha Çelik Da_Silva Fernandes Gonçalves Hoxha Jovanović Krasniqi Łukaszewski Nguyen "
        "Nuñez O’Connor Petrović Pereira Sørensen Thaçi Yılmaz",
        "Ana Arta Beatriz Catarina Elif Inês Jelena Linh Mariana Milica Teuta Zofia",
        "Arben Duarte Emre Ivan João Liam Minh Miloš Nuno Piotr Rui Søren",
    ),
)
TOWNS = {
    "BE": "2502 Bienne|2503 Bienne|2504 Bienne|2520 La Neuveville|2605 Sonceboz|2610 Saint-Imier|"
    "2710 Tavannes|2720 Tramelan|2735 Malleray|3007 Bern|3400 Burgdorf",
    "JU": "2740 Moutier|2800 Delémont|2822 Courroux|2830 Courrendlin|2854 Bassecourt|2900 Porrentruy|"
    "2340 Le Noirmont|2350 Saignelégier",
    "NE": "2000 Neuchâtel|2013 Colombier|2053 Cernier|2072 Saint-Blaise|2108 Couvet|2114 Fleurier|"
    "2300 La Chaux-de-Fonds|2400 Le Locle|2525 Le Landeron",
    "FR": "1700 Fribourg",
    "VD": "1400 Yverdon-les-Bains",
    "SO": "2540 Grenchen",
    "other": "25500 Morteau|90100 Delle",
}
STREETS = (
    "Rue de la Gare",
    "Rue du Marché",
    "Chemin des Écoles",
    "Grand-Rue",
    "Rue de l’Hôpital",
    "Route de Bâle",
    "Rue du Collège",
    "Chemin du Clos",
    "Rue des Tilleuls",
    "Quai du Haut",
    "Bahnhofstrasse",
    "Mühlegässli",
    "Rue Neuve",
    "Sous-la-Côte",
)
DOMAINS = ("edu.example", "ecole.example", "mail.example", "old.example", "example.org", "example.net")


def generate(count: int, seed: int = 1987) -> Iterator[dict[str, str]]:
    """Records as the file's cells, `count` of them, the four fixed ones first."""
    chance = random.Random(seed)
    fixed = [AURELIE, NOEMIE, TWIN, HOMONYM]
    taken = {record["ahv_number"] for record in fixed} | {record["email"] for record in fixed}
    yield from fixed[:count]
    earlier: dict[str, str] = AURELIE
    for number in range(len(fixed) + 1, count + 1):
        record = _person(chance) | {"record_number": f"R-{number:06}"}
        kind = chance.random()
        if kind < 0.012:  # a twin of the one before
            same = ("family_name", "birth_name", "birth_date", "street", "postal_code", "city", "canton")
            record |= {column: earlier[column] for column in same}
        elif kind < 0.03:  # a homonym
            record |= {
                column: earlier[column] for column in ("family_name", "given_name", "birth_name", "sex")
            }
        record["ahv_number"] = _ahv_number(chance, taken)
        record["email"] = _email(chance, record, taken)
        yield record
        earlier = record


def write(path: Path, records: Iterator[dict[str, str]], *, delimiter: str = ";") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def _person(chance: random.Random) -> dict[str, str]:
    _, families, women, men = chance.choices(PEOPLES, weights=[share for share, *_ in PEOPLES])[0]
    sex = "female" if chance.random() < 0.66 else "male"
    family, birth = chance.choice(_words(families)), ""
    if chance.random() < (0.3 if sex == "female" else 0.05):
        birth, family = family, chance.choice(_words(chance.choice(PEOPLES)[1]))
        if chance.random() < 0.35:
            family = f"{family}-{birth}"
    canton = chance.choices(tuple(TOWNS), weights=(34, 26, 32, 2, 2, 1, 3))[0]
    postal_code, city = chance.choice(TOWNS[canton].split("|")).split(" ", 1)
    phone = f"7{chance.randint(5, 9)} 000 {chance.randint(0, 99):02} {chance.randint(0, 99):02}"
    return dict.fromkeys(COLUMNS, "") | {
        "family_name": family,
        "given_name": chance.choice(_words(women if sex == "female" else men)),
        "birth_name": birth,
        "birth_date": str(date(1956, 1, 1) + timedelta(days=chance.randrange(49 * 365))),
        "sex": sex,
        "street": f"{chance.choice(STREETS)} {chance.randint(1, 140)}",
        "postal_code": postal_code,
        "city": city,
        "canton": canton,
        "phone": chance.choice(["", f"+41 {phone}", f"0{phone}"]),
    }


def _words(names: str) -> list[str]:
    return [name.replace("_", " ") for name in names.split()]


def _ahv_number(chance: random.Random, taken: set[str]) -> str:
    if chance.random() < 0.06:
        return ""
    while True:
        twelve = f"756{chance.randrange(10**9):09}"
        number = format_ahv(twelve + ahv_check_digit(twelve))
        if number not in taken:
            taken.add(number)
            return number if chance.random() < 0.8 else number.replace(".", "")


def _email(chance: random.Random, record: dict[str, str], taken: set[str]) -> str:
    if chance.random() < 0.14:
        return ""
    given, family = (fold(record[name]).replace(" ", "-") for name in ("given_name", "family_name"))
    while True:
        number = chance.choice(["", "", "", str(chance.randint(2, 99))])
        address = f"{given}.{family}{number}@{chance.choice(DOMAINS)}"
        if address not in taken:
            taken.add(address)
            return address


if __name__ == "__main__":
    write(Path(sys.argv[2]), generate(int(sys.argv[1])))
