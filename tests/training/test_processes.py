"""Two processes that train together do what one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.conftest import TINY_PAIRS, TINY_WAV2VEC2, official_folders
from training import processes
from training.augment import SpectrumMask
from training.recipe import train

ROOT = Path(__file__).resolve().parents[2]

STEP = {"learning_rate": 1e-2, "evaluate_every": 1, "average": 0.5, "half": False}

PAIRS = {
    **TINY_PAIRS,
    "stored": {**STEP, "crops": 8, "seconds": 0.5, "frames": 10, "steps": 3, "pairs": 4},
    "training": {**STEP, "steps": 5, "pairs": 4, "ranking": 0.5},
}

WINDOWS = {  # five windows, two a step: the last step of an epoch has one, and none to share
    "kind": "windows",
    "architecture": "wav2vec2-mean",
    "network": {
        **TINY_WAV2VEC2, "hidden_dropout": 0.0, "attention_dropout": 0.0, "layerdrop": 0.0,
        "activation_dropout": 0.0, "feat_proj_dropout": 0.0, "final_dropout": 0.0,
    },
    "class_weights": {"bonafide": 4.919, "spoof": 0.557},
    "stage": [{**STEP, "trainable": [""], "epochs": 2, "batch": 2, "patience": 9}],
}  # fmt: skip

STAGES = {"pairs": ("", "stored"), "windows": ("stage1",)}

SCRIPT = """
import gc, json, os, signal, socket, sys, traceback
import torch.utils.tensorboard, training.trainer  # once for both, which are forked
from training.recipe import train
gc.freeze()
with socket.socket() as free:
    free.bind(("localhost", 0))
    port = free.getsockname()[1]
started = set()
for rank in range(2):
    if child := os.fork():
        started.add(child)
        continue
    try:
        told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2}  # as by torchrun
        told |= {"MASTER_ADDR": "localhost", "MASTER_PORT": port}
        os.environ |= {name: str(value) for name, value in told.items()}
        for recipe, corpus, out in json.loads(sys.argv[1]):
            train(recipe, [corpus], out, workers=0, threads=1)
        torch.distributed.barrier()
        os._exit(0)  # Gloo's threads abort some processes at their ordinary end
    except BaseException:
        traceback.print_exc()
        os._exit(1)
while started:
    ended, status = os.wait()
    started.remove(ended)
    if status:  # the other would wait for it
        for child in started:
            os.kill(child, signal.SIGKILL)
        sys.exit(1)
"""


def curve(folder: Path) -> list[tuple[float, float]]:
    """Loss and norm of the gradient at every step."""
    last = max(folder.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    log = json.loads((last / "trainer_state.json").read_text("utf-8"))["log_history"]
    return [(entry["loss"], entry["grad_norm"]) for entry in log if "loss" in entry]


def test_two_processes_have_the_loss_curve_of_one(tiny_index: Path, tmp_path: Path) -> None:
    corpora = {
        "pairs": str(tiny_index),
        "windows": f"asvspoof2019-la:{official_folders(tmp_path / 'LA', 5)}",
    }
    recipes = {"pairs": PAIRS, "windows": WINDOWS}
    work = [(recipes[k], corpora[k], str(tmp_path / "two" / k)) for k in recipes]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(work)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    for name, recipe in recipes.items():
        one, two = tmp_path / "one" / name, tmp_path / "two" / name
        train(recipe, [corpora[name]], one, workers=0, threads=1)
        for stage in STAGES[name]:
            losses = curve(one / stage)
            assert len(losses) == {"": 5, "stored": 3, "stage1": 6}[stage]
            assert len({loss for loss, _ in losses}) == len(losses)
            for mine, theirs in zip(losses, curve(two / stage), strict=True):
                assert theirs == pytest.approx(mine, rel=1e-4)
            lines = [(p / stage / "dev.jsonl").read_text("utf-8") for p in (one, two)]
            assert lines[0].count("\n") == lines[1].count("\n") == len(losses)
        kept = [json.loads((p / "best.json").read_text("utf-8")) for p in (one, two)]
        assert kept[0] == kept[1] and (two / "best.safetensors").is_file()


def test_what_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert processes.share(6) == 2
    with pytest.raises(ValueError, match=r"trains on 8 at a time.*Start 1, 2, 4, 8 of them"):
        processes.share(8)


def test_what_is_hidden_goes_with_the_item() -> None:
    mask = SpectrumMask({"time": 1, "frequency": 2}, seed=3)
    mask.items = [5, 9]
    both = mask(torch.ones(4, 2, 161, 50))
    mask.items = [9]
    assert torch.equal(mask(torch.ones(2, 2, 161, 50)), both[2:])
    assert not torch.equal(both[:2], both[2:]) and 0 < both.mean() < 1
