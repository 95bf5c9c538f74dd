"""`python -m clients.demo`."""

import sys

from clients.demo.perform import main

if __name__ == "__main__":
    sys.exit(main())
