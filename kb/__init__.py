"""BabelFAQ: Markdown answer articles in git become a static, multilingual help centre."""

__version__ = "0.1.0"
