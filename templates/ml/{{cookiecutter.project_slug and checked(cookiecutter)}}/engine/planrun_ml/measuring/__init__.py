"""What a metric is, how sure a measurement is, and what a gain must be. Hashed into gates/G1.lock."""
