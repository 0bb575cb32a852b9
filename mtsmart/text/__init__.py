"""What a name is, and how text from files is shown on a terminal, in Markdown and in a spreadsheet."""
