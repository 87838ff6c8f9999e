"""`python -m patchctl`, where the command is not on the PATH."""

from patchctl.cli import main

main()
