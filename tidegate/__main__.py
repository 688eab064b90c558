"""`python -m tidegate`: the same as the `tidegate` command, for an interpreter whose scripts are not on the path."""

from tidegate.cli.main import main

main()
