"""What is published from the memory, what is held back, and how far each language is."""

from collections.abc import Callable, Sequence
from pathlib import Path

import markdown
import pytest

from kb.content.article import Catalog, Origin
from kb.language import memory
from kb.language.memory import Entry, Memory
from kb.language.translate import behind, progress, stale, translations, with_memory
from tests.language.translating import RETURNS, Echo, catalog_of, po, translate, write

ID = "returns/how"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """English articles, translated into Portuguese by machine."""
    write(tmp_path, en__returns__how=RETURNS, en__payment__ways=RETURNS.replace("return", "pay"))
    translate(tmp_path, Echo())
    return tmp_path


def memories(root: Path) -> list[Memory]:
    found, problems = memory.load(root / "articles", ["en", "pt"], root=root)
    assert not problems
    return found


def change(root: Path, alter: Callable[[Entry], Entry | None], id: str = ID) -> None:
    old = po(root, id)
    entries = tuple(entry for e in old.entries if (entry := alter(e)) is not None)
    memory.save(root / old.path, memory.dump(Memory(old.path, "pt", id, old.source, entries, old.head)))


def published(root: Path, **options: object) -> Catalog:
    catalog, _ = with_memory(catalog_of(root), memories(root), **options)  # type: ignore[arg-type]
    return catalog


def test_a_machine_translation_is_an_article_with_the_words_replaced(shop: Path) -> None:
    article = published(shop).get("pt", ID)
    assert article is not None
    assert (article.origin, article.source_language, article.path) == (
        Origin.MACHINE,
        "en",
        "articles/pt/returns/how.po",
    )
    assert article.title == "OwHa ota eturnra oodsga"
    assert article.questions == ("Ia antwa yma oneyma ackba",)
    assert article.text.startswith("---\ntitle: OwHa ota eturnra oodsga\n")
    assert article.body.startswith("EndSa heta oodsga")
    assert "## EfundsRa { #refunds }" in article.body
    assert article.text.split("\n")[article.body_line - 1] == article.body.split("\n")[0]


def test_a_translation_is_reviewed_when_every_segment_is(shop: Path) -> None:
    change(shop, lambda e: e.approved())
    assert published(shop).origin("pt", ID) is Origin.REVIEWED
    change(shop, lambda e: e.with_(fuzzy=True) if e.source == "Refunds" else e)
    assert published(shop).origin("pt", ID) is Origin.MACHINE


def test_a_segment_without_translation_stays_in_the_source_language(shop: Path) -> None:
    change(shop, lambda e: None if e.source.startswith("Pack") else e.approved())
    article = published(shop).get("pt", ID)
    assert article is not None
    assert "Pack everything well." in article.body
    assert article.origin is Origin.MACHINE


def test_nothing_translated_is_no_translation(shop: Path) -> None:
    change(shop, lambda e: e.with_(text=""))
    assert published(shop).origin("pt", ID) is Origin.FALLBACK


def test_a_persons_article_wins_over_the_memory(shop: Path) -> None:
    write(shop, pt__returns__how="---\ntitle: Devolver\n---\nTexto.\n")
    catalog, problems = with_memory(catalog_of(shop), memories(shop))
    assert catalog.origin("pt", ID) is Origin.WRITTEN
    assert [(p.code, p.path) for p in problems] == [("po-unused", "articles/pt/returns/how.po")]


def test_a_memory_without_its_article_is_a_finding(shop: Path) -> None:
    (shop / "articles" / "en" / "returns" / "how.md").unlink()
    _, problems = with_memory(catalog_of(shop), memories(shop))
    assert [(p.code, p.path) for p in problems] == [("po-unused", "articles/pt/returns/how.po")]


def test_translate_false_publishes_no_translation(shop: Path) -> None:
    write(shop, en__returns__how=RETURNS.replace("---\ntitle", "---\ntranslate: false\ntitle"))
    assert published(shop).origin("pt", ID) is Origin.FALLBACK


@pytest.mark.parametrize("by", ["front matter", "category"])
def test_machine_text_waits_for_approval_where_that_is_asked(shop: Path, by: str) -> None:
    review = ["returns"] if by == "category" else []
    if by == "front matter":
        write(shop, en__returns__how=RETURNS.replace("---\ntitle", "---\ntranslate: review\ntitle"))
    assert published(shop, review=review).origin("pt", ID) is Origin.FALLBACK
    assert published(shop, review=review).origin("pt", "payment/ways") is Origin.MACHINE
    change(shop, lambda e: e.approved())
    assert published(shop, review=review).origin("pt", ID) is Origin.REVIEWED


def test_a_changed_source_holds_an_approved_page_back_again(shop: Path) -> None:
    change(shop, lambda e: e.approved())
    write(shop, en__returns__how=RETURNS.replace("14 days", "30 days"))
    assert published(shop, review=["returns"]).origin("pt", ID) is Origin.FALLBACK
    translate(shop, Echo())
    assert published(shop, review=["returns"]).origin("pt", ID) is Origin.FALLBACK
    article = published(shop).get("pt", ID)
    assert article is not None
    assert "ithinwa 14 aysda" in article.body, "a person's text stays until a person decides"


