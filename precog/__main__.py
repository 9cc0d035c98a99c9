"""`python -m precog` is the `precog` command."""

from .cli import main

main()
