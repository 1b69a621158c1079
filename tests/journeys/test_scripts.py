"""What scripts make better: errors as one leaves a field, a password that can be read, a form that is sent once."""

from browsing import DESKTOP, PHONE, heading, path_of, send


def test_an_error_is_told_as_one_leaves_the_field_and_goes_as_it_is_mended(portal):
    with portal.visitor(**PHONE) as page:
        page.goto("/sign-up")
        page.focus("#given_name")
        page.focus("#email")
        assert not page.is_visible("#given_name-fault")  # nothing was typed: nothing is wrong yet
        page.type("#email", "ada@")
        page.focus("#given_name")
        assert "n'est pas complète" in page.inner_text("#email-fault")
        assert page.get_attribute("#email", "aria-invalid") == "true"
        assert page.get_attribute("#email", "aria-describedby").split() == ["email-hint", "email-fault"]
        page.type("#email", "school.example")
        page.fill("#email", "ada@school.example")
        assert not page.is_visible("#email-fault")
        assert page.get_attribute("#email", "aria-describedby") == "email-hint"


def test_a_password_can_be_read_and_is_sent_as_one(portal):
    with portal.visitor(**DESKTOP) as page:
        page.goto("/")
        page.fill("#password", "sept ponts")
        page.click("text=Afficher")
        assert page.get_attribute("#password", "type") == "text"
        page.click("text=Masquer")
        assert page.get_attribute("#password", "type") == "password"


def test_a_form_is_sent_once_however_often_one_clicks(portal):
    email = portal.new_address()
    with portal.visitor(**DESKTOP) as page:
        sent = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        page.goto("/lost-password")
        page.fill("#email", email)
        page.eval_on_selector(
            "form[data-form] .button", "button => { button.click(); button.click(); button.click(); }"
        )
        page.wait_for_url("**/lost-password/sent")
        assert len(sent) == 1
        page.go_back()
        page.fill("#email", email)
        send(page)  # and again by whoever comes back
        assert path_of(page) == "/lost-password/sent"


def test_what_is_wrong_has_the_focus_and_leads_to_the_field(portal):
    for scripts in (True, False):
        with portal.visitor(**DESKTOP, java_script_enabled=scripts) as page:
            page.goto("/sign-up")
            send(page)
            assert page.title().startswith("Erreur")
            if scripts:
                assert page.evaluate("document.activeElement.matches('[data-summary]')")
            page.click("[data-summary] a >> nth=0")
            assert page.url.endswith("#email")


def test_back_and_reload_after_a_form_ask_for_nothing_and_lose_nothing(portal):
    with portal.visitor(**PHONE) as page:
        page.goto("/sign-up")
        page.fill("#email", "ada@")
        page.fill("#given_name", "Zoë \N{GRINNING FACE} <b>")
        send(page)
        page.reload()
        assert page.input_value("#given_name") == "Zoë \N{GRINNING FACE} <b>"
        page.fill("#email", portal.new_address())
        page.fill("#family_name", 'O\'Neill "X"')
        page.check("#accept_privacy_policy")
        send(page)
        assert heading(page) == "Consultez votre boîte e-mail"
        page.reload()
        assert heading(page) == "Consultez votre boîte e-mail"
        page.go_back()
        assert path_of(page) == "/sign-up"
        page.go_forward()
        assert heading(page) == "Consultez votre boîte e-mail"


def test_the_account_menu_closes_by_escape_and_by_a_click_elsewhere(portal):
    email = portal.new_address()
    password = portal.account(email)
    with portal.visitor(**DESKTOP) as page:
        page.goto("/")
        page.fill("#email", email)
        page.fill("#password", password)
        send(page)
        page.click("details.account summary")
        assert page.is_visible("text=Se déconnecter")
        page.keyboard.press("Escape")
        assert not page.is_visible("text=Se déconnecter")
        page.click("details.account summary")
        page.click("h1")
        assert not page.is_visible("text=Se déconnecter")
