"""Providers: each sees instances somewhere (Docker, a file) and yields full inventories. Labels are understood in `labels.py`, purely."""
