"""What a mail looks like, and how it is put into a folder."""

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st
from letters import ADA, LETTER, NOON, ROW, a_letter, a_mail, read_back, sending

from infrastructure.mail import FileMailer, MailRefused, MailUnavailable

# A line break in all its forms, and what else cannot stand in a header.
BREAKS = ["\r\n", "\n", "\r", "\x00", "\x0b", "\x85", "\u2028"]


def test_the_headers_say_what_the_mail_is():
    mail = read_back(bytes(a_mail()))
    assert str(mail["From"]) == "Haute école pédagogique <no-reply@hep.example>"
    assert mail["To"] == ADA
    assert mail["Subject"] == "Votre mot de passe initial – Haute école pédagogique"
    assert mail["Date"].datetime == NOON
    assert mail["X-Matricule-Message"] == str(ROW)
    assert mail["X-Matricule-Kind"] == "initial-password"
    assert mail["Content-Language"] == "fr"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail.get_content_type() == "multipart/alternative"


def test_each_attempt_has_a_message_id_of_its_own():
    first, second = a_mail(), a_mail()
    assert re.fullmatch(r"<[^@\s]+@hep\.example>", first["Message-ID"])
    assert first["Message-ID"] != second["Message-ID"]
    assert first["X-Matricule-Message"] == second["X-Matricule-Message"]


def test_text_comes_before_html_and_both_arrive_as_written():
    text, html = read_back(bytes(a_mail())).iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().replace("\r\n", "\n") == LETTER.html


def test_every_server_can_pass_the_mail_on():
    lines = bytes(a_mail()).split(b"\r\n")
    assert [
        line for line in lines if len(line) > 78 or not line.isascii() or b"\n" in line or b"\r" in line
    ] == []


def test_the_name_in_the_setting_goes_before_the_institutions():
    assert str(a_mail(mail_from="Secrétariat <info@hep.example>")["From"]) == "Secrétariat <info@hep.example>"


@given(sender=st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=120))
def test_any_name_reaches_the_reader(sender):
    mail = message_from_bytes(bytes(a_mail(a_letter(sender=sender, subject=sender))))
    assert str(make_header(decode_header(mail["Subject"]))) == sender
    assert read_back(bytes(mail))["From"].addresses[0].addr_spec == "no-reply@hep.example"


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("where", ["sender", "subject"])
def test_no_value_adds_a_header(where, broken):
    with pytest.raises(ValueError, match="header"):
        a_mail(a_letter(**{where: f"HEP{broken}Bcc: eve@evil.example"}))


@pytest.mark.parametrize("broken", BREAKS)
def test_no_setting_adds_a_header(broken):
    with pytest.raises(ValueError, match="header"):
        a_mail(mail_from=f"HEP{broken}Bcc: eve@evil.example <no-reply@hep.example>")
    with pytest.raises(ValueError, match="header"):
        a_mail(locale=f"fr{broken}Bcc: eve@evil.example")
    with pytest.raises(ValueError, match="kind"):
        a_mail(kind=f"initial-password{broken}Bcc")


UNUSABLE = [
    "",
    "ada",
    "ada@",
    "@school.example",
    "ada@school.example, eve@evil.example",
    "ada@school.example>, <eve@evil.example",
    "Ada <ada@school.example>",
    "ada lovelace@school.example",
    "adà@school.example",
    *(f"ada@school.example{broken}Bcc: eve@evil.example" for broken in BREAKS),
    *(f"ada{broken}@school.example" for broken in BREAKS),
]


@pytest.mark.parametrize("address", UNUSABLE)
def test_an_address_that_no_mail_reaches_is_refused_for_good_and_not_repeated(address):
    with pytest.raises(MailRefused) as refusal:
        a_mail(to=address)
    assert refusal.value.permanent
    assert str(refusal.value) == refusal.value.code == "address-unusable"
    assert refusal.value.__suppress_context__


@given(local=st.text(min_size=1, max_size=64), domain=st.text(min_size=1, max_size=64))
def test_a_mail_has_one_recipient_whatever_the_address(local, domain):
    try:
        mail = a_mail(to=f"{local}@{domain}")
    except MailRefused:
        return
    assert len(read_back(bytes(mail))["To"].addresses) == 1


def test_a_domain_with_umlauts_is_written_as_servers_know_it():
    assert read_back(bytes(a_mail(to="ada@schüle.example")))["To"] == "ada@xn--schle-mva.example"


def test_each_mail_is_a_file_for_its_owner_only(tmp_path):
    folder = tmp_path / "var" / "outbox"
    sending(FileMailer(folder))
    [file] = folder.iterdir()
    assert re.fullmatch(rf"\d{{8}}T\d{{6}}\.\d{{6}}Z-initial-password-{ROW}\.eml", file.name)
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    mail = read_back(file.read_bytes())
    assert mail["To"] == ADA
    assert mail.get_body(("plain",)).get_content() == LETTER.text


def test_two_attempts_are_two_files_in_their_order(tmp_path):
    for subject in ("first", "second"):
        sending(FileMailer(tmp_path), a_mail(a_letter(subject=subject)))
    assert [read_back(file.read_bytes())["Subject"] for file in sorted(tmp_path.iterdir())] == [
        "first",
        "second",
    ]


def test_a_folder_that_cannot_be_is_found_out_before_anything_is_made(tmp_path):
    (tmp_path / "outbox").write_text("a file stands in the way")
    with pytest.raises(MailUnavailable), FileMailer(tmp_path / "outbox").connect():
        pytest.fail("there is no folder")


def test_a_folder_that_goes_away_is_trouble_like_any_other(tmp_path):
    folder = tmp_path / "outbox"
    with FileMailer(folder).connect() as connection:
        folder.rmdir()
        with pytest.raises(MailUnavailable):
            connection.send(a_mail())


def test_a_mail_that_does_not_fit_leaves_no_half_of_it(tmp_path):
    with files_up_to(1000), pytest.raises(MailUnavailable):
        sending(FileMailer(tmp_path))
    assert list(tmp_path.iterdir()) == []


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """As if the disk were full: no file of this process grows beyond `size` bytes."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
