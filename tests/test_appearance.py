"""How the pages look at an institution: what people can read is taken, what they cannot is refused at the start."""

import re
from pathlib import Path

import pytest
from api_client import PUBLIC_URL, running
from mailing import delivered

import infrastructure
from infrastructure.appearance import LEAST_CONTRAST, LOGO_BYTES, ON, contrast
from infrastructure.institution import load_institution
from infrastructure.settings import SettingsError

LETTER = Path(infrastructure.__file__).with_name("templates") / "message.html"
PROJECT = Path(__file__).parents[1]
OURS = (PROJECT / "infrastructure" / "institution.toml").read_text("utf-8")
STATIC = PROJECT / "api" / "web" / "static"
STYLE = (STATIC / "pages.css").read_text("utf-8")


def loaded(folder, old="", new="", logo=None):
    assert old in OURS
    file = folder / "institution.toml"
    file.write_text(OURS.replace(old, new, 1) if old else OURS, "utf-8")
    if logo is not None:
        (folder / "logo.svg").write_bytes(logo)
    return load_institution(file).appearance


def test_ours_has_the_name_of_the_guide():
    assert load_institution(None).appearance.portal["fr"] == "ma HEP-BEJUNE"


def test_contrast_is_counted_as_the_guidelines_do():
    assert contrast("#000000", "#ffffff") == contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


def test_no_style_depends_on_the_language():
    """So contrasts are looked at in one (tests/wcag.py)."""
    styles = [file.read_text("utf-8") for file in STATIC.glob("*.css")]
    assert STYLE in styles
    assert not re.search(r":lang\(|\[(lang|hreflang|data-(lang|locale))\b", "".join(styles))


def test_an_institution_brings_its_own_colours_and_logo(tmp_path):
    look = loaded(tmp_path, '# logo = "logo.svg"', 'logo = "logo.svg"', logo=b"<svg/>")
    assert look.logo == b"<svg/>"
    assert loaded(tmp_path, '"#14508c"', '"#7A0019"').light == "#7a0019"


def test_without_lines_of_its_own_it_is_called_by_its_name(tmp_path):
    written = re.sub(r"(?m)^(portal|colours|logo).*\n", "", OURS)
    (tmp_path / "i.toml").write_text(written, "utf-8")
    look = load_institution(tmp_path / "i.toml").appearance
    assert set(look.portal.values()) == {"HEP-BEJUNE"}
    assert look.logo


def test_it_may_do_without_a_logo(tmp_path):
    assert loaded(tmp_path, '# logo = "logo.svg"', 'logo = ""').logo is None


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"#14508c"', '"#9cc4f0"', "colours.light: #9cc4f0 stands out by 1.8 to 1"),
        ('"#9cc4f0"', '"#14508c"', "colours.dark: #14508c stands out by"),
        ('"#14508c"', '"blue"', "colours.light: write it like"),
        ("colours.light", "colours.lihgt", "colours: write light and dark"),
        ('portal.de = "meine HEP-BEJUNE"\n', "", "portal: write it in each language"),
        ('"meine HEP-BEJUNE"', '"meine\\u0007"', "portal.de: write a text"),
        ('# logo = "logo.svg"', 'logo = "logo.png"', "logo: name an SVG"),
        ('# logo = "logo.svg"', 'logo = "none.svg"', "No such file"),
    ],
)
def test_what_people_could_not_read_is_refused_by_key(tmp_path, old, new, why):
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, old, new)
    assert why in str(refused.value)


def test_a_logo_that_everybody_would_wait_for_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="make it smaller"):
        loaded(tmp_path, '# logo = "logo.svg"', 'logo = "logo.svg"', logo=b" " * (LOGO_BYTES + 1))


def test_pages_and_mails_have_the_institutions_colours(database_url, tmp_path):
    file = tmp_path / "institution.toml"
    file.write_text(OURS.replace("#14508c", "#7a0019").replace("#9cc4f0", "#ffb3c1"), "utf-8")
    with running(database_url, tmp_path / "home", INSTITUTION_FILE=str(file)) as house:
        client = house.app.test_client()
        page = client.get("/", base_url=PUBLIC_URL).get_data(as_text=True)
        style = client.get(re.search(r"/assets/pages-[^\"]+", page)[0], base_url=PUBLIC_URL)
        assert house.client().post("/password-resets", {"email": house.holder().email}).status_code == 202
        (*_, mail) = delivered(house)
    for shown in (style.get_data(as_text=True), mail.get_body(("html",)).get_content()):
        assert "#7a0019" in shown
        assert "#ffb3c1" in shown
        assert "#14508c" not in shown


# --- the style sheet's own colours


def schemes():
    """The tokens of each scheme, as the style sheet writes them."""
    light = dict(re.findall(r"--([\w-]+): (#\w{3,6})[;\s]", STYLE.split("@media")[0]))
    dark = dict(re.findall(r"--([\w-]+): (#\w{3,6})[;\s]", STYLE.split("@media")[1]))
    return {"light": light, "dark": light | dark}


def whole(colour):
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


def test_colours_are_judged_on_the_backgrounds_that_pages_and_mails_have():
    for scheme, tokens in schemes().items():
        assert {whole(tokens["paper"]), whole(tokens["card"])} == set(ON[scheme])
    _, dark, light = re.split(r"prefers-color-scheme|</style>", LETTER.read_text("utf-8"))
    assert re.search(r"\.card { background: (#\w+)", dark)[1] in ON["dark"]
    assert re.search(r'class="card".*?background:(#\w+)', light)[1] in ON["light"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [(text, ground) for text in ("ink", "quiet") for ground in ("paper", "card", "sunk")]
    + [
        ("wrong", "wrong-soft"),
        ("good", "good-soft"),
        ("warn", "warn-soft"),
        ("ink", "warn-soft"),
        ("wrong", "card"),
    ]
    + [("on-alarm", "alarm")],
)
def test_every_text_stands_out_on_its_ground(scheme, text, ground):
    tokens = schemes()[scheme]
    assert contrast(whole(tokens[text]), whole(tokens[ground])) >= LEAST_CONTRAST
