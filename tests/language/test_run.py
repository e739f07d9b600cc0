"""A translation run: only what changed, nothing lost, nothing broken."""

import threading
from collections.abc import Sequence
from pathlib import Path

import markdown
import pytest

from kb.errors import EngineError
from kb.language import memory, run
from kb.language.engine import Model, find_route
from kb.language.markup import TokenStyle
from kb.language.memory import State
from kb.language.pagecheck import check_page
from kb.language.segments import join, scan
from tests.language.translating import RETURNS, Answering, Echo, catalog_of, entry, po, translate, write


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write(tmp_path, en__returns__how=RETURNS)
    return tmp_path


def files(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in sorted(root.rglob("*.po"))}


def approve(root: Path, beginning: str, text: str) -> None:
    old = po(root)
    entries = tuple(e.approved(text) if e.source.startswith(beginning) else e for e in old.entries)
    memory.save(
        root / old.path, memory.dump(memory.Memory(old.path, "pt", old.id, old.source, entries, old.head))
    )


# --- only what changed ---


def test_a_second_run_calls_no_engine_and_changes_no_byte(shop: Path) -> None:
    assert translate(shop, Echo()).files == ["articles/pt/returns/how.po"]
    before, engine = files(shop), Echo()
    report = translate(shop, engine)
    assert (report.files, engine.calls, files(shop)) == ([], 0, before)


def test_what_an_engine_could_not_do_is_not_asked_again(shop: Path) -> None:
    loses = Answering(lambda text: "" if "bank" in text else Echo().answer(text))
    report = translate(shop, loses)
    assert {p.code for p in report.problems} == {"translation-refused"}
    refused = entry(shop, "The bank")
    assert refused.text == ""
    assert refused.refused.startswith("echo/en-pt-1: ")
    assert "nothing" in refused.refused
    before, engine = files(shop), Answering(Echo().answer)
    translate(shop, engine)
    assert (engine.calls, files(shop)) == (0, before)
    translate(shop, engine, options=run.Options(retry=True))
    assert entry(shop, "The bank").state is State.MACHINE


def test_one_changed_sentence_changes_two_entries_at_most(shop: Path) -> None:
    translate(shop, Echo())
    before = {memory.render(e) for e in po(shop).entries}
    write(shop, en__returns__how=RETURNS.replace("7 days", "9 days"))
    engine = Echo()
    translate(shop, engine)
    after = {memory.render(e) for e in po(shop).entries}
    assert engine.texts == ["The bank pays within 9 days."]
    assert len(after ^ before) <= 3, "the new entry, and the old one with and without its mark"
    assert translate(shop, Echo()).files == []


def test_a_new_heading_does_not_touch_the_entries_below_it(shop: Path) -> None:
    translate(shop, Echo())
    before = {e.source: memory.render(e) for e in po(shop).entries}
    write(shop, en__returns__how=RETURNS.replace("## Refunds", "## Your money"))
    translate(shop, Echo())
    after = {e.source: memory.render(e) for e in po(shop).entries if not e.unused}
    assert {s for s in after if after[s] != before.get(s)} == {"Your money"}


def test_a_new_model_never_rewrites_silently(shop: Path) -> None:
    translate(shop, Echo())
    before, engine = files(shop), Echo(version="2")
    translate(shop, engine)
    assert (engine.calls, files(shop)) == (0, before)


def test_renew_replaces_machine_text_only(shop: Path) -> None:
    translate(shop, Echo())
    approve(shop, "Pack", "Embale bem.")
    translate(shop, Echo(version="2"), options=run.Options(renew=True))
    assert (entry(shop, "The bank").engine, entry(shop, "Pack").text) == ("echo/en-pt-2", "Embale bem.")


def test_the_same_sentence_in_two_articles_is_translated_once(shop: Path) -> None:
    write(shop, en__payment__ways=RETURNS)
    engine = Echo()
    translate(shop, engine)
    assert len(engine.texts) == len(set(engine.texts))
    assert len(files(shop)) == 2


def test_an_approved_sentence_serves_a_new_article_without_an_engine(shop: Path) -> None:
    translate(shop, Echo())
    approve(shop, "Pack", "Embale bem.")
    write(shop, en__payment__ways=RETURNS)
    engine = Echo()
    translate(shop, engine)
    reused = entry(shop, "Pack", "payment/ways")
    assert (engine.calls, reused.text, reused.engine, reused.state) == (
        0,
        "Embale bem.",
        "memory",
        State.MACHINE,
    )


# --- people's text ---


def test_a_persons_text_is_kept_marked_stale_and_gets_a_suggestion(shop: Path) -> None:
    translate(shop, Echo())
    approve(shop, "The bank", "O banco paga em 7 dias.")
    write(shop, en__returns__how=RETURNS.replace("The bank pays within 7", "The bank pays you within 9"))
    translate(shop, Echo())
    found = entry(shop, "The bank pays you")
    assert (found.state, found.text, found.previous) == (
        State.STALE,
        "O banco paga em 7 dias.",
        "The bank pays within 7 days.",
    )
    assert found.suggestion == "HeTa ankba ayspa ouya ithinwa 9 aysda."
    assert found.suggestion_engine == "echo/en-pt-1"
    assert translate(shop, Echo()).files == []


