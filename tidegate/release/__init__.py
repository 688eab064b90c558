"""Releases, decided: what a release is, which steps it takes, what it is asked to prove. Pure.

`gates` are what may be asked and the verdicts; `gate_text` reads them; `samples` are both sides' requests over the same time and
what follows from them; `judge` makes verdicts of both. Who asks whom, and when, is the edge's (`control`).
"""
