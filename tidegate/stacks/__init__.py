"""Stacks: what a Compose file says, understood, and what it would change.

reader         a file to a `Stack`, all that is wrong with it named at its line
interpolation  `${VAR}` in all its forms
values         single values in every form people write them in

Nothing here speaks to an engine or a store: files are read, values come out.
"""
