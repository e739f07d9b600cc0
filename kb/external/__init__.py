"""Links to other sites: whether they still lead somewhere."""
