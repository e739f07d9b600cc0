"""Pages outside any language's build: the root, the root's 404, and what stands at former addresses."""

from collections.abc import Mapping

from kb.publish.assets import Assets
from kb.publish.centre import Centre


def root_pages(centre: Centre, assets: Assets) -> Mapping[str, str]:
    """``index.html``, which sends visitors to their language, and ``404.html`` for addresses in no language."""
    raise NotImplementedError
