"""Keelwatch: the console from which SREs keep a self-service platform reliable."""

__version__ = "0.1.0"
