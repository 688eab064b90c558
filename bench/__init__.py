"""Measurements beside real peers, as ratios in the same run.

`micro/` times one function in one process; `macro/` goes through sockets and counts the CPU time of whole processes.
`fake_dockerd.py` plays a Docker Engine for the churn cases. `results/` keeps what was measured, `README.md` the method
and the newest table. Must not happen here: traffic that leaves the machine, a peer left out without saying so.
"""
