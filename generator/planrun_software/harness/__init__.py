"""The product as its callers meet it, whatever is delivered; tests, load and drills drive it through here."""
