"""Which words a mistyped one may be, on both sides."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from kb.index.spelling import Vocabulary, distance

WORDS = (
    "weather",
    "whether",
    "what",
    "wheat",
    "return",
    "returns",
    "повернення",
    "refund",
    "as",
    "ab12",
    "東京",
    "delivery",
)


@pytest.mark.parametrize(
    ("typed", "far", "meant"),
    [
        ("weathr", 1, ["weather"]),
        ("waether", 1, ["weather", "whether"]),
        ("wheather", 1, ["weather", "whether"]),
        ("wha", 1, ["what"]),
        ("повернеення", 1, ["повернення"]),
        ("delvery", 1, ["delivery"]),
        ("dleivrey", 2, ["delivery"]),
        ("повренееня", 2, ["повернення"]),
        ("rafond", 0, []),
        ("bs", 0, []),
        ("ab13", 0, []),
        ("x" * 40, 0, []),
    ],
)
def test_the_nearest_words_of_a_mistyped_one(typed: str, far: int, meant: list[str]) -> None:
    found, numbers = Vocabulary(WORDS).near(typed)
    assert (found, [WORDS[n] for n in numbers]) == (far, meant)


@pytest.mark.parametrize(("a", "b", "far"), [("abcd", "abdc", 1), ("ca", "abc", 3), ("abcdef", "bdef", 2)])
def test_swapped_neighbours_are_one_edit(a: str, b: str, far: int) -> None:
    assert distance(a, b, 3) == distance(b, a, 3) == far


def test_both_sides_find_the_same_words(engine: Path) -> None:
    chance = random.Random(3)
    words = sorted({"".join(chance.choice("abc") for _ in range(chance.randint(3, 9))) for _ in range(400)})
    typed = ["".join(chance.choice("abc") for _ in range(chance.randint(3, 10))) for _ in range(200)]
    typed = [word for word in typed if word not in words]
    done = subprocess.run(
        ["node", str(engine / "run.js")],
        input=json.dumps({"words": words, "near": typed}),
        capture_output=True,
        text=True,
        check=True,
    )
    vocabulary = Vocabulary(words)
    expected = [dict(zip(("distance", "numbers"), vocabulary.near(word), strict=True)) for word in typed]
    assert json.loads(done.stdout)["near"] == expected
    # The short way for one edit and the table for two agree on what is one edit away.
    for word in typed[:50]:
        near = [n for n, other in enumerate(words) if distance(word, other, 1) == 1]
        assert near == (vocabulary.near(word)[1] if vocabulary.near(word)[0] == 1 else [])
