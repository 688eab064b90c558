"""Builds the compiled modules where a compiler is at hand; without one the same `.py` files run as they are.

TIDEGATE_PURE=1 skips compiling; TIDEGATE_REQUIRE_EXT=1 makes a failed build an error (CI uses both).
All or nothing: modules compiled together share C types, so half a set would not import.
"""

import glob
import os
import sys

from setuptools import setup
from setuptools.command.build_ext import build_ext

# A module is compiled when a .pxd of the same name stands beside it.
COMPILED = sorted(
    f"{stem}.py"
    for stem, _ in map(os.path.splitext, glob.glob("tidegate/**/*.pxd", recursive=True))
    if os.path.exists(f"{stem}.py")
)

REQUIRED = os.environ.get("TIDEGATE_REQUIRE_EXT") == "1"
PURE = os.environ.get("TIDEGATE_PURE") == "1"
JOBS = os.cpu_count() or 1
# C types come from the .pxd files alone; annotations are for mypy, where `int` may be any size.
DIRECTIVES = {"language_level": "3", "annotation_typing": False, "nonecheck": True}


def left_out(error):
    """Say why the compiled modules are missing, or stop if they are demanded."""
    if REQUIRED:
        raise error
    print(f"tidegate: compiled modules left out ({error!r}); the pure Python ones are used", file=sys.stderr)


class OptionalBuildExt(build_ext):
    """A missing compiler or header is not an error unless TIDEGATE_REQUIRE_EXT says so."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or JOBS

    def run(self):
        try:
            super().run()
        except Exception as error:  # any failure of any compiler: the pure modules do the same work
            left_out(error)
            self._forget()

    def _forget(self):
        """Take back what was built before the failure, and promise no outputs."""
        for extension in self.extensions:
            for path in {self.get_ext_fullpath(extension.name), self._in_build_lib(extension.name)}:
                if os.path.exists(path):
                    os.remove(path)
        self.extensions = []
        self.ext_map = {}

    def _in_build_lib(self, name):
        return os.path.join(self.build_lib, self.get_ext_filename(name))


def extensions():
    """The C sources of the compiled modules, or nothing where they are not wanted or cannot be had."""
    if PURE or not COMPILED:
        return []
    try:
        from Cython.Build import cythonize

        found = cythonize(COMPILED, build_dir="build/cython", nthreads=JOBS, compiler_directives=DIRECTIVES)
    except Exception as error:  # no Cython, or one too old for the sources
        left_out(error)
        return []
    for extension in found:
        extension.extra_compile_args.append("-g0")  # no debug sections: half the build time, a fifth of the size
    return found


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalBuildExt})
