"""How true the sandbox is: recorded answers of Azure beside its own, class by class."""
