"""What people and programs see. Results go to stdout, talk goes to stderr."""
