"""`python -m services.cli` is the command `plumewatch`, for whoever starts it with a chosen interpreter."""

from services.cli.main import main

if __name__ == "__main__":
    main()
