"""Scheduled patching of Azure VMs, and mail that tells the truth about it."""
