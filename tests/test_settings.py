"""The environment: what is refused and how, what follows from what, and that .env.example tells all of it."""

import stat
from collections.abc import Mapping
from datetime import date, timedelta
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from traceback import format_exception

import pytest

from infrastructure.institution import load_institution
from infrastructure.remembered import FILES, recall, remember
from infrastructure.settings import Settings, SettingsError

PROJECT = Path(__file__).parents[1]
EXAMPLE = (PROJECT / ".env.example").read_text("utf-8").splitlines()


class Watched(Mapping):
    """An environment that remembers what it was asked for."""

    def __init__(self, values=()):
        self.values, self.asked = dict(values), set()

    def __getitem__(self, name):
        self.asked.add(name)
        return self.values[name]

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)


def settings(**environ):
    return Settings.from_environment(environ)


def written_in_the_example():
    return dict(line.split("=", 1) for line in EXAMPLE if line and not line.startswith("#"))


def test_the_example_lists_exactly_the_variables_that_are_read():
    environ = Watched()
    Settings.from_environment(environ)
    assert set(written_in_the_example()) == environ.asked


def test_the_example_explains_each_variable_in_the_line_above():
    for above, line in pairwise(EXAMPLE):
        assert line.startswith("#") or not line or above.startswith("# "), f"{line} is not explained"


def test_the_values_in_the_example_are_the_defaults():
    assert Settings.from_environment(written_in_the_example() | {"MAIL_FROM": ""}) == settings()


def test_the_name_of_the_service_is_the_only_host_it_answers_to_outside_the_demonstration():
    assert settings(PUBLIC_URL="https://account.school.example").allowed_hosts == {"account.school.example"}


def test_the_demonstration_answers_to_this_machine_by_name_and_number():
    demonstration = settings(MATRICULE_DEMO="1", MATRICULE_PORT="9000")
    assert demonstration.public_url == "http://127.0.0.1:9000"
    assert demonstration.allowed_hosts == {"127.0.0.1", "localhost"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "account.school.example"])
def test_the_demonstration_is_bound_to_this_machine_only(host):
    with pytest.raises(SettingsError, match="MATRICULE_HOST"):
        settings(MATRICULE_DEMO="1", MATRICULE_HOST=host)
    assert settings(MATRICULE_DEMO="0", MATRICULE_HOST=host).host == host


def test_a_service_that_is_no_demonstration_wants_to_know_where_it_is_and_how_mail_leaves():
    complete = {
        "PUBLIC_URL": "https://account.school.example",
        "SMTP_URL": "smtp://mail.school.example",
        "MAIL_FROM": "no-reply@school.example",
    }
    settings(**complete).check_serving()
    for missing in complete:
        with pytest.raises(SettingsError, match=missing):
            settings(**complete | {missing: " "}).check_serving()


