"""How the maintenance service patches virtual machines, and what it tells of that afterwards."""
