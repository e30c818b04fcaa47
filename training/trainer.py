"""`transformers`' Trainer with this project's loss, learning rates and running average of weights.

PyTorch is imported with this module, which is therefore imported where training begins.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, set_seed

from core.files import atomic_path, atomic_write
from training import processes
from training.echo import Echo
from training.losses import Loss, family_loss, part_loss


class RunningAverage(TrainerCallback):
    """A running average of all weights; it is what is evaluated and kept.

    Parameters
    ----------
    model : torch.nn.Module
        Whose weights.
    decay : float
        Share of the average that a step keeps; less in the first steps.
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.model, self.decay = model, decay
        self.state: dict[str, torch.Tensor] = {}
        self.count = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin with the weights, or with the average of the checkpoint that is resumed."""
        saved = _average_file(args, state)
        if state.global_step and saved.is_file():
            self.state = load_file(saved)
        else:
            self.state = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        self.count = state.global_step
        if processes.count() > 1:  # dropout must not hide the same in every share of a batch
            set_seed(args.seed + args.process_index)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take in the weights after a step."""
        self.count += 1
        decay = min(self.decay, self.count / (self.count + 10))
        for key, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value.detach(), 1 - decay)
            else:
                self.state[key].copy_(value)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the average beside a checkpoint; it is written last."""
        if processes.first():
            with atomic_path(_average_file(args, state)) as part:
                save_file(_contiguous(self.state), part)


class AveragingTrainer(Trainer):
    """Trains by a stage of a recipe; the best averaged weights go to ``best.safetensors``.

    Parameters
    ----------
    model : torch.nn.Module
        Gives raw scores and embeddings, and scores of parts and families where it has such heads.
    arguments : transformers.TrainingArguments
        Their ``output_dir`` also gets the weights and figures that are kept.
    data : map-style data set
        What ``collate`` makes batches of.
    settings : mapping
        The stage.
    loss : callable
        Of raw scores and labels.
    collate : callable
        Items to a batch.
    judge : callable
        Figures of a model, which choose among the weights: the lowest ``eer`` is kept.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        arguments: Any,
        data: Any,
        settings: Mapping[str, Any],
        loss: Loss,
        collate: Callable[[list[Any]], dict[str, Any]],
        judge: Callable[[torch.nn.Module], dict[str, float]],
    ) -> None:
        self.average = RunningAverage(model, float(settings.get("average", 0.0)))
        self.network, self.settings = model, settings
        self.loss, self.judge = loss, judge
        self.mask = getattr(getattr(model, "front", None), "mask", None)
        super().__init__(
            model=model,
            args=arguments,
            train_dataset=data,
            eval_dataset=data,
            data_collator=collate,
            callbacks=[self.average, EarlyStoppingCallback(int(settings.get("patience", 5)))],
        )

    def compute_loss(
        self,
        model: Any,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The loss of a batch: of its scores, and of parts and families where there are heads."""
        for module in model.modules():  # tiny batches would blur the pretrained statistics
            if isinstance(module, torch.nn.BatchNorm1d):
                module.eval()
        if self.mask is not None and "items" in inputs:
            self.mask.items = inputs["items"].tolist()
        out = model(inputs["features"] if "features" in inputs else inputs["waves"])
        raw = out[0]
        own = self._own(len(raw))
        judged = inputs["judged"][:own] if "judged" in inputs else slice(None)
        value = self.loss(raw[:own].float()[judged], inputs["labels"][:own][judged])
        parts, named = out[2:] if len(out) > 2 else (None, None)
        if parts is not None:
            weight = float(self.settings.get("parts", 1.0))
            value = value + weight * part_loss(parts[:own], inputs["parts"][:own])
        if named is not None:
            weight = float(self.settings["family"])
            value = value + weight * family_loss(
                named[:own][judged], inputs["families"][:own][judged]
            )
        return (value, raw) if return_outputs else value

    def get_train_dataloader(self) -> Any:
        """Batches; those of `training.echo.Echo` are made already."""
        if isinstance(self.train_dataset, Echo):
            return torch.utils.data.DataLoader(self.train_dataset, batch_size=None)
        return super().get_train_dataloader()

    def _own(self, rows: int) -> int:
        """Rows that are no repetition, which fills up the last batch of several processes."""
        state = self.accelerator.gradient_state
        if processes.count() == 1 or not state.end_of_dataloader or state.remainder < 1:
            return rows
        share = self.args.per_device_train_batch_size
        items = min(share, max(0, state.remainder - share * self.args.process_index))
        return items * rows // share

    def create_optimizer(self, *args: Any, **kwargs: Any) -> Any:
        """AdamW, with a learning rate of its own for the network's front."""
        front: list[torch.nn.Parameter] = []
        rest: list[torch.nn.Parameter] = []
        for name, parameter in self.network.named_parameters():
            if parameter.requires_grad:
                (front if name.startswith("front.") else rest).append(parameter)
        rate = self.args.learning_rate
        groups = [
            {"params": rest, "lr": rate},
            {"params": front, "lr": float(self.settings.get("front_learning_rate", rate))},
        ]
        self.optimizer = torch.optim.AdamW(
            [g for g in groups if g["params"]], weight_decay=self.args.weight_decay
        )
        return self.optimizer

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Dev figures of the averaged weights, which are kept where they are the best."""
        found = processes.from_first(self._judged)
        metrics = {f"eval_{k}": v for k, v in found.items()}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _judged(self) -> dict[str, float]:
        model, out = self.network, Path(str(self.args.output_dir))
        now = {k: v.detach().clone() for k, v in model.state_dict().items()}
        model.load_state_dict(self.average.state)
        found = self.judge(model)
        model.load_state_dict(now)
        model.train()
        best = out / "best.json"
        old = json.loads(best.read_text("utf-8"))["eer"] if best.is_file() else math.inf
        line = json.dumps({"step": self.state.global_step, **found})
        if found["eer"] < old:
            kept = {k: v for k, v in self.average.state.items() if not k.startswith("families.")}
            with atomic_path(out / "best.safetensors") as part:
                save_file(_contiguous(kept), part)
            atomic_write(best, line)
        with (out / "dev.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return found


def _average_file(args: Any, state: Any) -> Path:
    return Path(args.output_dir) / f"checkpoint-{state.global_step}" / "average.safetensors"


def _contiguous(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {k: v.detach().cpu().contiguous().clone() for k, v in state.items()}
