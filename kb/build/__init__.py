"""From articles to a published site: everything read, each page kept or made, the whole released at once."""
