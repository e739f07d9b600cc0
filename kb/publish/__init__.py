"""From a catalog to the published site: pages, the MkDocs build, feeds, and the release."""
