"""Creates .venv beside the Makefile and installs the named requirements into it.

It uses nothing but the standard library, because it runs before anything is installed. The
system's Python is never changed.
"""

import importlib.util
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    subprocess.run([str(part) for part in command], cwd=cwd, check=True)


def add_pip_from_debian() -> None:
    """Takes pip from Debian's package without installing that.

    Debian keeps the standard library's ensurepip in a separate package, python3-venv.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            if sys.platform == "linux" and not any(Path("/var/lib/apt/lists").glob("*Packages*")):
                run("apt-get", "update")
            run("apt-get", "download", "python3-pip-whl", cwd=Path(folder))
            (package,) = Path(folder).glob("*.deb")
            run("dpkg", "-x", package, folder)
        except (OSError, subprocess.CalledProcessError):
            sys.exit(
                "This Python can't make environments. On Debian: sudo apt install python3-venv"
            )
        (wheel,) = Path(folder).glob("usr/share/python-wheels/pip-*.whl")
        run(PYTHON, wheel / "pip", "install", "--quiet", "--no-index", wheel)


def create_environment() -> None:
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    venv.create(VENV, with_pip=has_ensurepip, symlinks=sys.platform != "win32")
    if not has_ensurepip:
        add_pip_from_debian()


def pin(package: str) -> str:
    """The package with its version, as requirements.txt names it."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition(";")[0] for line in lines if line.startswith(f"{package}=="))


def install(requirements: list[str]) -> None:
    wanted = [part for name in requirements for part in ("-r", name)]
    run(PYTHON, "-m", "pip", "install", "--quiet", *wanted)
    if sys.platform == "darwin":
        # On a Mac, TFRS requires tensorflow-macos, which ended with version 2.16.
        run(PYTHON, "-m", "pip", "install", "--no-deps", pin("tensorflow-recommenders"))
    else:
        run(PYTHON, "-m", "pip", "check")


if __name__ == "__main__":
    if not (3, 11) <= sys.version_info < (3, 14):
        sys.exit(f"The book needs Python 3.11 to 3.13; this is {sys.version.split()[0]}.")
    if not PYTHON.exists():
        create_environment()
    print("Installing into .venv (a few minutes the first time) …", flush=True)
    install(sys.argv[1:])
