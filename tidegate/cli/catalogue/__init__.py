"""Every setting `serve` knows: its key in `tidegate.yaml`, its flag, its variable, and how its text is read.

The key is the path of the field in `tidegate.config.Config`, so there is one name for one thing. The variable is
`TIDEGATE_` and the flag's name where there is a flag, else the key, in capitals. One file holds the rows of one section,
`process` those of all that has no section of any size; `--help` and `config show` list them in this order.
"""

from __future__ import annotations

from tidegate.cli.catalogue.admin import ADMIN
from tidegate.cli.catalogue.dns import DNS
from tidegate.cli.catalogue.docker import DOCKER
from tidegate.cli.catalogue.http import HTTP
from tidegate.cli.catalogue.process import PROCESS
from tidegate.cli.catalogue.records import RECORDS
from tidegate.cli.catalogue.releases import RELEASES
from tidegate.cli.catalogue.row import Setting
from tidegate.cli.catalogue.tls import TLS

__all__ = ["BY_KEY", "BY_VARIABLE", "FLAGGED", "SETTINGS", "Setting"]

SETTINGS: tuple[Setting, ...] = (*HTTP, *TLS, *DNS, *ADMIN, *DOCKER, *PROCESS, *RECORDS, *RELEASES)

BY_KEY = {setting.key: setting for setting in SETTINGS}
BY_VARIABLE = {setting.variable: setting for setting in SETTINGS}
FLAGGED = tuple(setting for setting in SETTINGS if setting.flag)
