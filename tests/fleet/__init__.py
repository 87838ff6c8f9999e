"""Mixed fleets of machines that are somebody else's, and what is possible with each of them.

`drawing` draws a fleet as plain data, `building` puts it into a world, `truth` tells what Azure's
rules allow with each machine, from the data alone.
"""
