"""Builds the compiled modules where a compiler is at hand; without one the same `.py` files run as they are.

TIDEGATE_PURE=1 skips compiling; TIDEGATE_REQUIRE_EXT=1 makes a failed build an error (CI uses both).
"""

import os

from setuptools import setup
from setuptools.command.build_ext import build_ext

COMPILED = [line.strip() for line in """
tidegate/matcher.py
tidegate/http1/parser.py
tidegate/router/balancer.py
tidegate/router/exchange.py
tidegate/router/upstream.py
tidegate/router/downstream.py
tidegate/dns/zone.py
""".split() if os.path.exists(line.strip())]


class OptionalBuildExt(build_ext):
    """A missing compiler or header is not an error unless TIDEGATE_REQUIRE_EXT says so."""

    def run(self):
        try:
            super().run()
        except Exception as error:  # any failure of any compiler: the pure modules do the same work
            if os.environ.get("TIDEGATE_REQUIRE_EXT") == "1":
                raise
            print(f"tidegate: compiled modules left out ({error}); the pure Python ones are used")


def extensions():
    if os.environ.get("TIDEGATE_PURE") == "1":
        return []
    try:
        from Cython.Build import cythonize
    except ImportError:
        if os.environ.get("TIDEGATE_REQUIRE_EXT") == "1":
            raise
        return []
    return cythonize(COMPILED, compiler_directives={"language_level": "3"})


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalBuildExt})
