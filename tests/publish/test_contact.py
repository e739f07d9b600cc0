"""Where the contact page's form goes, and what the policy allows for it."""

import pytest

from kb.publish.contact import Destination

FORM = ("/api/v1/form_config", "/api/v1/form_submit", "/api/v1/form_captcha_challenge")


@pytest.mark.parametrize(
    ("to", "action", "connect", "form_action"),
    [
        (Destination("desk", "/api"), "/api/contact", (), ()),
        (Destination("desk", "https://desk.example/api"), "https://desk.example/api/contact",
         ("https://desk.example/api/",), ("https://desk.example/api/",)),
        (Destination("mail", "", "help@shop.example"), "mailto:help@shop.example", (), ("mailto:",)),
        (Destination("webhook", "https://hooks.example/contact?a=1"), "https://hooks.example/contact?a=1",
         ("https://hooks.example/contact",), ("https://hooks.example/contact",)),
        (Destination("zendesk", "https://shop.zendesk.com", "a@b.example"), "mailto:a@b.example",
         ("https://shop.zendesk.com/api/v2/requests.json",), ("mailto:",)),
        (Destination("zammad", "https://zammad.example", "a@b.example"), "mailto:a@b.example",
         tuple("https://zammad.example" + path for path in FORM), ("mailto:",)),
    ],
    ids=lambda value: value.kind if isinstance(value, Destination) else "",
)  # fmt: skip
def test_the_policy_names_the_destination_and_nothing_else(
    to: Destination, action: str, connect: tuple[str, ...], form_action: tuple[str, ...]
) -> None:
    assert (to.action, to.connect, to.form_action) == (action, connect, form_action)


def test_without_scripts_a_mail_is_made_by_its_address_and_all_else_is_posted() -> None:
    assert Destination("zammad", "https://zammad.example", "a@b.example").method == "get"
    assert Destination("webhook", "https://hooks.example").method == "post"


def test_an_address_with_letters_of_its_own_stays_one_address() -> None:
    assert Destination("mail", "", "допомога@shop.example").action.startswith("mailto:%D0%B4")