def test_stale_text_is_marked_even_where_no_engine_is_installed(shop: Path) -> None:
    translate(shop, Echo())
    approve(shop, "The bank", "O banco paga em 7 dias.")
    write(shop, en__returns__how=RETURNS.replace("7 days", "9 days"))
    report = translate(shop, Echo(("en", "xx")))
    assert entry(shop, "The bank pays within 9").state is State.STALE
    assert [(p.code, p.severity) for p in report.problems] == [("no-engine", "warning")]
    translate(shop, Echo())
    assert entry(shop, "The bank pays within 9").suggestion


def test_a_change_saved_while_the_run_was_on_is_kept(shop: Path) -> None:
    translate(shop, Echo())
    write(shop, en__returns__how=RETURNS.replace("## Refunds", "New words here.\n\n## Refunds"))

    def edit(text: str) -> str:
        approve(shop, "Pack", "Embale bem.")
        return Echo().answer(text)

    translate(shop, Answering(edit))
    assert entry(shop, "Pack").text == "Embale bem."
    assert entry(shop, "New words").state is State.MACHINE


# --- interruption and failure ---


class Dying(Echo):
    """Fails at its second call."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
        if self.calls:
            raise self.error
        return super().translate(texts, source, target)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EngineError("the engine 'echo' died")])
def test_what_was_done_before_an_interruption_is_kept(tmp_path: Path, error: BaseException) -> None:
    for number in range(30):
        word = "abcdefghijklmnopqrstuvwxyzäöüß"[number]
        text = RETURNS.replace("goods", f"{word}goods").replace("everything", f"{word}thing")
        write(tmp_path, **{f"en__returns__how{number:02}": text})
    with pytest.raises(type(error)):
        translate(tmp_path, Dying(error))
    kept = files(tmp_path)
    assert 0 < len(kept) < 30
    engine = Echo()
    translate(tmp_path, engine)
    assert len(files(tmp_path)) == 30
    assert {name: files(tmp_path)[name] for name in kept} == kept, "what was done is not done again"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (lambda texts: texts[:-1], "answered 6 of 7"),
        (lambda texts: ["" for _ in texts], "answers nothing at all"),
    ],
)
def test_an_engine_that_answers_nonsense_is_named(tmp_path: Path, answers: object, reason: str) -> None:
    class Nonsense(Echo):
        def translate(self, texts: Sequence[str], source: str, target: str) -> list[str]:
            return answers(texts)  # type: ignore[operator, no-any-return]

    text = RETURNS if "of 7" in reason else RETURNS + "\n\n".join(f"Sentence {n} here." for n in range(9))
    write(tmp_path, en__returns__how=text)
    with pytest.raises(EngineError, match=r"echo/en-pt-1") as caught:
        translate(tmp_path, Nonsense())
    assert "answer" in str(caught.value)
    assert files(tmp_path) == {}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda text: text, id="identity"),
        pytest.param(lambda text: text.replace("T.", ""), id="token dropper"),
        pytest.param(lambda text: text.upper(), id="shouter"),
        pytest.param(lambda text: text + " </div> **", id="markup writer"),
        pytest.param(lambda text: " ".join([text] * 5), id="loop"),
        pytest.param(lambda text: text[: len(text) // 3], id="truncator"),
    ],
)
def test_no_engine_can_break_a_page(tmp_path: Path, answer: object) -> None:
    text = (
        RETURNS
        + '\nRead **this [page](../payment/ways.md)** and `code {x}`, see [ref].\n\n[ref]: other.md "Title"\n'
    )
    write(tmp_path, en__returns__how=text, en__payment__ways=RETURNS)

    def render(body: str) -> str:
        return markdown.markdown(body, extensions=["attr_list", "toc"])

    translate(tmp_path, Answering(answer), render=render)  # type: ignore[arg-type]
    document = scan(text)
    entries = [po(tmp_path).find(segment) for segment in document.segments]
    texts = [(e.text or None) if e else None for e in entries]
    assert check_page(document, texts, render=render).broken == ()
    kept = join(document, texts)
    assert all(literal in kept for literal in ("../payment/ways.md", "`code {x}`", '[ref]: other.md "'))


def test_a_translation_that_breaks_the_page_is_refused_and_named(shop: Path) -> None:
    def answer(text: str) -> str:
        return "- ackPa verythingea ellwa." if text.startswith("Pack") else Echo().answer(text)

    def render(body: str) -> str:
        # A site whose extensions see a list where the scanner saw none.
        return body.replace("ackPa verythingea", "<ul><li>")

    translate(shop, Answering(answer), render=render)
    assert all("- ack" not in e.text for e in po(shop).entries)
    assert entry(shop, "The bank").state is State.MACHINE


def test_files_that_cannot_be_read_are_left_alone(shop: Path) -> None:
    translate(shop, Echo())
    file = shop / "articles" / "pt" / "returns" / "how.po"
    file.write_text(file.read_text("utf-8") + "<<<<<<< HEAD\n", "utf-8")
    before = files(shop)
    memories, problems = memory.load(shop / "articles", ["pt"], root=shop)
    plan = run.plan(catalog_of(shop), memories, ["pt"], [Echo()], broken={p.path for p in problems})
    assert run.run(plan, shop).files == []
    assert files(shop) == before


# --- planning ---


def test_a_plan_says_how_much_there_is_to_do_and_calls_no_engine(shop: Path) -> None:
    class Measured(Echo):
        def model(self, source: str, target: str) -> Model:
            return Model("echo/en-pt-1", TokenStyle("T.{}"), calibrated=True, rate=4.0)

    engine = Measured()
    (lane,) = run.plan(catalog_of(shop), [], ["pt"], [engine]).lanes
    assert (len(lane.texts), lane.articles, lane.seconds, str(lane.route)) == (8, 1, 2.0, "en→pt (echo)")
    assert engine.calls == 0


def test_direct_comes_before_pivot_and_the_first_engine_before_the_second() -> None:
    one, two = Echo(("uk", "en"), ("en", "pt")), Echo(("uk", "pt"), ("en", "pt"))
    one.name, two.name = "one", "two"
    assert str(find_route("uk", "pt", [one, two])) == "uk→pt (two)"
    assert str(find_route("en", "pt", [one, two])) == "en→pt (one)"
    assert str(find_route("uk", "pt", [one])) == "uk→en→pt (one)"
    assert find_route("pt", "uk", [one, two]) is None


def test_regional_languages_find_the_models_of_their_language() -> None:
    assert str(find_route("en-GB", "pt-BR", [Echo(("en", "pb"))])) == "en-GB→pt-BR (echo)"
    assert str(find_route("en", "pt-BR", [Echo(("en", "pt"))])) == "en→pt-BR (echo)"


def test_a_pivot_gives_each_model_the_tokens_it_copies() -> None:
    class Copying(Echo):
        def __init__(self, pair: tuple[str, str], style: TokenStyle) -> None:
            super().__init__(pair)
            self.style = style

        def model(self, source: str, target: str) -> Model:
            return Model(f"echo/{source}-{target}", self.style, calibrated=True)

    first, second = (
        Copying(("uk", "en"), TokenStyle("T.{}")),
        Copying(("en", "pt"), TokenStyle("B-{}", first=52)),
    )
    route = find_route("uk", "pt", [first, second])
    assert route is not None
    assert route(["один T.0 два T.1"]) == [Echo().answer(Echo().answer("один T.0 два T.1"))]
    assert "B-52" in second.texts[0]
    assert route.model().identity == "echo/uk-en+echo/en-pt"


def test_a_persons_text_in_a_near_language_comes_before_the_source(tmp_path: Path) -> None:
    languages = ["en", "gl", "pt"]
    write(tmp_path, en__returns__how=RETURNS, en__payment__ways=RETURNS, gl__returns__how=RETURNS)
    engine = Echo(("en", "pt"), ("gl", "pt"))
    translate(tmp_path, engine, languages=languages)
    assert (po(tmp_path).source, po(tmp_path, "payment/ways").source) == ("gl", "en")
    without = Echo(("en", "pt"))
    translate(tmp_path, without, languages=languages)
    assert without.calls == 0, "an engine that is missing today changes no route of yesterday"


def test_a_configured_route_wins(tmp_path: Path) -> None:
    languages = ["en", "fr", "pt"]
    write(tmp_path, en__returns__how=RETURNS, fr__returns__how=RETURNS)
    options = run.Options(routes={"pt": "fr"})
    translate(tmp_path, Echo(("en", "pt"), ("fr", "pt")), languages=languages, options=options)
    assert po(tmp_path).source == "fr"


def test_glossary_and_names_are_kept(tmp_path: Path) -> None:
    write(tmp_path, en__returns__how=RETURNS.replace("The bank pays", "Oselya Club refunds a voucher"))
    options = run.Options(keep=("Oselya Club",), glossary={"pt": [("voucher", "vale")]})
    translate(tmp_path, Echo(), options=options)
    text = entry(tmp_path, "Oselya Club refunds").text
    assert "Oselya Club" in text
    assert "vale" in text


def test_progress_tells_rate_and_time_left(shop: Path) -> None:
    steps: list[run.Step] = []
    translate(shop, Echo(), on_step=steps.append)
    assert [(s.done, s.total, s.language, s.engine, s.seconds_left) for s in steps] == [
        (8, 8, "pt", "echo/en-pt-1", 0.0)
    ]
    assert steps[0].rate > 0


# --- one run at a time ---


def test_a_second_run_waits_for_the_first(tmp_path: Path) -> None:
    order: list[str] = []
    held, waited_for = threading.Event(), threading.Event()

    def first() -> None:
        with run.locked(tmp_path / "lock"):
            held.set()
            waited_for.wait(60)
            order.append("first")

    def waits() -> None:
        order.append("waits")
        waited_for.set()

    thread = threading.Thread(target=first)
    thread.start()
    held.wait()
    with run.locked(tmp_path / "lock", on_wait=waits, poll_seconds=0.01):
        order.append("second")
    thread.join()
    assert order == ["waits", "first", "second"]
