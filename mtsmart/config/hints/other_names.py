"""What settings of other tools are called here.

People come from Hugging Face's Trainer, sentence-transformers, spaCy, scikit-learn and MT-DNN, and write by habit what
these call a setting. A key stands here with the name of its section in front where it means something else elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from mtsmart.config.document import Key
from mtsmart.config.forms import types_at
from mtsmart.config.hints.places import Root, Written, elsewhere, place_called, roots_from
from mtsmart.config.strict import StrictModel

EXPERIMENT: Mapping[str, str] = {
    **dict.fromkeys(["lr", "encoder_lr", "bert_lr"], "optimizer.learning_rate"),
    **dict.fromkeys(["num_train_epochs", "num_epochs", "n_epochs", "max_epochs", "n_iter"], "training.epochs"),
    **dict.fromkeys(["max_steps", "num_steps", "total_steps", "num_training_steps"], "training.max_updates"),
    **dict.fromkeys(["per_device_train_batch_size", "per_gpu_train_batch_size", "batch"], "training.batch_size"),
    **dict.fromkeys(["train_batch_size", "bs", "training.train_batch_size"], "training.batch_size"),
    **dict.fromkeys(["per_device_eval_batch_size", "batch_size_eval"], "training.eval_batch_size"),
    **dict.fromkeys(["gradient_accumulation_steps", "grad_accumulation_step"], "training.accumulation"),
    **dict.fromkeys(["gradient_clipping", "grad_clipping", "clip_grad", "grad_clip"], "training.max_grad_norm"),
    **dict.fromkeys(["fp16", "bf16", "half", "amp", "mixed_precision", "torch_dtype", "dtype"], "training.precision"),
    **dict.fromkeys(["early_stopping", "early_stopping_patience", "early_stop"], "training.patience"),
    **dict.fromkeys(["eval_steps", "evaluation_steps", "eval_strategy"], "training.evaluate_every"),
    **dict.fromkeys(["save_steps", "save_strategy", "save_per_updates"], "training.checkpoint_every"),
    **dict.fromkeys(["save_total_limit"], "training.keep_checkpoints"),
    **dict.fromkeys(["load_best_model_at_end"], "training.keep_best"),
    **dict.fromkeys(["logging_steps", "log_per_updates", "log_interval"], "training.log_every"),
    **dict.fromkeys(["random_state", "random_seed", "training.random_state"], "training.seed"),
    **dict.fromkeys(["optim", "optimizer.type"], "optimizer.name"),
    **dict.fromkeys(["adam_epsilon", "adam_eps"], "optimizer.eps"),
    **dict.fromkeys(["l2", "wd"], "optimizer.weight_decay"),
    **dict.fromkeys(["lr_scheduler_type", "lr_scheduler", "scheduler"], "optimizer.schedule"),
    **dict.fromkeys(["warmup_ratio", "warmup_steps", "warmup_proportion"], "optimizer.warmup"),
    **dict.fromkeys(["model_name_or_path", "model_name", "model", "bert_model", "pretrained_model"], "encoder.path"),
    **dict.fromkeys(["base_model", "init_checkpoint", "transformer", "backbone"], "encoder.path"),
    **dict.fromkeys(["encoder.name", "encoder.id", "encoder.folder"], "encoder.path"),
    **dict.fromkeys(["hidden_dropout_prob", "dropout_prob", "dropout"], "encoder.dropout"),
    **dict.fromkeys(["attn_implementation"], "encoder.attention"),
    **dict.fromkeys(["lora_r", "r", "encoder.peft.r"], "encoder.peft.rank"),
    **dict.fromkeys(["lora_alpha"], "encoder.peft.alpha"),
    **dict.fromkeys(["lora", "peft", "adapter", "adapters", "encoder.lora"], "encoder.peft"),
    **dict.fromkeys(["max_seq_length", "max_seq_len", "max_len", "model_max_length"], "data.max_length"),
    **dict.fromkeys(["group_by_length"], "data.length_grouped"),
    **dict.fromkeys(["num_workers", "dataloader_num_workers"], "data.workers"),
    **dict.fromkeys(["sampling", "sampler", "sampling_strategy", "mix_opt"], "mixing.strategy"),
    **dict.fromkeys(["mixing.type", "mixing.name", "mixing.method"], "mixing.strategy"),
    **dict.fromkeys(["init.path", "init.folder", "init.checkpoint"], "init.run"),
    **dict.fromkeys(["folds.n_splits", "folds.k", "folds.n_folds", "folds.number"], "folds.count"),
    **dict.fromkeys(["encoder.peft.type", "encoder.peft.name", "encoder.peft.peft_type"], "encoder.peft.method"),
    **dict.fromkeys(["report_to", "logger", "loggers", "wandb", "tensorboard"], "tracking"),
}
"""Key -> the place in an experiment."""

TASK: Mapping[str, str] = {
    **dict.fromkeys(["type", "kind", "task", "problem_type"], "task_type"),
    **dict.fromkeys(["n_class", "num_labels", "num_classes", "n_labels", "classes", "class_names"], "labels"),
    **dict.fromkeys(["label_names", "label_list", "id2label", "label2id", "label_map", "tags"], "labels"),
    **dict.fromkeys(["label_column", "label_col", "label_name", "target", "targets", "y", "gold"], "label"),
    **dict.fromkeys(["text_column", "text_columns", "text_col", "texts", "sentence", "sentences"], "text"),
    **dict.fromkeys(["input", "inputs", "feature", "features", "x"], "text"),
    **dict.fromkeys(["loss_weight", "task_weight"], "weight"),
    **dict.fromkeys(["batch", "bs", "train_batch_size", "per_device_train_batch_size"], "batch_size"),
    **dict.fromkeys(["metric", "metric_meta", "scorer", "scoring", "main_metric"], "metrics"),
    **dict.fromkeys(["max_seq_length", "max_seq_len", "max_len"], "max_length"),
    **dict.fromkeys(["criterion", "loss_type", "loss_fn"], "loss"),
    **dict.fromkeys(["sep", "dataset.sep", "separator", "dataset.separator"], "dataset.delimiter"),
    **dict.fromkeys(["train", "train_file", "train_path", "dev", "valid", "validation", "test"], "dataset.files"),
    **dict.fromkeys(["data", "data_files", "file", "validation_file", "test_file"], "dataset.files"),
    **dict.fromkeys(["dataset.train", "dataset.validation", "dataset.dev", "dataset.test"], "dataset.files"),
    **dict.fromkeys(["dataset.data_files", "dataset.file", "dataset.train_file"], "dataset.files"),
    **dict.fromkeys(["dataset_name", "dataset.id", "dataset.hub_id"], "dataset.path"),
    **dict.fromkeys(["dataset_config", "subset", "dataset.config", "dataset.subset"], "dataset.name"),
    **dict.fromkeys(["test_size", "validation_split", "val_split"], "dataset.holdout"),
    **dict.fromkeys(["dataset.test_size", "dataset.validation_split"], "dataset.holdout"),
    **dict.fromkeys(["pool", "pooling_mode", "head.pool"], "head.pooling"),
    **dict.fromkeys(["head.name", "head.kind"], "head.type"),
    **dict.fromkeys(["head.lr", "head.learning_rate", "head_lr"], "learning_rate_factor"),
    **dict.fromkeys(["dataset.group", "dataset.groups"], "dataset.group_column"),
    **dict.fromkeys(["dataset.header", "dataset.names", "dataset.column_names"], "dataset.columns"),
}
"""Key -> the place in a task definition."""

ADVICE: Mapping[str, str] = {
    **dict.fromkeys(
        ["output_dir", "out_dir", "save_dir", "output"],
        "The folder is given on the command line: --output-dir FOLDER",
    ),
    **dict.fromkeys(
        ["regularizers", "regularisers", "regularizer", "regulariser", "methods"],
        "Write each method under its own name: 'mtsmart methods' lists them",
    ),
    "seeds": "Several seeds are a sweep: grid: {seeds: [1, 2, 3]}",
    "name": "The name of a task stands above its settings: NAME: {task_type: ...}",
}
"""Key at the top of a file -> what to do where no setting of ours takes its place."""


def hint_for_other_name(model: type[StrictModel], location: Key, written: Written) -> str | None:
    """What a setting of another tool is called here; None for a key that is not known as one.

    Args:
        model: the section of the whole document.
        location: the keys down to the unknown one.
        written: how the user writes settings.
    """
    for root in roots_from(model):
        place = _place_in(root, location, is_own=root.model is model)
        if place is None:
            continue
        if root.model is model and place[:-1] == location[:-1]:
            return f"Did you mean '{place[-1]}'?"
        return f"Here it is {f'written {written(place)}' if root.model is model else elsewhere(place, root)}"
    return ADVICE.get(str(location[0])) if len(location) == 1 else None


def _place_in(root: Root, location: Key, is_own: bool) -> Key | None:
    """The place that a root has for a key: for it in its section, or else wherever it stands.

    A task's names are everyday words, so they count at the top of a task or of an experiment only.
    """
    table = TASK if root.above else EXPERIMENT
    found = table.get(".".join(map(str, location))) if is_own else None
    if found is None and (table is EXPERIMENT or len(location) == 1):
        found = table.get(str(location[-1]))
    return tuple(found.split(".")) if found else None


def setting_called(model: type[StrictModel], name: str) -> str | None:
    """The dotted key of the setting that a name of ours or of another tool stands for; None if it stands for none.

    Args:
        model: the section of the whole experiment.
        name: as it is, with dots, or alone.
    """
    if types_at(model, name.split(".")):
        return name
    place = place_called(model, name)
    return EXPERIMENT.get(name) or (None if place is None else ".".join(map(str, place)))
