"""What tests/bench/serve.py compares with: LitServe, and a bare FastAPI route, over the champion's model alone.

python tests/bench/serve_others.py litserve WAIT|bare REPOSITORY PORT     WAIT: milliseconds for more rows
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import litserve
import uvicorn
from fastapi import FastAPI

Row = dict[str, Any]
BATCH = 64  # rows


def model_of(folder: Path) -> Callable[[list[Row]], list[float]]:
    """Scores of a list of rows, by the champion's model and nothing else."""
    import pandas as pd

    sys.path[:0] = [str(folder / "src"), str(folder / "engine")]
    champion = importlib.import_module("planrun_ml.release.champion_model").load(folder)
    predict = importlib.import_module("planrun_ml.models.training").predict
    columns, task = list(champion.columns), champion.card["task"]
    return lambda rows: predict(champion.model, pd.DataFrame.from_records(rows, columns=columns), task).tolist()


class Api(litserve.LitAPI):
    """As LitServe's documentation shows it: decode, collect a batch, predict, take it apart, encode."""

    def setup(self, device: str) -> None:
        self.scores = model_of(Path(sys.argv[-2]))

    def decode_request(self, request: dict[str, Any]) -> Row:
        return request["rows"][0]["inputs"]

    def batch(self, inputs: list[Row]) -> list[Row]:
        return inputs

    def predict(self, x: list[Row]) -> list[float]:
        return self.scores(x)

    def unbatch(self, output: list[float]) -> list[float]:
        return output

    def encode_response(self, output: float) -> dict[str, float]:
        return {"score": output}


def bare(folder: Path) -> FastAPI:
    """A route that calls the model for each request."""
    app, scores = FastAPI(), model_of(folder)

    @app.post("/predict")
    async def predict(request: dict[str, Any]) -> dict[str, float]:
        return {"score": scores([request["rows"][0]["inputs"]])[0]}

    return app


def main() -> None:
    """Serve until stopped."""
    name, folder, port = sys.argv[1], Path(sys.argv[-2]), int(sys.argv[-1])
    if name == "bare":
        uvicorn.run(bare(folder), host="127.0.0.1", port=port, log_level="warning", access_log=False)
        return
    server = litserve.LitServer(Api(max_batch_size=BATCH, batch_timeout=int(sys.argv[2]) / 1000), accelerator="cpu")
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
