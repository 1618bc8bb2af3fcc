"""`python -m portal up|down|status|reset`: the same commands as `glane portal`, for a checkout without a `glane`."""

from portal.commands import main

main()
