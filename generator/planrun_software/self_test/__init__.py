"""The engine's own tests, which `planrun self-test` runs: each gate is seen red on a defect that is planted."""
