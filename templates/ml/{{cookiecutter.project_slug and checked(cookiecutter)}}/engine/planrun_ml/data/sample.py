"""The sample data of a repository that has none of its own yet."""

import pandas as pd

# task: (scikit-learn's set, its target, the classes' names); the other tasks' samples are made by synthetic.py
BUNDLED: dict[str, tuple[str, str, dict[int, str] | None]] = {
    "binary": ("breast_cancer", "diagnosis", {0: "malignant", 1: "benign"}),
    "multiclass": ("wine", "cultivar", {0: "one", 1: "two", 2: "three"}),
    "regression": ("diabetes", "progression", None),
}


def sample(task: str) -> pd.DataFrame:
    """Rows to start on: real ones that scikit-learn bundles, or made from a seed."""
    if task not in BUNDLED:
        from planrun_ml.data import synthetic

        return synthetic.table(task)
    from sklearn import datasets

    name, target, labels = BUNDLED[task]
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.data.round(6)
    frame.insert(0, "case_id", [f"C{number:04d}" for number in range(len(frame))])
    frame[target] = bunch.target.map(labels) if labels else bunch.target
    return frame
