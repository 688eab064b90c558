"""Composition root: the supervisor process, what a control process and what a worker is made of, and the channel between them. Owns start and stop order."""
