"""Scheduled patching of Azure VMs, and mail that tells the truth about it."""

__version__ = "0.1.0"
