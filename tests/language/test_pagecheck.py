"""The page check finds what the gates of one segment cannot see."""

from kb.language.pagecheck import check_page, difference, skeleton
from kb.language.segments import join, scan
from tests.language.rendering import render


def check(source: str, *translations: str | None) -> tuple[list[str | None], list[int]]:
    checked = check_page(scan(source), translations, render=render)
    assert checked.text == join(scan(source), checked.translations)
    return list(checked.translations), [broken.segment for broken in checked.broken]


def test_a_whole_page_passes_as_it_is() -> None:
    assert check("# One\n\nTwo *three*\n", "Um", "Dois *três*") == (["Um", "Dois *três*"], [])


def test_the_one_segment_that_breaks_the_page_is_set_back() -> None:
    words = [f"Words {number} with *emphasis*." for number in range(40)]
    good = [f"Palavras {number} com *ênfase*." for number in range(40)]
    broken = [*good[:17], "Palavras sem nada.", *good[18:]]
    kept, found = check("\n\n".join(words) + "\n", *broken)
    assert found == [17]
    assert kept == [*good[:17], None, *good[18:]]


def test_several_bad_segments_are_all_found() -> None:
    kept, found = check("One\n\nTwo\n\nThree\n", "*Um*", "Dois", "`três`")
    assert (kept, found) == ([None, "Dois", None], [0, 2])


def test_the_reason_shows_the_first_difference() -> None:
    checked = check_page(scan("Some *words*\n"), ["Some words"], render=render)
    assert checked.broken[0].reason == "the source has <em>, the translation </p>"


def test_words_may_differ_but_addresses_classes_and_code_may_not() -> None:
    def differs(source: str, translation: str) -> bool:
        return difference(skeleton(source), skeleton(translation)) != ""

    assert not differs('<img alt="a" title="b" src="x">', '<img alt="c" title="d" src="x">')
    assert not differs("<p>a <b>b</b> c</p>", "<p><b>x</b></p>")
    assert differs('<a href="x">a</a>', '<a href="y">a</a>')
    assert differs('<p class="x">a</p>', "<p>a</p>")
    assert differs("<code>a</code>", "<code>b</code>")
    assert differs("<pre>a\n b</pre>", "<pre>a b</pre>")
    assert not differs("<code>a\n b</code>", "<code>a b</code>")
    assert differs('<span class="arithmatex">a</span>', '<span class="arithmatex">b</span>')


def test_the_ids_of_the_rendered_source_are_used() -> None:
    # Only the site knows whether a code is an emoji, and so what its heading is called.
    checked = check_page(scan("# :no-such-emoji: Words\n"), [":no-such-emoji: Palavras"], render=render)
    assert checked.text == "# :no-such-emoji: Palavras { #no-such-emoji-words }\n"
    assert checked.broken == ()


def test_a_rendered_source_can_be_reused() -> None:
    calls = []

    def counted(body: str) -> str:
        calls.append(body)
        return render(body)

    source = skeleton(render("Words\n"))
    check_page(scan("Words\n"), ["Palavras"], render=counted, source=source)
    assert calls == ["Palavras\n"]


def test_an_untranslated_page_is_the_source() -> None:
    assert check_page(scan("# One\n"), [None], render=render).text == "# One\n"
