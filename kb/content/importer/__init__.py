"""Existing help pages → the files of a content folder, with a report of everything that could not be carried over.

A run reads all pages, decides where each goes, then rewrites them: links can only be made relative when the place of
every page is known. Nothing is written here, and nothing is dropped without a finding that names its line: what has
no counterpart stays in the article as a comment that begins with ``kb import:``.
"""

from kb.content.importer.run import Options, Result, Summary, read

__all__ = ["Options", "Result", "Summary", "read"]
