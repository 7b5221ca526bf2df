"""wayprint: the open customer-journey engine. A table is a promise; a step keeps one promise from others."""

__version__ = "0.2.0"
