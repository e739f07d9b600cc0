"""What machines read of the site: sitemap, robots.txt, RSS, llms.txt and OpenSearch."""

from collections.abc import Mapping, Sequence

from kb.publish.centre import Centre
from kb.publish.pages import Plan


def feeds(centre: Centre, plans: Sequence[Plan]) -> Mapping[str, str]:
    """Every feed of the site: address relative to its root → text.

    ``sitemap.xml`` (in parts when it is large), ``robots.txt``, ``llms.txt``, and below each language ``feed.xml``,
    ``llms.txt`` and ``opensearch.xml``. What needs absolute addresses is left out when ``centre.url`` is empty.
    """
    raise NotImplementedError
