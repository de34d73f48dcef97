"""Prints variables of its environment, named by its arguments."""

import os
import sys

for name in sys.argv[1:]:
    print("%s=%s" % (name, os.environ.get(name)))
