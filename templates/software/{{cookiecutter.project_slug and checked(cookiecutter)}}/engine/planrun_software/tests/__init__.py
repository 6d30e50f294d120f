"""Tests of this package's modules by themselves: nothing is rendered, and no sample is worked through."""