def test_the_demonstration_wants_nothing():
    settings(MATRICULE_DEMO="1").check_serving()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MATRICULE_DEMO", "yes"),
        ("MATRICULE_HOST", "127.0.0.1:8000"),
        ("MATRICULE_PORT", "0"),
        ("MATRICULE_PORT", "65536"),
        ("MATRICULE_PORT", "eight"),
        ("MATRICULE_OPS_PORT", "8000"),
        ("MATRICULE_LOG_LEVEL", "LOUD"),
        ("PUBLIC_URL", "account.school.example"),
        ("PUBLIC_URL", "https://account.school.example/path"),
        ("PUBLIC_URL", "https://user@account.school.example"),
        ("PUBLIC_URL", "ftp://account.school.example"),
        ("ALLOWED_HOSTS", "account.school.example:443"),
        ("ALLOWED_HOSTS", "*"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("CORS_ORIGINS", "*"),
        ("DATABASE_URL", "postgresql://user:secret@host:5432/database?sort=of"),
        ("DATABASE_URL", "secret"),
        ("BROKER_URL", "redis://:secret@host"),
        ("BROKER_URL", "amqp://user:secret@host;secret"),
        ("SMTP_URL", "https://user:secret@host"),
        ("SMTP_URL", "smtp://user:secret@host:port"),
        ("MAIL_FROM", "School"),
        ("MAIL_FROM", "no-reply@school.example\nBcc: eve@school.example"),
        ("INSTITUTION_FILE", "/nonexistent/institution.toml"),
        ("INITIAL_PASSWORD_HOURS", "0"),
        ("SESSION_HOURS", "-1"),
        ("SESSION_HOURS", "nan"),
        ("SESSION_IDLE_MINUTES", "inf"),
        ("MAILS_AN_HOUR", "1.5"),
        ("OUTBOX_LEASE_SECONDS", "20"),
        ("OUTBOX_ATTEMPTS", "0"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_variable(variable, value):
    environ = {variable: value}
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environ)
    words = str(refused.value)
    assert words.startswith(f"{variable}: ")
    assert "secret" not in words
    assert "secret" not in "".join(format_exception(refused.value))


def test_values_become_what_the_code_works_with(tmp_path):
    given = settings(
        MATRICULE_HOME=str(tmp_path),
        PUBLIC_URL="https://Account.School.example/",
        ALLOWED_HOSTS="account.school.example, 10.0.0.7",
        TRUSTED_PROXIES="10.0.0.1, 2001:db8::/32",
        CORS_ORIGINS="https://portal.school.example",
        INITIAL_PASSWORD_HOURS="1.5",
    )
    assert given.public_url == "https://account.school.example"
    assert given.allowed_hosts == {"account.school.example", "10.0.0.7"}
    assert given.trusted_proxies == (ip_network("10.0.0.1"), ip_network("2001:db8::/32"))
    assert given.cors_origins == {"https://portal.school.example"}
    assert given.initial_password_lifetime == timedelta(minutes=90)
    assert given.master_key_file == tmp_path / "master.key"


def test_folders_are_absolute_whatever_is_written():
    assert settings(MATRICULE_HOME="./var").home.is_absolute()


def test_no_secret_is_shown_with_the_settings():
    shown = settings(
        DATABASE_URL="postgresql://user:secret@host/database",
        BROKER_URL="amqp://user:secret@host/vhost",
        SMTP_URL="smtps://user:secret@host",
    )
    assert shown.smtp_url == "smtps://user:secret@host"
    assert "secret" not in f"{shown} {shown!r}"


def test_without_a_file_the_institution_is_the_one_of_the_guide():
    institution = load_institution(None)
    assert institution.name == "HEP-BEJUNE"
    assert institution.canton == "BE"
    assert [service.action["fr"] for service in institution.services] == [
        "Valider mon compte",
        "Voir les formations disponibles",
    ]


OURS = (PROJECT / "infrastructure" / "institution.toml").read_text("utf-8")


def test_another_institution_keeps_its_own_days(tmp_path):
    file = tmp_path / "institution.toml"
    file.write_text(
        OURS.replace("closing_days = []", "closing_days = [2026-12-24]").replace('"BE"', '"JU"'), "utf-8"
    )
    days = load_institution(file).working_days
    assert not days.is_working_day(date(2026, 12, 24))  # closed
    assert not days.is_working_day(date(2026, 6, 23))  # a holiday in JU, not in BE
    assert days.is_working_day(date(2026, 12, 23))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('name = "HEP-BEJUNE"\n', "", "name: is missing"),
        ('name = "HEP-BEJUNE"\n', 'name = ""\n', "name: write"),
        ('name = "HEP-BEJUNE"\n', 'name = "HEP\\nBEJUNE"\n', "name: write"),
        ('name = "HEP-BEJUNE"\n', "name = 1\n", "name: write"),
        ("closing_days = []", "closing_days = [2026-12-24T00:00:00]", "closing_days: write"),
        ("closing_days = []", "closing_days = []\ncolour = 1", "colour: is unknown"),
        ('canton = "BE"', 'canton = "ZH"', "ZH"),
        ('label.en = "Courses', 'label.it = "Courses', "services.label: write"),
        ('label.en = "Courses', 'label.en = "\\u0007', "services.label.en: write"),
        ("needs_link = true", 'needs_link = "yes"', "services.needs_link: write"),
        ('icon = "courses"\n', "", "services.icon: is missing"),
        ("canton = ", "canton ", "line"),
    ],
)
def test_an_institution_file_that_cannot_be_used_is_refused_by_key_and_file(tmp_path, old, new, why):
    assert old in OURS
    file = tmp_path / "institution.toml"
    file.write_text(OURS.replace(old, new, 1), "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_institution(file)
    assert str(refused.value).startswith(f"INSTITUTION_FILE: {file}: ")
    assert why in str(refused.value)


def test_commands_that_know_the_home_alone_find_data_where_the_service_has_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home, files = tmp_path / "home", {name: f"elsewhere/{name.lower()}" for name in FILES}
    home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    for file in files.values():
        (tmp_path / file).touch()
    environ = {
        **files,
        "MATRICULE_HOME": str(home),
        "DATABASE_URL": "postgresql://user:secret@host/database",
        "LOG_NAME": "account.school.example/log",
        "MATRICULE_PORT": "9000",
    }
    remember(home, environ)
    (note,) = home.iterdir()
    assert stat.S_IMODE(note.stat().st_mode) == 0o600

    started = Settings.from_environment(environ)
    monkeypatch.chdir("/")
    assert Settings.from_environment(recall({"MATRICULE_HOME": str(home)})) == started
    files_there_are = {name for name, value in vars(started).items() if isinstance(value, Path)} - {"home"}
    assert {name.lower() for name in FILES} == files_there_are
    assert Settings.from_environment(recall({"MATRICULE_HOME": str(home), "LOG_NAME": "b"})).log_name == "b"
