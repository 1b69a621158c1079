"""Every page of the way in, by axe-core in each language, scheme and width; and by keyboard."""

from browsing import SMALLEST, end_session, path_of, send, sign_in
from wcag import seen, violations

PAGES = (
    "/",
    "/sign-up",
    "/sign-up/sent",
    "/lost-password",
    "/lost-password/sent",
    "/password-reset",
    "/password-reset/done",
    "/email-change/object/taken-back",
    "/privacy",
    "/help",
    "/accessibility",
    "/problems/token-dead",
    "/nowhere",
    "/demo",
)


def test_no_page_has_a_violation(portal):
    email = portal.new_address()
    found = {}
    with portal.visitor(**SMALLEST, reduced_motion="reduce", color_scheme="light") as page:
        for path in PAGES:
            page.goto(path)
            found[path] = violations(page)
        page.goto("/sign-up")
        send(page)
        found["errors"] = violations(page)
        page.fill("#email", "ada@gmial.com")
        page.fill("#given_name", "W" * 200)
        page.fill("#family_name", "<b>\"'\N{RIGHT-TO-LEFT OVERRIDE}\N{GRINNING FACE}</b>")
        page.check("#accept_privacy_policy")
        send(page)
        found["a question"] = violations(page)
        sign_in(page, email, portal.account(email, given_name="W" * 200))
        assert path_of(page) == "/welcome"
        found["/welcome"] = violations(page)
        page.set_viewport_size(SMALLEST["viewport"])
        page.click("details.account summary")
        found["menu"] = seen(page)
        end_session(page.context)
        page.goto("/my-data")
        found["interrupted"] = violations(page)
    assert {place: told for place, told in found.items() if told} == {}


def test_the_keyboard_alone_goes_the_way_in_and_sees_where_it_is(portal):
    email = portal.new_address()
    with portal.visitor(viewport={"width": 1000, "height": 420}) as page:
        page.goto("/")
        press(page, "[href='/sign-up']", "Enter")
        page.wait_for_url("**/sign-up")
        for field, typed in (("email", email), ("given_name", "Ada"), ("family_name", "Keller")):
            press(page, f"#{field}")
            page.keyboard.type(typed)
        press(page, "#accept_privacy_policy", "Space", "Enter")
        page.wait_for_url("**/sign-up/sent")
        password = portal.password(email)
        page.goto("/")
        press(page, "[href='#main']", "Enter")  # over the head
        press(page, "#email")
        page.keyboard.type(email)
        press(page, "#password")
        page.keyboard.type(password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/welcome*")
        for _ in range(25):
            page.keyboard.press("Tab")
            assert page.evaluate(HIDDEN) is None


def press(page, selector, *keys):
    """Tab until it has the focus, then the keys."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            break
    else:
        raise AssertionError(f"{selector} is not reached")
    for key in keys:
        page.keyboard.press(key)


# What has the focus and is covered by something else, the banner for instance.
HIDDEN = """() => {
  const focused = document.activeElement;
  if (focused === document.body) return null;
  const box = focused.getBoundingClientRect();
  const on_top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, innerHeight) / 2);
  const seen = on_top && (focused.contains(on_top) || on_top.contains(focused));
  return seen ? null : focused.outerHTML.slice(0, 200);
}"""
