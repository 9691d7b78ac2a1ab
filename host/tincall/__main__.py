"""`python -m tincall` is `tincall`."""

from tincall.cli.main import run

if __name__ == "__main__":
    run()