def test_a_persons_text_that_breaks_the_page_is_not_published(shop: Path) -> None:
    change(shop, lambda e: e.approved("Os <b>dados") if e.source.startswith("Pack") else e.approved())
    catalog, problems = with_memory(
        catalog_of(shop), memories(shop), render=lambda body: markdown.markdown(body)
    )
    article = catalog.get("pt", ID)
    assert article is not None
    assert "Pack everything well." in article.body
    assert [(p.code, p.path) for p in problems] == [("translation-breaks-page", "articles/pt/returns/how.po")]


def test_the_base_is_the_language_the_memory_names(tmp_path: Path) -> None:
    write(tmp_path, en__returns__how=RETURNS, gl__returns__how=RETURNS.replace("Pack", "Wrap"))
    languages = ["en", "gl", "pt"]
    translate(tmp_path, Echo(("en", "pt"), ("gl", "pt")), languages=languages)
    catalog, problems = with_memory(catalog_of(tmp_path, languages), memories(tmp_path))
    article = catalog.get("pt", ID)
    assert article is not None
    assert (article.source_language, problems) == ("gl", [])
    assert "AckPa" not in article.body
    assert "RapWa" in article.body


# --- status and checks ---


def test_progress_counts_articles_by_their_worst_segment(shop: Path) -> None:
    write(shop, en__returns__new=RETURNS, en__orders__status=RETURNS, pt__orders__status=RETURNS)
    change(shop, lambda e: e.approved(), "payment/ways")
    english, portuguese = progress(catalog_of(shop), memories(shop), review=["returns"])
    assert (english.written, english.missing) == (4, 0)
    assert portuguese == type(portuguese)(
        "pt", written=1, reviewed=1, machine=1, stale=0, missing=1, held=1, segments=portuguese.segments
    )
    assert portuguese.segments == {"reviewed": 8, "machine": 8, "stale": 0, "missing": 0}


def whole(shop: Path, *, review: Sequence[str] = ()) -> Catalog:
    """The catalog with its translations."""
    return with_memory(catalog_of(shop), memories(shop), review=review)[0]


def test_stale_entries_are_reported_with_their_line(shop: Path) -> None:
    change(shop, lambda e: e.approved())
    write(shop, en__returns__how=RETURNS.replace("14 days", "30 days"))
    translate(shop, Echo())
    problems = list(stale(translations(catalog_of(shop), memories(shop))[0]))
    assert [(p.code, p.path, p.severity) for p in problems] == [
        ("translation-stale", "articles/pt/returns/how.po", "warning")
    ]
    lines = (shop / problems[0].path).read_text("utf-8").split("\n")
    block = lines[(problems[0].line or 0) - 1 :]
    assert any("30 days" in line for line in block[: block.index("")])


@pytest.mark.parametrize(
    ("level", "articles"),
    [
        ("machine", ["articles/en/returns/new.md"]),
        ("reviewed", ["articles/en/returns/how.md", "articles/en/returns/new.md"]),
        (
            "written",
            ["articles/en/payment/ways.md", "articles/en/returns/how.md", "articles/en/returns/new.md"],
        ),
    ],
)
def test_a_language_is_held_to_what_is_required_of_it(shop: Path, level: str, articles: list[str]) -> None:
    write(shop, en__returns__new=RETURNS)
    change(shop, lambda e: e.approved(), "payment/ways")
    problems = behind(whole(shop), require={"pt": level})
    assert [(p.code, p.path) for p in problems] == [("translation-required", path) for path in articles]


def test_an_unknown_level_is_a_finding(shop: Path) -> None:
    problems = behind(whole(shop), require={"pt": "perfect"})
    assert [p.code for p in problems] == ["require-unknown"]


def test_parity_names_the_articles_a_language_lacks(shop: Path) -> None:
    write(shop, en__returns__new=RETURNS)
    problems = behind(whole(shop, review=["payment"]), parity=["pt"], default_language="en")
    assert [(p.code, p.path) for p in problems] == [
        ("translation-parity", "articles/en/payment/ways.md"),
        ("translation-parity", "articles/en/returns/new.md"),
    ]


def test_each_article_is_scanned_once_for_all_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.language import translate as module

    languages = ["en", "pt", "es", "fr"]
    write(tmp_path, en__returns__how=RETURNS)
    engine = Echo(("en", "pt"), ("en", "es"), ("en", "fr"))
    translate(tmp_path, engine, languages=languages, targets=("pt", "es", "fr"))
    found, _ = memory.load(tmp_path / "articles", languages, root=tmp_path)
    scanned = []
    real = module.scan
    monkeypatch.setattr(module, "scan", lambda text: scanned.append(text) or real(text))
    made, _ = translations(catalog_of(tmp_path, languages), found)
    assert (len(made), len(scanned)) == (3, 1)
