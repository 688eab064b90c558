"""Tidegate: a Layer-7 routing mesh and service-discovery proxy for Docker.

The map of the package stands in docs/architecture.md; imports go down only (see the contracts in pyproject.toml).
"""

__version__ = "0.1.0"
