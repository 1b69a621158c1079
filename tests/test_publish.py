"""Checkpoints leave the house once a day: to a file, a command, the auditors' mailboxes."""

import stat
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from api_client import House, running
from mailing import delivered, text_of
from services import new_database

from infrastructure.publish import Publish
from infrastructure.signed_notes import Checkpoint, Verifier, opened
from projections.tree import TreeDisagrees


@pytest.fixture
def house(postgres, template, tmp_path):
    with new_database(postgres, template) as database, running(database, tmp_path) as house:
        yield house


def publisher(house: House, **settings: object) -> Publish:
    publish = next(role for role in house.service.tick() if role.name == "publish")
    publish._settings = replace(house.service.settings, **settings)
    return publish


def happened(house: House) -> None:
    """Something has, and the tree has it."""
    house.holder()
    house.service.watermark.wait(("tree",), house.service.watermark.open(house.position()))


def verified(house: House, note: str) -> Checkpoint:
    key = Verifier.read(str(house.service.checkpoints.verifier))
    return Checkpoint.read(opened(note, [key])[0])


def test_the_days_checkpoint_is_written_to_a_file_that_anybody_may_read(house):
    happened(house)
    assert publisher(house).step()
    (file,) = (house.service.settings.home / "checkpoints").iterdir()
    signed = house.service.checkpoints.daily()
    assert file.name == f"{signed.day}.checkpoint"
    assert verified(house, file.read_text("utf-8")) == Checkpoint(
        "127.0.0.1:8000/log", signed.size, signed.root
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert house.service.checkpoints.to_leave() == []


def test_it_is_handed_to_a_command_and_again_where_that_fails(house, tmp_path):
    taken = tmp_path / "taken"
    happened(house)
    assert not publisher(house, checkpoint_command=f"sh -c 'cat >> {taken}; exit 1'").step()
    assert len(house.service.checkpoints.to_leave()) == 1
    assert publisher(house, checkpoint_command=f"sh -c 'cat > {taken}'").step()
    assert taken.read_text("utf-8") == house.service.checkpoints.daily().note
    assert house.service.checkpoints.to_leave() == []


def test_each_auditor_gets_it_by_mail_once(house):
    house.staff("auditor", "audit@canton.example")
    house.staff("secretariat", "clerk@school.example")
    house.staff("auditor", "former@canton.example", until=date(2020, 1, 1))
    happened(house)
    delivered(house)
    publish = publisher(house)
    assert publish.step()
    assert publish.step()
    mails = [mail for mail in delivered(house) if mail["X-Matricule-Kind"] == "checkpoint"]
    assert [mail["To"] for mail in mails] == ["audit@canton.example"]
    note = house.service.checkpoints.daily().note
    assert note.rstrip("\n") in text_of(mails[0]).replace("\r\n", "\n")


def test_whoever_is_no_auditor_any_more_gets_none(house):
    house.staff("auditor", "audit@canton.example")
    happened(house)
    delivered(house)
    publisher(house).step()
    house.service.accounts.revoke(
        "auditor", "audit@canton.example", actor=house.account_id("audit@canton.example")
    )
    assert [mail["X-Matricule-Kind"] for mail in delivered(house)] == []


def test_one_is_signed_after_so_many_events_or_seconds(house):
    happened(house)
    publisher(house).step()
    first = house.service.checkpoints.latest()
    happened(house)
    publisher(house).step()
    assert house.service.checkpoints.latest() == first
    publisher(house, checkpoint_events=1).step()
    second = house.service.checkpoints.latest()
    assert second.size > first.size
    happened(house)
    publisher(house, checkpoint_every=timedelta(0)).step()
    assert house.service.checkpoints.latest().size > second.size


def test_a_log_that_was_changed_is_not_signed_and_an_alarm_says_so(house):
    happened(house)
    publish = publisher(house, checkpoint_events=1)
    assert publish.step()
    with house.service.pool.connection() as owner:
        owner.execute(
            "UPDATE tree SET hashes = set_byte(hashes, 3, 255 - get_byte(hashes, 3)) WHERE level = 0"
        )
    happened(house)
    assert not publish.step()
    with pytest.raises(TreeDisagrees):
        house.service.checkpoints.sign_now()
    assert house.service.metrics.registry.get_sample_value("matricule_tree_disagrees") == 1


@pytest.mark.parametrize(
    "tamper",
    ["DELETE FROM tree", "UPDATE tree SET hashes = set_byte(hashes, 3, 255 - get_byte(hashes, 3))"],
    ids=["shorter", "changed"],
)
def test_whoever_deletes_what_was_signed_is_found_by_what_left_the_house(house, tamper):
    happened(house)
    publish = publisher(house)
    assert publish.step()
    with house.service.pool.connection() as owner:
        owner.execute("DELETE FROM checkpoints")
        owner.execute(tamper)
    assert not house.service.checkpoints.holds()
    assert not publish.step()
    assert house.service.metrics.registry.get_sample_value("matricule_tree_disagrees") == 1
    assert house.service.checkpoints.latest() is None
    (file,) = house.service.settings.checkpoint_dir.iterdir()
    file.rename(file.with_suffix(".kept"))  # a loss that was meant, and told
    assert publish.step()


def test_the_key_is_made_once_and_missed_where_something_was_signed_with_it(house, tmp_path):
    from infrastructure.bootstrap import signer
    from infrastructure.keys import KeyFault

    file: Path = house.service.settings.checkpoint_key_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    happened(house)
    publisher(house).step()
    assert (
        signer(house.service.settings, house.service.conninfo).verifier == house.service.checkpoints.verifier
    )
    file.unlink()
    with pytest.raises(KeyFault, match="bring back its copy"):
        signer(house.service.settings, house.service.conninfo)
    file.write_text("PRIVATE+KEY+x+00000000+AAAA\n")
    file.chmod(0o600)
    with pytest.raises(KeyFault, match="holds no signing key"):
        signer(house.service.settings, house.service.conninfo)
