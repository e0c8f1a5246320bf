"""Locust, with nothing read from files that happen to lie about: `python -m loadtests.worker ARGUMENTS`."""

from locust import argument_parser as parser
from locust.main import main

for maker in (parser.get_empty_argument_parser, parser.get_parser):
    given = maker.__defaults__ or ()
    maker.__defaults__ = tuple(() if one is parser.DEFAULT_CONFIG_FILES else one for one in given)

if __name__ == "__main__":
    main()
