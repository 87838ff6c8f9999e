"""The real `az` against `patchctl sandbox serve`: `python -m pytest -m az`."""
