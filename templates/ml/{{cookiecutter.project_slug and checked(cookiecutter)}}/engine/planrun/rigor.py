"""Which gates there are at each stage, and which of them block at which rigor."""

ENGINES = {"ml": "planrun_ml", "software": "planrun_software"}  # the package that holds each kind's gates and commands
# How many gates each stage has, and which of them block: at light, and what standard adds; at strict all of them do.
# plan/gates.yaml may add some. What is taken out of it blocks all the same: `waive` walks past a gate under a name.
STAGES = {
    "ml": {"G0": 6, "G1": 13, "G2": 8, "G3": 10, "G4": 10, "G5": 5, "G6": 6},
    "software": {"T0": 4, "T1": 8, "T2": 5, "T3": 6, "T4": 6, "T5": 3},
}
LIGHT = {
    "ml": "G0.2 G1.3 G1.4 G1.8 G1.9 G1.11 G1.lock G2.4 G2.5 G3.1 G3.3 G4.4 G4.5 G5.1",
    "software": "T0.2 T1.1 T1.4 T2.2 T2.3 T3.1 T3.3 T4.1",
}
STANDARD = {
    "ml": "G0.1 G0.3 G0.6 G1.2 G1.5 G1.6 G2.1 G2.2 G2.3 G3.2 G3.4 G3.8 G3.9 G4.2 G4.6 G4.7 G4.8 G5.3 G6.2",
    "software": "T0.1 T0.4 T1.2 T1.3 T1.8 T3.2 T3.6 T4.2 T5.1",
}
