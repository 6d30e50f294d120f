"""Labels from people: rows are drawn, sheets are filled and collected, disputes are settled by a named person."""
