"""A report as a document: for a terminal, a browser, a spreadsheet, a program, a mailbox."""
