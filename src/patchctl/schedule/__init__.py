"""When patching happens: the recurrence, the windows it makes, and their time zone. No I/O."""
