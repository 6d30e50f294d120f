"""What counts as success, and the rows that show it: acceptance.*, test.*, slices.*, labels.*, iterations.*, curve.*"""
