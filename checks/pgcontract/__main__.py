"""`python -m pgcontract` is the command `pgcontract`."""

from pgcontract.cli import main

if __name__ == "__main__":
    main()
