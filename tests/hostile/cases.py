"""All cases, in the order of the table."""

import bodies  # noqa: F401 - each adds its cases
import heads  # noqa: F401
import names  # noqa: F401
import ranges  # noqa: F401
from case import GROUPS

ORDER = ["Bodies that break off", "A file that changes while it is fetched", "Ranges that are not what was asked", "Lengths that are wrong", "Slow and endless",
         "Contents that are packed", "Statuses", "Redirects", "Heads", "Names in URLs", "Names from the server (Content-Disposition)"]
ALL = [case for title in ORDER for heading, cases in GROUPS if heading == title for case in cases]
assert len({case.name for case in ALL}) == len(ALL) and {heading for heading, _ in GROUPS} == set(ORDER)
